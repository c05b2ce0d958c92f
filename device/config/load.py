"""The daemon's settings: one small TOML file, checked whole before anything starts.

Every complaint names the file, the line and the key. The schema is a table of keys to checks; a
validation library would cost 1 to 5 MB of the daemon's 60 and does not know line numbers.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.config import checks
from device.config.broker import Broker
from device.corrections.limits import DEFAULT_MB
from device.corrections.limits import MAX_MB as MOST_LABELS_MB
from device.corrections.limits import MIN_MB as FEWEST_LABELS_MB
from device.history.limits import KEPT, MAX_DAYS, MAX_MB, MIN_MB, Limits
from firmware_bridge.errors import InputError

MAX_BYTES = 64 * 1024
BAUDS = (1200, 4_000_000)
DEFAULT_BAUD = 115_200
I2C_FORM = "i2c:BUS[:0x68|0x69][?rate=50|100|200][&reads=fifo|direct]"
_I2C = (
    r"(?P<bus>\d{1,7})(:(?P<address>0x6[89]))?"
    r"(\?rate=(?P<rate>50|100|200))?([?&]reads=(?P<reads>fifo|direct))?"
)


class ConfigError(InputError):
    """A setting cannot be used; the message says where it stands."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from."""

    kind: str
    """`serial`, `i2c` or `recording`."""
    path: str
    """Of a port or a recording; the number of a bus."""
    baud: int = DEFAULT_BAUD
    address: int = 0x68
    rate_hz: int = 50
    direct: bool = False
    """Read each sample from the chip's registers, not many from its FIFO."""


@dataclass(frozen=True, slots=True)
class Config:
    """What `edgehar run` was told."""

    source: Source | None = None
    model: str | None = None
    rotation: NDArray[np.float64] | None = None
    """(3, 3) proper rotation from sensor axes to wrist axes; None where they are the same."""
    stdout: bool = True
    sqlite: Path | None = None
    calibration: Path | None = None
    """The sensor's constant errors, as `edgehar calibrate` found them."""
    state: Path | None = None
    """Where the mounting that was found is kept over a restart."""
    models_folder: Path | None = None
    """Where `edgehar models` keeps what it installs."""
    models_key: Path | None = None
    """An Ed25519 public key, by which an installed model must then be signed."""
    metrics_listen: tuple[str, int] | None = None
    """Address and port where Prometheus may ask."""
    metrics_file: Path | None = None
    """Where node_exporter finds the metrics."""
    mqtt: Broker | None = None
    history: Limits = KEPT
    dashboard_listen: tuple[str, int] | None = None
    """Address and port of the page."""
    dashboard_token_file: Path | None = None
    labels_folder: Path | None = None
    """Where the latest raw samples are kept for `edgehar label`; None: nowhere."""
    labels_max_mb: int = DEFAULT_MB
    """Of these, and as many of what was labelled."""
    """What a browser must know where others can reach it."""


def parse_source(uri: str) -> Source:
    """Read `serial:PORT[?baud=N]`, I2C_FORM or `recording:FILE`. Raises ConfigError."""
    try:
        return _source(uri)
    except checks.RefusedError as must:
        raise ConfigError(f"source must {must}, not {uri!r}") from must


def load(path: Path) -> Config:
    """Read and check a settings file. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode()
        found = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read the settings {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # numbers or nesting without end among them
        raise ConfigError(f"{path} is not TOML: {error}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path} is over {MAX_BYTES} bytes: too long for settings")
    settings = {}
    for key, value in _flatten(found):
        where = f"{path}{_line_of(key, text)}"
        if key not in CHECKS:
            raise ConfigError(f"{where}: unknown key {key}; known are {', '.join(CHECKS)}")
        try:
            settings[key] = CHECKS[key](value)
        except checks.RefusedError as must:
            raise ConfigError(f"{where}: {key} must {must}, not {value!r}") from must
    source = settings.get("source.uri")
    if "source.baud" in settings:
        if source is None or source.kind != "serial":
            where = f"{path}{_line_of('source.baud', text)}"
            raise ConfigError(f"{where}: source.baud needs a source.uri that is a serial port")
        source = Source(source.kind, source.path, settings["source.baud"])
    where = f"{path}{_line_of('mqtt', text)}"
    return Config(
        source=source,
        model=settings.get("model"),
        rotation=settings.get("mounting.rotation"),
        calibration=settings.get("calibration.file"),
        stdout=settings.get("sinks.stdout", True),
        sqlite=settings.get("sinks.sqlite"),
        state=settings.get("state.file"),
        models_folder=settings.get("models.folder"),
        models_key=settings.get("models.key"),
        metrics_listen=settings.get("metrics.listen"),
        metrics_file=settings.get("metrics.file"),
        history=Limits(
            settings.get("history.keep_days", KEPT.keep_days),
            settings.get("history.max_mb", KEPT.max_mb),
        ),
        dashboard_listen=settings.get("dashboard.listen"),
        dashboard_token_file=settings.get("dashboard.token_file"),
        labels_folder=settings.get("labels.folder"),
        labels_max_mb=settings.get("labels.max_mb", DEFAULT_MB),
        mqtt=_broker({key: settings[key] for key in settings if key.startswith("mqtt.")}, where),
    )


def _broker(settings: dict[str, Any], where: str) -> Broker | None:
    if settings and "mqtt.host" not in settings:
        raise ConfigError(f"{where}: {next(iter(settings))} needs mqtt.host, the broker's name")
    named = {key.removeprefix("mqtt."): value for key, value in settings.items()}
    try:
        return Broker(**named) if named else None
    except InputError as error:
        raise ConfigError(f"{where}: {error}") from error


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in table.items():
        key = prefix + name
        is_section = any(known.startswith(f"{key}.") for known in CHECKS)
        if isinstance(value, dict) and is_section:
            flat += _flatten(value, f"{key}.")
        else:
            flat.append((key, value))
    return flat


def _line_of(key: str, text: str) -> str:
    """Say on which line a key is set: tomllib keeps no positions."""
    section = ""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]\s*(#|$)", line):
            section = header[1] + "."
            found.setdefault(header[1], number)
        elif assignment := re.match(r"""\s*([\w."'-]+(?:\s*\.\s*[\w"'-]+)*)\s*=""", line):
            found.setdefault(section + re.sub(r"""[\s"']""", "", assignment[1]), number)
    while key and key not in found:
        key = key.rpartition(".")[0]
    return f" line {found[key]}" if key else ""


def _source(value: object) -> Source:
    kind, _, rest = checks.text(value).partition(":")
    if kind == "i2c":
        return _i2c(rest)
    path, _, query = rest.partition("?") if kind == "serial" else (rest, "", "")
    if kind not in {"serial", "recording"} or not path:
        raise checks.RefusedError(f"be serial:PORT[?baud=N], {I2C_FORM} or recording:FILE")
    if not query:
        return Source(kind, path)
    name, _, baud = query.partition("=")
    if name != "baud" or not baud.isdecimal():
        raise checks.RefusedError("be serial:PORT[?baud=N]")
    return Source(kind, path, checks.whole(*BAUDS)(int(baud)))


def _i2c(rest: str) -> Source:
    found = re.fullmatch(_I2C, rest, re.ASCII)
    if found is None:
        raise checks.RefusedError(f"be {I2C_FORM}")
    return Source(
        "i2c",
        str(int(found["bus"])),
        address=int(found["address"] or "0x68", 16),
        rate_hz=int(found["rate"] or 50),
        direct=found["reads"] == "direct",
    )


def _rotation(value: object) -> NDArray[np.float64]:
    rows = value if isinstance(value, list) else []
    shaped = len(rows) == 3 and all(isinstance(row, list) and len(row) == 3 for row in rows)
    cells = [cell for row in rows for cell in row] if shaped else [0] * 9
    plain = all(type(cell) in {int, float} and -1.001 <= cell <= 1.001 for cell in cells)
    matrix = np.array(cells if plain else [0] * 9, float).reshape(3, 3)
    if not np.allclose(matrix @ matrix.T, np.eye(3), 0, 1e-3):
        raise checks.RefusedError("be three rows of three numbers that make a rotation")
    if np.linalg.det(matrix) < 0:
        raise checks.RefusedError("be a rotation, and these rows mirror (turn the sign of one)")
    return matrix


CHECKS: dict[str, Callable[[object], Any]] = {
    "model": checks.text,
    "source.uri": _source,
    "source.baud": checks.whole(*BAUDS),
    "mounting.rotation": _rotation,
    "calibration.file": checks.path,
    "sinks.stdout": checks.flag,
    "sinks.sqlite": checks.path,
    "state.file": checks.path,
    "history.keep_days": checks.whole(1, MAX_DAYS),
    "history.max_mb": checks.whole(MIN_MB, MAX_MB),
    "labels.folder": checks.path,
    "labels.max_mb": checks.whole(FEWEST_LABELS_MB, MOST_LABELS_MB),
    "models.folder": checks.path,
    "models.key": checks.path,
    "metrics.listen": checks.listen,
    "metrics.file": checks.path,
    "dashboard.listen": checks.listen,
    "dashboard.token_file": checks.path,
    "mqtt.host": checks.text,
    "mqtt.port": checks.whole(1, 65535),
    "mqtt.user": checks.text,
    "mqtt.password_file": checks.path,
    "mqtt.tls": checks.flag,
    "mqtt.ca_file": checks.path,
    "mqtt.cert_file": checks.path,
    "mqtt.key_file": checks.path,
    "mqtt.keepalive_s": checks.whole(5, 3600),
    "mqtt.client_id": checks.text,
    "mqtt.topic": checks.topic,
    "mqtt.discovery": checks.discovery,
    "mqtt.decisions": checks.flag,
}
