"""Reports on the first paper's network on UCI HAR's official split: five seeds, float and int8."""

from dataclasses import replace
from pathlib import Path

from train.networks.recipes import PAPER
from train.report.repeat import HEAD, repeat, row, spread
from train.results import pages
from train.results.provenance import provenance
from train.waist import data as waist_data

SEEDS = (0, 1, 2, 3, 4)
PUBLISHED = ["published (one figure; seeds and epoch not stated)", "92.13%", "", "", "0.295"]


def report(folder: Path, *, quick: bool) -> str:
    """Make the table; write results/uci.json unless quick.

    Each seed draws four training people, who choose the epoch. The test set is used after the fit.
    """
    recipe = replace(PAPER, epochs=2) if quick else PAPER
    data = waist_data.uci_data(folder, recipe.hop)
    done = repeat("quick" if quick else "uci", data, recipe, SEEDS[:1] if quick else SEEDS)
    forms = {form: spread(done, form) for form in ("float", "int8")}
    rows = [row(form, figures) for form, figures in forms.items()]
    if not quick:
        figures = {
            **forms,
            "seeds": list(SEEDS),
            "epochs": [result["epoch"] for result in done],
            "seconds": [result["seconds"] for result in done],
            "windows": len(data.test),
            "recipe": done[0]["key"]["recipe"],
            "data": data.sha256,
            **provenance(),
        }
        rows.append(PUBLISHED)
        pages.write("uci", figures, HEAD, rows)
    return pages.markdown(HEAD, rows)
