"""Opens what the settings name: the model, the source, the calibration, the state files."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from device.config import paths
from device.config.load import Config, parse_source
from device.config.source import Source as SourceSetting
from device.model.bundle import Bundle, is_path, is_shipped, load, locate, shipped_default
from device.model.classifier import self_test
from device.model.signature import read_key
from device.model.store import Store
from device.model.trial import ActiveModel, active, take_active
from device.mounting.state_file import MountingFile
from device.sinks import daily_totals_file as today_files
from device.sinks.daily_totals_file import DailyTotalsFile
from device.sources import Source
from device.sources.recording import RecordingSource
from firmware_bridge.errors import InputError

if TYPE_CHECKING:
    from device.calibration.values import Calibration

log = logging.getLogger(__name__)


def model_path(name_or_path: str | None, folder: Path | None = None) -> Path:
    """Return the path of the model named, or of the shipped default; raises InputError.

    A shipped model's name wins over an installed one of that name; NAME@HASH tells them apart.
    """
    name = name_or_path or shipped_default()
    if is_path(name) or is_shipped(name):
        return locate(name)
    return Store(folder or paths.models_folder()).find(name)


def open_bundle(name_or_path: str | None, config: Config | None = None) -> Bundle:
    """Load the model named, else the active one of `config`, else the default; raises InputError.

    The trial of an active model is not counted.
    """
    if name_or_path is None and config is not None:
        return active(store(config))
    return load(model_path(name_or_path, None if config is None else config.models_folder))


def store(config: Config) -> Store:
    """Return the store of installed models; creates no folder. Raises InputError for a bad key."""
    key = read_key(config.models_key) if config.models_key else None
    return Store(config.models_folder or paths.models_folder(), key)


@contextmanager
def active_model(config: Config) -> Generator[ActiveModel]:
    """Take the model that the settings name, else the active model; raises BundleError."""
    if config.model is None:
        with take_active(store(config)) as model:
            yield model
    else:
        bundle = open_bundle(config.model, config)
        self_test(bundle)
        yield ActiveModel(bundle, "named", None)


def open_source(setting: SourceSetting | str) -> Source:
    """Return the source of a setting or of a text such as `serial:/dev/ttyUSB0`; opens no port."""
    source = parse_source(setting) if isinstance(setting, str) else setting
    if source.kind == "serial":
        _refuse_other_files(Path(source.path))
    if source.kind == "recording":
        return RecordingSource(source.path)
    if source.kind == "i2c":
        from device.sources.i2c import I2cSource  # noqa: PLC0415 -- a serial line needs no smbus2

        return I2cSource(int(source.path), source.address, source.rate_hz, direct=source.direct)
    from device.sources.serial import SerialSource  # noqa: PLC0415 -- a recording needs no pyserial

    return SerialSource(source.path, source.baud)


def _refuse_other_files(port: Path) -> None:
    """Refuse a folder or a file as a port. The source waits for a port that is missing."""
    if port.is_dir() or port.is_file():
        what = "a folder" if port.is_dir() else "a file"
        raise InputError(f"{port} is {what}, not a serial port; `edgehar doctor` lists the ports")


def calibrated(source: Source, path: Path) -> Source:
    """Return the source without the sensor's constant errors; raises InputError."""
    from device.calibration.values import Calibrated  # noqa: PLC0415 -- saves memory without one

    return Calibrated(source, calibration(path))


def calibration(path: Path) -> "Calibration":
    """Read the sensor's constant errors from a file; raises InputError."""
    from device.calibration import file  # noqa: PLC0415 -- saves memory without one

    content = file.read(path)
    log.info("calibration %s: of %s, %s", path, content.source, content.date)
    return content.calibration


def mounting_file(
    bundle: Bundle, source: SourceSetting, source_name: str, path: Path | None
) -> MountingFile | None:
    """Return the file of the mounting: `path`, else one in the service's state folder.

    None for a recording, and for a model that does not estimate the mounting. Raises InputError.
    """
    folder = paths.state_directory()
    if path is None and folder is not None:
        path = folder / paths.MOUNTING
    if path is None or bundle.orientation is None or source.kind == "recording":
        return None
    _check_folder_of(path)
    return MountingFile(path, source_name, bundle.name, bundle.orientation)


def daily_totals_file(source: SourceSetting, state: Path | None) -> DailyTotalsFile | None:
    """Return the file of the day's minutes by activity, in the folder of the mounting's file."""
    folder = paths.state_directory() if state is None else state.parent
    if folder is None or source.kind == "recording":
        return None
    if state is not None:
        _check_folder_of(state)
    return DailyTotalsFile(folder / today_files.NAME)


def _check_folder_of(state: Path) -> None:
    if not state.parent.is_dir():
        raise InputError(f"state.file {state}: there is no folder {state.parent}; create it")
