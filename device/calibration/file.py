"""Reads and writes the calibration file: small JSON, checked completely before use."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from device.calibration.faces import Result
from device.calibration.values import Calibration
from device.files.spec_fields import matching, number, numbers
from firmware_bridge import bounded_file
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json

SCHEMA: Final = 1
_MAX_BYTES: Final = 64 * 1024
_MOST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class CalibrationFile:
    """A calibration and its origin."""

    schema: int
    source: str
    """The source's URI, such as serial:/dev/ttyUSB0."""
    date: str
    """UTC, ISO 8601."""
    temperature_c: float | None
    """Temperature of the chip, if known; offsets change by some mg in 10 degrees."""
    acc_offset_g: tuple[float, float, float]
    acc_scale: tuple[float, float, float]
    gyro_bias_rad_s: tuple[float, float, float]
    residuals: dict[str, Any]
    """Fields of a Residual, by place."""

    @property
    def calibration(self) -> Calibration:
        """The calibration without its origin; raises InputError if a value is out of range."""
        return Calibration(self.acc_offset_g, self.acc_scale, self.gyro_bias_rad_s)


def made(result: Result, source: str, date: str, temperature_c: float | None) -> CalibrationFile:
    """Return a file's content from a calibration and its origin."""
    return CalibrationFile(
        schema=SCHEMA,
        source=source[:_MOST_TEXT],
        date=date,
        temperature_c=temperature_c,
        residuals={where: asdict(residual) for where, residual in result.residuals.items()},
        **asdict(result.calibration),
    )


def write(path: Path, content: CalibrationFile) -> None:
    """Write the file in one step; raises InputError."""
    write_json(path, asdict(content))


def read(path: Path) -> CalibrationFile:
    """Read and check a file; raises InputError, with one line that names the file."""
    try:
        return _checked(json.loads(bounded_file.read(path, _MAX_BYTES).decode()))
    except OSError as error:
        raise InputError(f"cannot read the calibration {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a calibration: {_short(error)}") from error
    except InputError as error:
        raise InputError(f"{path} is not a usable calibration: {error}") from error


def _checked(content: object) -> CalibrationFile:
    if isinstance(content, dict) and content.get("schema", SCHEMA) != SCHEMA:
        raise InputError(f"schema {content['schema']!r}, but this version reads only {SCHEMA}")
    values = matching(CalibrationFile, content, "calibration")
    for name in ("source", "date"):
        text = values[name]
        if not isinstance(text, str) or not text.isprintable() or len(text) > _MOST_TEXT:
            raise InputError(f"{name} must be printable text of at most {_MOST_TEXT} characters")
    for name in ("acc_offset_g", "acc_scale", "gyro_bias_rad_s"):
        values[name] = numbers(name, values[name], 3, -10.0, 10.0)
    if values["temperature_c"] is not None:
        number("temperature_c", values["temperature_c"], -60, 150)
    if not isinstance(values["residuals"], dict):
        raise InputError("residuals must be a table")
    checked = CalibrationFile(**values)
    _ = checked.calibration  # raises InputError if a value is out of range
    return checked


def _short(error: Exception) -> str:
    return str(error)[:100] or type(error).__name__
