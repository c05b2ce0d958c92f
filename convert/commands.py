"""`edgehar convert`: converts a trained model to a verified bundle."""

from pathlib import Path

import click
from rich.console import Console

from convert import run_folder
from convert.conversion_process import FORMS
from convert.export import MOUNTINGS, UNKNOWN_THRESHOLD, convert_run, make_bundle, terms_of
from device.model import bundle


@click.command(epilog="\b\nExample:\n  edgehar convert runs/waist --name waist --out waist.tflite")
@click.argument("run", metavar="RUN_FOLDER|MODEL.keras", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Bundle to write.")
@click.option("--name", default="waist", show_default=True, help="Name of the model.")
@click.option("--form", type=click.Choice(FORMS), default="int8", show_default=True)
@click.option("--mounting", help="Text: who wears the sensor, where, and with which axes "
              f"[default: from the run; built in for {', '.join(MOUNTINGS)}].")  # fmt: skip
@click.option("--unknown-threshold", type=click.FloatRange(0, 1), help="Below this confidence the "
              f"answer is `unknown` [default: from the run, or {UNKNOWN_THRESHOLD}].")  # fmt: skip
@click.option("--input-range", type=click.FloatRange(0.1, 100), help="int8: clip the input to ± "
              "this (g, rad/s), unless the model clips [default: best of several].")  # fmt: skip
def convert(  # noqa: PLR0913 -- one argument for each option
    run: Path,
    out: Path,
    *,
    name: str,
    form: str,
    mounting: str | None,
    unknown_threshold: float | None,
    input_range: float | None,
) -> None:
    """Convert a trained model, compare it with Keras on its test windows, write a bundle.

    Takes a folder written by `edgehar train`, or the model.keras in it.
    """
    with Console(stderr=True).status("reading the run") as status:
        content = run_folder.read(run)
        terms = terms_of(content, name, mounting, unknown_threshold)
        status.update(f"converting to {form} and checking")
        converted, check = convert_run(content, form, input_range)
        status.update("writing the bundle")
        manifest, card = make_bundle(content, converted, check, terms)
        bundle.write(out, converted.flatbuffer, manifest, card)
    written = bundle.load(out)
    click.echo(f"{out}: {written.id}, {form}, {len(converted.flatbuffer):,} bytes")
    windows = "training windows" if "left_out" in content.metrics else "test windows"
    click.echo(f"Keras: accuracy {check.keras_accuracy:.2%} on {check.windows:,} {windows}")
    for runtime, agreement in check.runtimes.items():
        click.echo(
            f"{runtime} {agreement.version}: accuracy {agreement.accuracy:.2%}, same class as Keras"
            f" {agreement.agreement:.2%}, largest difference of a probability"
            f" {agreement.largest_difference:.3f}"
        )
