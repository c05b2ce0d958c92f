"""`edgehar bundle`: shows a bundle's model card or manifest, and checks a bundle."""

import json

import click

from device import factory
from device.model.classifier import Classifier, self_test


@click.group(epilog="\b\nExample:\n  edgehar bundle show waist\n  edgehar bundle check my.tflite")
def command() -> None:
    """Show a model bundle, or check that it is undamaged and works on this machine."""


@command.command(epilog="\b\nExample:\n  edgehar bundle show waist")
@click.argument("file", metavar="NAME|FILE")
@click.option("--manifest", is_flag=True, help="The manifest, as JSON, in place of the model card.")
def show(file: str, *, manifest: bool) -> None:
    """Print a bundle's model card, or its manifest."""
    bundle = factory.open_bundle(file)
    text = json.dumps(bundle.manifest, indent=1, ensure_ascii=False) if manifest else bundle.card
    click.echo(text)


@command.command(epilog="\b\nExample:\n  edgehar bundle check waist")
@click.argument("file", metavar="NAME|FILE")
def check(file: str) -> None:
    """Verify a bundle and run its self-test; exits with 2 if it cannot be used here."""
    bundle = factory.open_bundle(file)
    runtime, difference = Classifier(bundle).runtime, self_test(bundle)
    activity = bundle.manifest["self_test"]["activity"]
    click.echo(
        f"{bundle.id}: undamaged; self-test on {runtime} gives {activity}, within {difference:.3f}"
        " of the stated probabilities"
    )
