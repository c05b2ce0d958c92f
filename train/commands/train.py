"""`edgehar train`: fit a network, keep a run folder."""

from dataclasses import replace
from pathlib import Path

import click

from firmware_bridge.errors import InputError
from train.commands.options import data_option, show_progress
from train.quiet import quiet_import
from train.recipes import RECIPES

WRIST = "wrist"


@click.command(epilog="\b\nExample:\n  edgehar train --recipe wrist --out runs/wrist")
@click.option("--model", type=click.Choice(["cnn_lstm"]), help="[default: the recipe's]")
@click.option(
    "--recipe", type=click.Choice([*RECIPES, WRIST]), default="shipped", show_default=True
)
@click.option(
    "--windows",
    type=click.Choice(["uci", "hapt", "uci+hapt"]),
    help="The publisher's windows, our signal path over raw recordings, or both (tested on the "
    "publisher's); not for the wrist.  [default: hapt]",
)
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
    """Train a model and score it on people it never saw.

    The run folder holds the model, what made it, its scores and pictures. The test people are
    scored once, at the end; choose nothing by them.

    The wrist's model (--recipe wrist) is trained on everybody in five data sets. Its scores, and
    the numbers of its decisions, are those of `edgehar report wrist`, which has to come first.
    """
    show_progress()
    if recipe == WRIST:
        for option, given in (("--windows", windows), ("--model", model)):
            if given:
                raise InputError(f"--recipe {WRIST} has its own; leave {option} out")
        _wrist(data, out or Path("runs") / f"{WRIST}-{seed}", seed, epochs)
        return
    with quiet_import():
        from train import experiment, runs  # noqa: PLC0415  TensorFlow takes seconds to import

    windows = windows or "hapt"
    chosen = RECIPES[recipe]
    chosen = replace(chosen, model=model or chosen.model, epochs=epochs or chosen.epochs)
    out = out or Path("runs") / f"{recipe}-{windows}-{seed}"
    with runs.new_run(out) as part:
        made = experiment.DATA[windows](data, chosen)
        done = experiment.run(made, chosen, seed)
        runs.save(part, done, made)
    for name, scores in done.scores.items():
        click.echo(f"{name}: accuracy {scores.accuracy:.2%}, macro F1 {scores.macro_f1:.2%}")
    click.echo(str(out))


def _wrist(data: Path, out: Path, seed: int, epochs: int | None) -> None:
    with quiet_import():
        from train import runs  # noqa: PLC0415  TensorFlow takes seconds to import
        from train.wrist import ship  # noqa: PLC0415
        from train.wrist.fit import WristRecipe  # noqa: PLC0415

    report, recipe = ship.read_report(), WristRecipe()
    recipe = replace(recipe, epochs=epochs or recipe.epochs)
    with runs.new_run(out) as part:
        ship.fill(part, data, recipe, seed, report)
    click.echo(str(out))
