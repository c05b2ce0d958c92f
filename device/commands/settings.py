"""The settings of a command: `--config`, or the file that is found where settings live."""

from pathlib import Path

import click

from device.config import load as configs
from device.config import paths
from device.config.load import Config

config_option = click.option(
    "--config", "config_path", metavar="FILE", type=Path,
    help=f"Settings [default: ${paths.VARIABLE}, else this user's, else {paths.SETTINGS}].",
)  # fmt: skip


def found(config_path: Path | None) -> Path | None:
    """Return the settings file to take; standard error names one that was not named."""
    path = paths.find_settings(config_path)
    if path is not None and config_path is None:
        click.echo(f"edgehar: settings from {path}", err=True)
    return path


def load(config_path: Path | None) -> Config:
    """Load the settings named, else those found, else the defaults. Raises ConfigError."""
    path = found(config_path)
    return Config() if path is None else configs.load(path)
