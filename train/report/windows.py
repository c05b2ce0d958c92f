"""Compares the publisher's windows with the windows that our signal path cuts from HAPT."""

from dataclasses import replace
from pathlib import Path

from train.networks.recipes import WAIST
from train.report.repeat import HEAD, repeat, row, spread
from train.results import pages
from train.results.provenance import provenance
from train.waist import data as waist_data

SEEDS = (0, 1, 2)
NAMES = {"uci": "publisher's windows", "hapt": "our signal path"}


def report(folder: Path, *, quick: bool) -> str:
    """Train on both with one recipe, test on the same people; write results/windows.json.

    The people are those in the archive of HAPT; some copies lack people. A quick report has one
    seed and two epochs, and writes no results.
    """
    # The publisher's windows have a hop of 64; four times the epochs give as many windows.
    recipe = replace(WAIST, hop=64, epochs=4 * WAIST.epochs)
    if quick:
        recipe = replace(recipe, epochs=2)
    hapt = waist_data.hapt_data(folder, recipe.hop)
    uci = waist_data.uci_data(folder, recipe.hop)
    uci = replace(uci, train=uci.train.of(hapt.train.people), test=uci.test.of(hapt.test.people))
    figures, rows = {}, []
    for name, data in (("uci", uci), ("hapt", hapt)):
        prefix = "quick-windows" if quick else "windows"
        done = repeat(f"{prefix}-{name}", data, recipe, SEEDS[:1] if quick else SEEDS)
        figures[name] = {form: spread(done, form) for form in ("float", "int8")}
        figures[name]["windows"] = {"train": len(data.train), "test": len(data.test)}
        rows += [row(f"{NAMES[name]}, {form}", figures[name][form]) for form in ("float", "int8")]
    if not quick:
        whole = {
            **figures,
            "seeds": list(SEEDS),
            "people": sorted(hapt.test.people),
            "data": {"uci": uci.sha256, "hapt": hapt.sha256},
            **provenance(),
        }
        pages.write("windows", whole, HEAD, rows)
    return pages.markdown(HEAD, rows)
