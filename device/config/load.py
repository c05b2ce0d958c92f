"""Loads the settings: one small TOML file, checked whole before anything starts.

Every error names the file, the line and the key. A validation library would cost 1 to 5 MB of the
daemon's 60 and does not know line numbers.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from device.config import checks
from device.config import source as sources
from device.config.broker import Broker
from device.config.limits import HistoryLimits
from device.config.reference import KEYS
from device.config.source import Source
from device.config.suggest import did_you_mean
from firmware_bridge.errors import InputError

MAX_BYTES: Final = 64 * 1024
_NESTED: Final = ("history", "mqtt")
"""Fields of Config that are dataclasses, made from several keys."""


class ConfigError(InputError):
    """A setting cannot be used; the message names the file, the line and the key."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one daemon."""

    source: Source | None = None
    model: str | None = None
    rotation: checks.Rotation | None = None
    """Proper rotation from sensor axes to wrist axes; None if they are the same."""
    stdout: bool = True
    sqlite: Path | None = None
    calibration: Path | None = None
    """File with the sensor's constant errors."""
    state: Path | None = None
    """File of the estimated mounting, for the next start."""
    models_folder: Path | None = None
    """Folder of the models that `edgehar models` installs."""
    models_key: Path | None = None
    """Ed25519 public key that must have signed an installed model."""
    metrics_listen: tuple[str, int] | None = None
    """Address and port for Prometheus."""
    metrics_file: Path | None = None
    """File for node_exporter's textfile collector."""
    mqtt: Broker | None = None
    history: HistoryLimits = field(default_factory=HistoryLimits)
    dashboard_listen: tuple[str, int] | None = None
    """Address and port of the page."""
    dashboard_token_file: Path | None = None
    """File with the token that a browser must give."""
    labels_folder: Path | None = None
    """Folder of the latest raw samples, for `edgehar label`; None: no samples are kept."""
    labels_max_mb: int = 50
    """Largest size of the raw samples, and again of the labelled samples; about 1.5 days."""


def parse_source(uri: str) -> Source:
    """Read `serial:PORT[?baud=N]`, I2C_FORM or `recording:FILE`. Raises ConfigError."""
    try:
        return sources.parse(uri)
    except checks.RefusedError as must:
        raise ConfigError(f"source must {must}, not {uri!r}{must.meant}") from must


def load(path: Path) -> Config:
    """Read and check a settings file. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")  # Windows editors begin a file with a mark
        content = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read the settings {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # RecursionError: nested too deeply
        raise ConfigError(f"{path} is not TOML: {error}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path} is over {MAX_BYTES} bytes: too long for settings")
    fields: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {name: {} for name in _NESTED}
    for key, value in _flatten(content):
        where = f"{path}{_line_of(key, text)}"
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key {key}{_meant(key)}")
        outer, _, inner = KEYS[key].field.rpartition(".")
        try:
            (nested[outer] if outer else fields)[inner] = KEYS[key].check(value)
        except checks.RefusedError as must:
            raise ConfigError(f"{where}: {key} must {must}, not {value!r}{must.meant}") from must
    if "baud" in fields:
        baud, source = fields.pop("baud"), fields.get("source")
        if source is None or source.kind != "serial":
            where = f"{path}{_line_of('source.baud', text)}"
            raise ConfigError(f"{where}: source.baud needs a source.uri of a serial port")
        fields["source"] = replace(source, baud=baud)
    return Config(
        **fields,
        history=HistoryLimits(**nested["history"]),
        mqtt=_broker(nested["mqtt"], f"{path}{_line_of('mqtt', text)}"),
    )


def _broker(fields: Mapping[str, Any], where: str) -> Broker | None:
    if fields and "host" not in fields:
        raise ConfigError(f"{where}: mqtt.{next(iter(fields))} needs mqtt.host; set it too")
    try:
        return Broker(**fields) if fields else None
    except InputError as error:
        raise ConfigError(f"{where}: {error}") from error


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in table.items():
        key = prefix + name
        is_section = any(known.startswith(f"{key}.") for known in KEYS)
        if isinstance(value, dict) and is_section:
            flat += _flatten(value, f"{key}.")
        else:
            flat.append((key, value))
    return flat


def _meant(key: str) -> str:
    sections = {known.partition(".")[0] for known in KEYS if "." in known}
    meant = did_you_mean(key, KEYS) if "." in key else did_you_mean(key, [*sections, *KEYS])
    return meant or f"; known are {', '.join(KEYS)}"


def _line_of(key: str, text: str) -> str:
    """Return " line N" of a key, because tomllib keeps no positions; '' if it is not found."""
    section = ""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]\s*(#|$)", line):
            section = header[1] + "."
            lines.setdefault(header[1], number)
        elif assignment := re.match(r"""\s*([\w."'-]+(?:\s*\.\s*[\w"'-]+)*)\s*=""", line):
            lines.setdefault(section + re.sub(r"""[\s"']""", "", assignment[1]), number)
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return f" line {lines[key]}" if key else ""
