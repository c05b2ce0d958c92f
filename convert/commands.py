"""`edgehar convert`: a trained model becomes a bundle that has been checked."""

from pathlib import Path

import click
from rich.console import Console

from convert import run_folder
from convert.converter import FORMS
from convert.export import (
    MOUNTINGS,
    UNKNOWN_THRESHOLD,
    convert_run,
    make_bundle,
    terms_of,
)
from device.model import bundle


@click.command(
    epilog="\b\nExample:\n  edgehar convert runs/waist --name waist --out waist.tflite",
)
@click.argument("run", metavar="RUN_FOLDER|MODEL.keras", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The bundle to write.")
@click.option("--name", default="waist", show_default=True, help="What decisions call the model.")
@click.option("--form", type=click.Choice(FORMS), default="int8", show_default=True)
@click.option("--mounting", help="Who wears the sensor, where, and how its axes lie [default: what "
              "the run says; known for " + ", ".join(MOUNTINGS) + "].")  # fmt: skip
@click.option("--unknown-threshold", type=click.FloatRange(0, 1), help="Below this confidence "
              f"the answer is `unknown` [default: the run's, or {UNKNOWN_THRESHOLD}].")  # fmt: skip
@click.option("--input-range", type=click.FloatRange(0.1, 100), help="int8: clip the input to ± "
              "this many g, rad/s if the model itself does not [default: by trial].")  # fmt: skip
def convert(  # noqa: PLR0913  one argument an option
    run: Path,
    out: Path,
    *,
    name: str,
    form: str,
    mounting: str | None,
    unknown_threshold: float | None,
    input_range: float | None,
) -> None:
    """Convert a trained model, check it against Keras on its test windows, write a bundle.

    Takes the folder that `edgehar train` made, or the model.keras in it.
    """
    with Console(stderr=True).status("") as status:
        status.update("reading the run")
        read = run_folder.read(run)
        terms = terms_of(read, name, mounting, unknown_threshold)
        status.update(f"converting to {form} and checking")
        converted, check = convert_run(read, form, input_range)
        status.update("writing the bundle")
        manifest, card = make_bundle(read, converted, check, terms)
        bundle.write(out, converted.flatbuffer, manifest, card)
    made = bundle.load(out)
    click.echo(f"{out}: {made.id}, {form}, {len(converted.flatbuffer):,} bytes")
    whose = "windows it was trained on" if "left_out" in read.metrics else "test windows"
    click.echo(f"Keras: accuracy {check.keras_accuracy:.2%} on {check.windows:,} {whose}")
    for runtime, one in check.runtimes.items():
        click.echo(
            f"{runtime} {one.version}: accuracy {one.accuracy:.2%}, same class as Keras "
            f"{one.agreement:.2%}, largest difference of a probability {one.largest_difference:.3f}"
        )
