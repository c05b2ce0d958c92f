"""What a user must know of each setting in `device.config.CHECKS`; docs/CONFIG.md is made of it.

What a value must be is not said here: the checks say it, to whoever gives another. The daemon
does not load this.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Setting:
    """One key, in words."""

    meaning: str
    """Markdown, with the unit where there is one."""
    example: str
    """As it stands in the complete example, in TOML."""
    default: str = "none"
    """A value as TOML in backquotes, or words; they begin with `none` where nothing is set."""


SECTIONS: Final = {
    "": "In TOML what follows a section's header belongs to it, so this key stands first.",
    "source": "Where samples come from.",
    "mounting": "How the sensor sits on the wearer.",
    "calibration": "The sensor's constant errors ([CALIBRATION.md](CALIBRATION.md)).",
    "sinks": "Where decisions go: to one place at least, MQTT included.",
    "state": "What is kept for the next start.",
    "history": "How much the database keeps; above either, the oldest decisions go"
    " ([HISTORY.md](HISTORY.md#how-much-is-kept)).",
    "labels": "The latest raw samples, for `edgehar label` ([LABELS.md](LABELS.md)); without"
    " `folder` none are kept.",
    "models": "Models that were installed on the board ([MODELS.md](MODELS.md)).",
    "metrics": "For Prometheus ([METRICS.md](METRICS.md)); needs the extra `metrics`.",
    "dashboard": "The page on the board ([DASHBOARD.md](DASHBOARD.md)); needs the extra"
    " `dashboard`.",
    "mqtt": "For home automation ([MQTT.md](MQTT.md)); needs the extra `mqtt`. Without `host`"
    " there is no MQTT, and no other key of it may be set.",
}
"""What is said of each section, before its keys."""

SETTINGS: Final = {
    "model": Setting(
        "which model classifies: one that is shipped or installed, by name, or a bundle's path",
        '"wrist"',
        "the active one of `edgehar models`; if none was activated, `wrist`",
    ),
    "source.uri": Setting(
        "the port, the bus or the recording; an address of 0x69 is a sensor whose AD0 is high",
        '"serial:/dev/ttyUSB0"',
        "none: the daemon needs it, here or as `--source`",
    ),
    "source.baud": Setting(
        "of a serial line, bits a second; the firmware's, so 57600 for a board of 8 MHz",
        "115200",
        "`115200`",
    ),
    "mounting.rotation": Setting(
        "turns the sensor's axes into the wearer's: rows are x along the forearm to the hand, y,"
        " and z out of the back of the wrist, in the sensor's axes",
        "[[0, 1, 0], [-1, 0, 0], [0, 0, 1]]",
        "none: a model that can finds it while the wearer walks, for another the axes agree",
    ),
    "calibration.file": Setting(
        "what `edgehar calibrate --out` wrote", '"/etc/edgehar/wrist.json"'
    ),
    "sinks.stdout": Setting(
        "decisions as JSON lines on standard output (of a service: in the journal)",
        "true",
        "`true`",
    ),
    "sinks.sqlite": Setting(
        "the database for them, made if it is not there", '"/var/lib/edgehar/decisions.db"'
    ),
    "state.file": Setting(
        "the mounting that was found; the day's minutes are kept in the same folder",
        '"/var/lib/edgehar/orientation.json"',
        "`orientation.json` in `$STATE_DIRECTORY`, which a service has: `/var/lib/edgehar`;"
        " without one nothing is kept",
    ),
    "history.keep_days": Setting("days that are kept", "90", "`90`"),
    "history.max_mb": Setting(
        "size of the database with its log, in millions of bytes (a day takes about 17)",
        "2000",
        "`2000`",
    ),
    "labels.folder": Setting(
        "where they are kept, and what was labelled", '"/var/lib/edgehar/labels"'
    ),
    "labels.max_mb": Setting(
        "size of the latest samples, and again of what was labelled, in millions of bytes (a day"
        " takes 33 to 53)",
        "50",
        "`50`",
    ),
    "models.folder": Setting(
        "where installed models are",
        '"/var/lib/edgehar/models"',
        "`models` in `$STATE_DIRECTORY`; without one [as MODELS.md says](MODELS.md#the-folder)",
    ),
    "models.key": Setting(
        "an Ed25519 public key (PEM), by which installed models must then be signed; needs the"
        " extra `models`",
        '"/etc/edgehar/models.pem"',
    ),
    "metrics.listen": Setting(
        "where Prometheus may ask; without an address, this board only",
        '"127.0.0.1:9464"',
    ),
    "metrics.file": Setting(
        "for node_exporter's textfile collector; the name must end in `.prom`",
        '"/var/lib/prometheus/node-exporter/edgehar.prom"',
    ),
    "dashboard.listen": Setting(
        "where `edgehar dashboard` listens; with it set, `edgehar service install` makes the page"
        " a service, too",
        '"0.0.0.0:8780"',
        "none: `edgehar dashboard`, started by hand, then listens at 127.0.0.1:8780",
    ),
    "dashboard.token_file": Setting(
        "holds the token, of 16 characters or more, that a browser is asked for; needed where"
        " others reach the address. Other users of the board must not be able to read it",
        '"/etc/edgehar/token"',
    ),
    "mqtt.host": Setting("the broker's name or address", '"homeassistant.local"'),
    "mqtt.port": Setting("its port", "8883", "1883, with TLS 8883"),
    "mqtt.user": Setting("who we are to the broker", '"wrist"'),
    "mqtt.password_file": Setting(
        "its first line is the password of `user`; refused where every user can read it",
        '"/etc/edgehar/mqtt-password"',
    ),
    "mqtt.tls": Setting(
        "whether TLS is spoken; any of the three files below implies it", "true", "`false`"
    ),
    "mqtt.ca_file": Setting(
        "who signed the broker's certificate, PEM",
        '"/etc/edgehar/ca.pem"',
        "none: the system's authorities",
    ),
    "mqtt.cert_file": Setting(
        "our own certificate, PEM, where the broker asks for one; needs `key_file`",
        '"/etc/edgehar/wrist.pem"',
    ),
    "mqtt.key_file": Setting(
        "its key, PEM, without a password; refused where every user can read it",
        '"/etc/edgehar/wrist.key"',
    ),
    "mqtt.keepalive_s": Setting(
        "seconds; the broker calls us gone after one and a half times as long",
        "60",
        "`60`",
    ),
    "mqtt.client_id": Setting(
        "our name there; each client of a broker needs its own",
        '"edgehar-wrist"',
        "edgehar-HOSTNAME",
    ),
    "mqtt.topic": Setting("what all topics begin with", '"edgehar/wrist"', "edgehar/HOSTNAME"),
    "mqtt.discovery": Setting(
        "the prefix at which Home Assistant looks for devices; `false`: it is told nothing",
        '"homeassistant"',
        '`"homeassistant"`',
    ),
    "mqtt.decisions": Setting("every decision is sent, too", "false", "`false`"),
}
