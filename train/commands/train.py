"""`edgehar train`: fit a network, keep a run folder."""

from pathlib import Path

import click

from train.commands.options import data_option, show_progress
from train.quiet import quiet_import
from train.recipes import RECIPES


@click.command(epilog="\b\nExample:\n  edgehar train --recipe paper --windows uci --out runs/paper")
@click.option("--model", type=click.Choice(["cnn_lstm"]), default="cnn_lstm", show_default=True)
@click.option("--recipe", type=click.Choice(list(RECIPES)), default="shipped", show_default=True)
@click.option(
    "--windows",
    type=click.Choice(["uci", "hapt"]),
    default="hapt",
    show_default=True,
    help="The publisher's windows, or our signal path over raw recordings.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(1, 10_000), help="[default: the recipe's]")
@click.option("--out", type=click.Path(path_type=Path), help="[default: runs/RECIPE-WINDOWS-SEED]")
@data_option
def train(  # noqa: PLR0913, PLR0917  click passes every option
    model: str,
    recipe: str,
    windows: str,
    seed: int,
    epochs: int | None,
    out: Path | None,
    data: Path,
) -> None:
    """Train a model and score it on people it never saw.

    The run folder holds the model, what made it, its scores and pictures. The test people are
    scored once, at the end; choose nothing by them.
    """
    from dataclasses import replace  # noqa: PLC0415

    with quiet_import():
        from train import experiment, runs  # noqa: PLC0415  TensorFlow takes seconds to import

    show_progress()
    chosen = replace(RECIPES[recipe], model=model)
    if epochs:
        chosen = replace(chosen, epochs=epochs)
    out = out or Path("runs") / f"{recipe}-{windows}-{seed}"
    with runs.new_run(out) as part:
        made = experiment.DATA[windows](data, chosen)
        done = experiment.run(made, chosen, seed)
        runs.save(part, done, made)
    for name, scores in done.scores.items():
        click.echo(f"{name}: accuracy {scores.accuracy:.2%}, macro F1 {scores.macro_f1:.2%}")
    click.echo(str(out))
