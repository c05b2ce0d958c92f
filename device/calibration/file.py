"""A calibration in a file: small JSON that a person can read, checked whole before it is used."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from device.calibration.faces import Result
from device.calibration.values import Calibration
from device.files.spec_fields import matching, number, numbers
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
    """Of the chip then, where it tells; offsets move by some mg in 10 degrees."""
    acc_offset_g: tuple[float, float, float]
    acc_scale: tuple[float, float, float]
    gyro_bias_rad_s: tuple[float, float, float]
    residuals: dict[str, Any]
    """By where: |a| at rest off 1 g, rms, before and after."""

    @property
    def calibration(self) -> Calibration:
        """Return the calibration without its origin."""
        return Calibration(self.acc_offset_g, self.acc_scale, self.gyro_bias_rad_s)


def made(result: Result, source: str, date: str, temperature_c: float | None) -> CalibrationFile:
    """Combine a calibration and its origin into a file's content."""
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
    """Read and check a file. Raises InputError, in one line that names the file."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        return _checked(json.loads(raw.decode()))
    except OSError as error:
        raise InputError(f"cannot read the calibration {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a calibration: {_short(error)}") from error
    except InputError as error:
        raise InputError(f"{path} is not a usable calibration: {error}") from error


def _checked(found: object) -> CalibrationFile:
    if isinstance(found, dict) and found.get("schema", SCHEMA) != SCHEMA:
        raise InputError(f"it is of schema {found['schema']!r}, this version reads {SCHEMA}")
    values = matching(CalibrationFile, found, "calibration")
    for name in ("source", "date"):
        text = values[name]
        if not isinstance(text, str) or not text.isprintable() or len(text) > _MOST_TEXT:
            raise InputError(f"{name} must be text")
    for name in ("acc_offset_g", "acc_scale", "gyro_bias_rad_s"):
        values[name] = numbers(name, values[name], 3, -10.0, 10.0)
    if values["temperature_c"] is not None:
        number("temperature_c", values["temperature_c"], -60, 150)
    if not isinstance(values["residuals"], dict):
        raise InputError("residuals must be a table")
    content = CalibrationFile(**values)
    _ = content.calibration  # checks the bounds
    return content


def _short(error: Exception) -> str:
    return str(error)[:100] or type(error).__name__
