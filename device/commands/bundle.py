"""`edgehar bundle`: what a bundle says of itself, and whether it works here."""

import json

import click

from device import factory
from device.model.classifier import Classifier, self_test


@click.group(epilog="\b\nExample:\n  edgehar bundle show waist\n  edgehar bundle check my.tflite")
def command() -> None:
    """Show a model bundle, or check that it is whole and works on this machine."""


@command.command(epilog="\b\nExample:\n  edgehar bundle show waist")
@click.argument("file", metavar="NAME|FILE")
@click.option("--manifest", is_flag=True, help="The manifest, as JSON, in place of the model card.")
def show(file: str, *, manifest: bool) -> None:
    """Print a bundle's model card, or its manifest."""
    found = factory.open_bundle(file)
    text = json.dumps(found.manifest, indent=1, ensure_ascii=False) if manifest else found.card
    click.echo(text)


@command.command(epilog="\b\nExample:\n  edgehar bundle check waist")
@click.argument("file", metavar="NAME|FILE")
def check(file: str) -> None:
    """Verify a bundle and run its self-test; exits with 2 if it is not fit for use here."""
    found = factory.open_bundle(file)
    runtime = Classifier(found).runtime
    difference = self_test(found)
    click.echo(
        f"{found.id}: whole; self-test on {runtime} gives {found.manifest['self_test']['activity']}"
        f", within {difference:.3f} of the probabilities stated"
    )
