"""The settings reference: for each key its check, its meaning, an example and its default.

`load` checks a file by these rows; docs/CONFIG.md is made from them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from device.config import checks, source
from device.config.checks import flag, path, text, whole
from device.config.limits import HISTORY_DAYS, HISTORY_MB, LABELS_MB


@dataclass(frozen=True, slots=True)
class Key:
    """One settings key."""

    field: str
    """Field of `load.Config` for the value; `history.x` and `mqtt.x` are fields of its fields."""
    check: Callable[[object], Any]
    meaning: str
    """Markdown, with the unit where there is one."""
    example: str
    """TOML, for the complete example."""
    default: str | None = None
    """Markdown; None, if the field's default value is enough."""


SECTIONS: Final = {
    "": "In TOML, keys after a section's header belong to that section, so this key stands first.",
    "source": "Where samples come from.",
    "mounting": "How the sensor sits on the wearer.",
    "calibration": "The sensor's constant errors ([CALIBRATION.md](CALIBRATION.md)).",
    "sinks": "Where decisions go. At least one is needed; MQTT counts.",
    "state": "What is kept for the next start.",
    "history": "Size of the database. Beyond either limit the oldest decisions are deleted"
    " ([HISTORY.md](HISTORY.md#how-much-is-kept)).",
    "labels": "The latest raw samples, for `edgehar label` ([LABELS.md](LABELS.md)). Without"
    " `folder` none are kept.",
    "models": "Models installed on the board ([MODELS.md](MODELS.md)).",
    "metrics": "For Prometheus ([METRICS.md](METRICS.md)); needs the extra `metrics`.",
    "dashboard": "The page on the board ([DASHBOARD.md](DASHBOARD.md)); needs the extra"
    " `dashboard`.",
    "mqtt": "For home automation ([MQTT.md](MQTT.md)); needs the extra `mqtt`. Without `host`"
    " MQTT is off and no other key of this section may be set.",
}
"""The text above each section's keys."""

KEYS: Final = {
    "model": Key(
        "model", text,
        "the model that classifies: the name of a shipped or installed one, or a bundle's path",
        '"wrist"',
        "the active model of `edgehar models`; if none was activated, `wrist`",
    ),
    "source.uri": Key(
        "source", source.parse,
        "the port, the bus or the recording; address 0x69 is a sensor whose AD0 pin is high",
        '"serial:/dev/ttyUSB0"',
        "none: the daemon needs a source, here or as `--source`",
    ),
    "source.baud": Key(
        "baud", whole(*source.BAUDS),
        "bits per second of the serial line; the same as the firmware's, so 57600 for an 8 MHz"
        " board",
        "115200",
        f"`{source.DEFAULT_BAUD}`",
    ),
    "mounting.rotation": Key(
        "rotation", checks.rotation,
        "rotation from the sensor's axes to the wearer's. Its rows are the wearer's axes in sensor"
        " coordinates: x along the forearm toward the hand, y, z out of the back of the wrist",
        "[[0, 1, 0], [-1, 0, 0], [0, 0, 1]]",
        "none: a model that estimates the mounting does so while the wearer walks; for other models"
        " the axes are the same",
    ),
    "calibration.file": Key(
        "calibration", path,
        "the file that `edgehar calibrate --out` wrote",
        '"/etc/edgehar/wrist.json"',
    ),
    "sinks.stdout": Key(
        "stdout", flag,
        "write decisions as JSON lines to standard output (a service's goes to the journal)",
        "true",
    ),
    "sinks.sqlite": Key(
        "sqlite", path,
        "the database file for decisions; created if missing",
        '"/var/lib/edgehar/decisions.db"',
    ),
    "state.file": Key(
        "state", path,
        "file for the estimated mounting; the day's minutes are kept in the same folder",
        '"/var/lib/edgehar/orientation.json"',
        "`orientation.json` in `$STATE_DIRECTORY`, which a service has: `/var/lib/edgehar`;"
        " without that variable nothing is kept",
    ),
    "history.keep_days": Key(
        "history.keep_days", whole(*HISTORY_DAYS), "number of days to keep", "90"
    ),
    "history.max_mb": Key(
        "history.max_mb", whole(*HISTORY_MB),
        "largest size of the database with its log, in millions of bytes (a day takes about 17)",
        "2000",
    ),
    "labels.folder": Key(
        "labels_folder", path,
        "folder for the latest raw samples and for labelled samples",
        '"/var/lib/edgehar/labels"',
    ),
    "labels.max_mb": Key(
        "labels_max_mb", whole(*LABELS_MB),
        "largest size of the latest raw samples, in millions of bytes, and again of the labelled"
        " samples (a day takes 33 to 53)",
        "50",
    ),
    "models.folder": Key(
        "models_folder", path,
        "folder of the installed models",
        '"/var/lib/edgehar/models"',
        "`models` in `$STATE_DIRECTORY`; without that variable"
        " [as MODELS.md says](MODELS.md#the-folder)",
    ),
    "models.key": Key(
        "models_key", path,
        "Ed25519 public key (PEM); installed models must then be signed with its private key; needs"
        " the extra `models`",
        '"/etc/edgehar/models.pem"',
    ),
    "metrics.listen": Key(
        "metrics_listen", checks.listen,
        "address and port for Prometheus; without an address, this board only",
        '"127.0.0.1:9464"',
    ),
    "metrics.file": Key(
        "metrics_file", path,
        "file for node_exporter's textfile collector; its name must end in `.prom`",
        '"/var/lib/prometheus/node-exporter/edgehar.prom"',
    ),
    "dashboard.listen": Key(
        "dashboard_listen", checks.listen,
        "address and port of `edgehar dashboard`; if set, `edgehar service install` installs the"
        " page as a service too",
        '"0.0.0.0:8780"',
        "none: `edgehar dashboard`, started by hand, listens at 127.0.0.1:8780",
    ),
    "dashboard.token_file": Key(
        "dashboard_token_file", path,
        "file with the token (16 characters or more) that a browser is asked for; required if other"
        " machines can reach the address. Other users of the board must not be able to read it",
        '"/etc/edgehar/token"',
    ),
    "mqtt.host": Key("mqtt.host", text, "name or address of the broker", '"homeassistant.local"'),
    "mqtt.port": Key(
        "mqtt.port", whole(1, 65535), "port of the broker", "8883", "1883, with TLS 8883"
    ),
    "mqtt.user": Key("mqtt.user", text, "user name at the broker", '"wrist"'),
    "mqtt.password_file": Key(
        "mqtt.password_file", path,
        "file whose first line is the password of `user`; refused if every user can read it",
        '"/etc/edgehar/mqtt-password"',
    ),
    "mqtt.tls": Key(
        "mqtt.tls", flag, "use TLS; any of the three files below implies it", "true"
    ),
    "mqtt.ca_file": Key(
        "mqtt.ca_file", path,
        "certificate (PEM) of the authority that signed the broker's certificate",
        '"/etc/edgehar/ca.pem"',
        "none: the system's authorities",
    ),
    "mqtt.cert_file": Key(
        "mqtt.cert_file", path,
        "the board's own certificate (PEM), if the broker asks for one; needs `key_file`",
        '"/etc/edgehar/wrist.pem"',
    ),
    "mqtt.key_file": Key(
        "mqtt.key_file", path,
        "private key (PEM, without a password) of `cert_file`; refused if every user can read it",
        '"/etc/edgehar/wrist.key"',
    ),
    "mqtt.keepalive_s": Key(
        "mqtt.keepalive_s", whole(5, 3600),
        "keepalive interval in seconds; after one and a half intervals of silence the broker"
        " reports the board as offline",
        "60",
    ),
    "mqtt.client_id": Key(
        "mqtt.client_id", text,
        "client identifier; each client of a broker needs its own",
        '"edgehar-wrist"',
        "edgehar-HOSTNAME",
    ),
    "mqtt.topic": Key(
        "mqtt.topic", checks.topic, "prefix of all topics", '"edgehar/wrist"', "edgehar/HOSTNAME"
    ),
    "mqtt.discovery": Key(
        "mqtt.discovery", checks.discovery,
        "Home Assistant's discovery prefix; `false` sends no discovery messages",
        '"homeassistant"',
    ),
    "mqtt.decisions": Key("mqtt.decisions", flag, "publish every decision as well", "false"),
}  # fmt: skip
