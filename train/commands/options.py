"""Options that several commands share, and the training log on stderr."""

import logging
from pathlib import Path

import click

from train.datasets.archive import data_folder


def _folder(ctx: click.Context, option: click.Parameter, value: Path | None) -> Path:  # noqa: ARG001  click's signature
    return data_folder(value)


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    callback=_folder,
    help="Folder with the archives of the data sets.  [default: $EDGEHAR_DATA, else ./data]",
)


def show_progress() -> None:
    """Print the training log, one line for each epoch, to stderr, also if stderr is a file."""
    logger = logging.getLogger("train")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
