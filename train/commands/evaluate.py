"""`edgehar evaluate`: score a run or a bundle on the test people."""

from pathlib import Path

import click

from train.commands.options import data_option


@click.command(epilog="\b\nExample:\n  edgehar evaluate waist --windows hapt --data ~/archives")
@click.argument("run_or_bundle")
@click.option("--windows", type=click.Choice(["uci", "hapt"]),
              help="Windows to score on.  [default: the run's; for a bundle hapt]")  # fmt: skip
@data_option
def evaluate(run_or_bundle: str, windows: str | None, data: Path) -> None:
    """Score a run folder, a bundle file or a shipped bundle on the test people."""
    from train.fitting import scoring  # noqa: PLC0415  --help needs none of it

    scores = scoring.score_run_or_bundle(run_or_bundle, windows, data)
    width = max(map(len, scores.recall))
    click.echo(f"{'':{width}}  precision  recall     F1")
    for label in scores.recall:
        figures = (scores.precision[label], scores.recall[label], scores.f1[label])
        click.echo(f"{label:{width}}  " + "  ".join(f"{figure:7.2%}" for figure in figures))
    macro = (scores.macro_precision, scores.macro_recall, scores.macro_f1)
    click.echo(f"{'macro':{width}}  " + "  ".join(f"{figure:7.2%}" for figure in macro))
    click.echo(
        f"accuracy {scores.accuracy:.2%} of {scores.windows} windows, loss {scores.loss:.4f}"
    )
    click.echo("confusion matrix: a row for each true label, a column for each predicted label")
    for label, row in zip(scores.recall, scores.confusion, strict=True):
        click.echo(f"{label:{width}}  " + " ".join(f"{count:5d}" for count in row))
