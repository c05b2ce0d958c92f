"""Two ways to make windows: the publisher's, and our signal path over the raw recordings."""

from dataclasses import replace
from pathlib import Path

from train import experiment, results
from train.provenance import provenance
from train.recipes import SHIPPED
from train.report.repeat import HEAD, repeat, row, spread

SEEDS = (0, 1, 2)
NAMES = {"uci": "publisher's windows", "hapt": "our signal path"}


def report(folder: Path, *, quick: bool) -> str:
    """Train on either with one recipe, test on the same people; write results/windows.json.

    The people are those of HAPT, which some copies of the archive hold only in part. A quick
    report is one seed and two epochs, and is not written.
    """
    # The publisher's windows have no other hop; four times the epochs see as many windows.
    recipe = replace(SHIPPED, hop=64, epochs=4 * SHIPPED.epochs)
    if quick:
        recipe = replace(recipe, epochs=2)
    hapt = experiment.hapt_data(folder, recipe)
    uci = experiment.uci_data(folder, recipe)
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
        results.write("windows", whole, HEAD, rows)
    return results.markdown(HEAD, rows)
