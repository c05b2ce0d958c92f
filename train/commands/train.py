"""`edgehar train`: trains a network into a run folder."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from convert import run_folder
from firmware_bridge.errors import InputError
from train.commands.options import data_option, show_progress
from train.datasets import wrist
from train.datasets.archive import locate
from train.datasets.catalogue import CATALOGUE
from train.fitting.quiet_import import quiet_import
from train.networks.recipes import RECIPES
from train.waist.data import DATA
from train.wrist.report_figures import read_report

LOG = logging.getLogger("train")
WRIST = "wrist"
NEEDS = {"uci": ("uci-har",), "hapt": ("hapt",), "uci+hapt": ("uci-har", "hapt")}
"""Names in CATALOGUE by choice of windows."""


@click.command(epilog="\b\nExample:\n  edgehar train --recipe wrist --out runs/wrist")
@click.option("--model", type=click.Choice(["cnn_lstm"]), help="[default: the recipe's]")
@click.option("--recipe", type=click.Choice([*RECIPES, WRIST]), default="waist", show_default=True)
@click.option("--windows", type=click.Choice(list(NEEDS)), help="Windows to train on: uci (the "
              "publisher's), hapt (cut by our signal path from raw recordings) or uci+hapt (both, "
              "tested on uci). Not for the wrist.  [default: hapt]")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(1, 10_000), help="[default: the recipe's]")
@click.option("--out", type=click.Path(path_type=Path), help="[default: runs/RECIPE-WINDOWS-SEED]")
@data_option
def train(  # noqa: PLR0913, PLR0917  click passes every option
    model: str | None,
    recipe: str,
    windows: str | None,
    seed: int,
    epochs: int | None,
    out: Path | None,
    data: Path,
) -> None:
    """Train a model and score it on new people.

    The run folder contains the model, its settings, its scores and pictures. The test people are
    scored once, after training. Do not use these scores to choose a model or a setting.

    The wrist model (--recipe wrist) is trained on all people of five data sets. Its scores and the
    parameters of its decisions come from `edgehar report wrist`; run that report first.
    """
    show_progress()
    if recipe == WRIST:
        for option, value in (("--windows", windows), ("--model", model)):
            if value:
                raise InputError(
                    f"{option} cannot be combined with --recipe {WRIST}; omit {option}"
                )
        _wrist(data, out or Path("runs") / f"{WRIST}-{seed}", seed, epochs)
        return
    windows = windows or "hapt"
    _require(NEEDS[windows], data)
    chosen = RECIPES[recipe]
    chosen = replace(chosen, model=model or chosen.model, epochs=epochs or chosen.epochs)
    out = out or Path("runs") / f"{recipe}-{windows}-{seed}"
    with run_folder.new(out, LOG) as part:
        waist_data = DATA[windows](data, chosen.hop)
        with quiet_import():
            from train.fitting import experiment, runs  # noqa: PLC0415  TensorFlow takes seconds

        done = experiment.run(waist_data, chosen, seed)
        runs.save(part, done, waist_data)
    for name, scores in done.scores.items():
        click.echo(f"{name}: accuracy {scores.accuracy:.2%}, macro F1 {scores.macro_f1:.2%}")
    click.echo(str(out))


def _wrist(data: Path, out: Path, seed: int, epochs: int | None) -> None:
    report = read_report()
    _require(wrist.DATASETS, data)
    with quiet_import():
        from train.wrist import final_fit  # noqa: PLC0415  TensorFlow takes seconds
        from train.wrist.fit import WristRecipe  # noqa: PLC0415

    recipe = WristRecipe()
    recipe = replace(recipe, epochs=epochs or recipe.epochs)
    with run_folder.new(out, LOG) as part:
        final_fit.fill(part, data, recipe, seed, report)
    click.echo(str(out))


def _require(names: Sequence[str], data: Path) -> None:
    """Raise DataError if a data set is missing, before TensorFlow loads or a file is written."""
    for entry in CATALOGUE:
        if entry.name in names:
            locate(data, entry.files, entry.title)
