"""Which MQTT broker, and what it is to be told of who we are."""

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
    """Settings of one connection. Raises InputError where they cannot be meant."""

    host: str
    port: int | None = None
    """By default 1883, with TLS 8883."""
    user: str | None = None
    password_file: Path | None = None
    tls: bool = False
    """Implied by any of the three files below."""
    ca_file: Path | None = None
    """Of the authority that signed the broker's certificate; by default the system's."""
    cert_file: Path | None = None
    """Our own certificate, where the broker asks for one."""
    key_file: Path | None = None
    keepalive_s: int = 60
    client_id: str | None = None
    """One of each at a broker; by default edgehar-HOSTNAME."""
    topic: str | None = None
    """What all topics begin with; by default edgehar/HOSTNAME."""
    discovery: str | None = "homeassistant"
    """Home Assistant's discovery prefix; None: it is told nothing."""
    decisions: bool = False
    """Send every decision, too, and keep some while the broker is away."""

    def __post_init__(self) -> None:
        try:
            self.host.encode("idna")
        except UnicodeError as error:
            raise InputError(f"mqtt.host {self.host!r} is no host's name: {error}") from error
        if self.password_file is not None and self.user is None:
            raise InputError("mqtt.password_file needs mqtt.user")
        if (self.cert_file is None) != (self.key_file is None):
            raise InputError("mqtt.cert_file and mqtt.key_file need each other")

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls or self.ca_file is not None or self.cert_file is not None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or DEFAULT_PORTS[self.encrypted]

    @property
    def is_here(self) -> bool:
        """Whether nothing leaves this board on the way."""
        return is_loopback(self.host)

    @property
    def base(self) -> str:
        """What all topics begin with."""
        return self.topic or f"edgehar/{_hostname()}"

    @property
    def name(self) -> str:
        """The client's id."""
        return self.client_id or f"edgehar-{_hostname()}"

    def password(self) -> str | None:
        """Read it: the first line of its file. Raises InputError, also if others may read it."""
        if self.password_file is None:
            return None
        lines = secret_file.read(self.password_file, "mqtt.password_file").splitlines()
        if not lines or not lines[0]:
            raise InputError(f"mqtt.password_file {self.password_file} has no password in it")
        return lines[0]

    def context(self) -> "ssl.SSLContext | None":
        """Return what TLS needs, None without it. Raises InputError."""
        if not self.encrypted:
            return None
        import ssl  # noqa: PLC0415 -- 1.4 MB where nothing is encrypted

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
    raise ValueError("the key has a password, and nobody is there to type it")


def _why(error: Exception) -> str:
    if reason := getattr(error, "reason", None):  # of an ssl.SSLError
        return f"not a certificate or key that fits ({reason})"
    return getattr(error, "strerror", None) or str(error)


def _hostname() -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "-", os.uname().nodename.partition(".")[0]) or "board"
