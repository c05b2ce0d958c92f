"""The settings of the MQTT connection."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from device.config import secret_file
from device.config.checks import is_loopback
from firmware_bridge.errors import InputError

if TYPE_CHECKING:
    import ssl

DEFAULT_PORTS: Final = {False: 1883, True: 8883}
"""Without and with TLS, as registered."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Settings of one connection. Raises InputError for settings that contradict each other."""

    host: str
    port: int | None = None
    """By default 1883, with TLS 8883."""
    user: str | None = None
    password_file: Path | None = None
    tls: bool = False
    """Implied by any of the three files below."""
    ca_file: Path | None = None
    """Certificate of the authority that signed the broker's; by default the system's."""
    cert_file: Path | None = None
    """The board's own certificate, if the broker asks for one."""
    key_file: Path | None = None
    keepalive_s: int = 60
    client_id: str | None = None
    """Unique at a broker; by default edgehar-HOSTNAME."""
    topic: str | None = None
    """Prefix of all topics; by default edgehar/HOSTNAME."""
    discovery: str | None = "homeassistant"
    """Home Assistant's discovery prefix; None: no discovery messages."""
    decisions: bool = False
    """Publish every decision too, and queue some while the broker is away."""

    def __post_init__(self) -> None:
        try:
            self.host.encode("idna")
        except UnicodeError as error:
            raise InputError(f"mqtt.host {self.host!r} is not a host name: {error}") from error
        if self.password_file is not None and self.user is None:
            raise InputError("mqtt.password_file needs mqtt.user")
        if (self.cert_file is None) != (self.key_file is None):
            raise InputError("set both mqtt.cert_file and mqtt.key_file, or neither")

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.tls or self.ca_file is not None or self.cert_file is not None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or DEFAULT_PORTS[self.encrypted]

    @property
    def is_here(self) -> bool:
        """Whether the broker runs on this board."""
        return is_loopback(self.host)

    @property
    def base(self) -> str:
        """The prefix of all topics."""
        return self.topic or f"edgehar/{_hostname()}"

    @property
    def name(self) -> str:
        """The client's id."""
        return self.client_id or f"edgehar-{_hostname()}"

    def password(self) -> str | None:
        """Read the first line of the password file. Raises InputError, as `secret_file.read`."""
        if self.password_file is None:
            return None
        lines = secret_file.read(self.password_file, "mqtt.password_file").splitlines()
        if not lines or not lines[0]:
            raise InputError(f"mqtt.password_file {self.password_file} has no password in line 1")
        return lines[0]

    def context(self) -> "ssl.SSLContext | None":
        """Return the settings of TLS; None without TLS. Raises InputError."""
        if not self.encrypted:
            return None
        import ssl  # noqa: PLC0415 -- 1.4 MB that others save

        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise InputError(f"mqtt.ca_file {self.ca_file}: {_why(error)}") from error
        if self.cert_file is not None and self.key_file is not None:
            secret_file.read(self.key_file, "mqtt.key_file")
            try:
                context.load_cert_chain(self.cert_file, self.key_file, password=_no_password)
            except (OSError, ValueError) as error:
                both = f"mqtt.cert_file {self.cert_file} with mqtt.key_file {self.key_file}"
                raise InputError(f"{both}: {_why(error)}") from error
        return context


def _no_password() -> str:
    raise ValueError("the key has a password; give a key without one")


def _why(error: Exception) -> str:
    if reason := getattr(error, "reason", None):  # of an ssl.SSLError
        return f"no matching certificate or key ({reason})"
    return getattr(error, "strerror", None) or str(error)


def _hostname() -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "-", os.uname().nodename.partition(".")[0]) or "board"
