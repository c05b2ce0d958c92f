"""The option `--config`, and the settings of a command."""

from pathlib import Path

import click

from device.config import load as configs
from device.config import paths
from device.config.load import Config

config_option = click.option(
    "--config", "config_path", metavar="FILE", type=Path,
    help=f"Settings [default: ${paths.VARIABLE}, else this user's, else {paths.SETTINGS}].",
)  # fmt: skip


def settings_path(config_path: Path | None) -> Path | None:
    """Return the settings file, or None. Without `--config`, print the file's name to stderr."""
    path = paths.find_settings(config_path)
    if path is not None and config_path is None:
        click.echo(f"edgehar: settings from {path}", err=True)
    return path


def load(config_path: Path | None) -> Config:
    """Load the settings of `--config`, else of the usual places, else the defaults.

    Raises ConfigError.
    """
    path = settings_path(config_path)
    return Config() if path is None else configs.load(path)
