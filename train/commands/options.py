"""Options that several commands share, and what they show on the terminal."""

import logging
import sys
from pathlib import Path

import click

from train.datasets.archive import data_folder


def _folder(ctx: click.Context, option: click.Parameter, given: Path | None) -> Path:  # noqa: ARG001  click's signature
    return data_folder(given)


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    callback=_folder,
    help="Folder with the archives.  [default: $EDGEHAR_DATA, else ./data]",
)


def show_progress() -> None:
    """Show the training log on stderr when someone is watching it."""
    logger = logging.getLogger("train")
    logger.setLevel(logging.INFO)
    if sys.stderr.isatty() and not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
