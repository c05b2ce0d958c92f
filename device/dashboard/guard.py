"""Checks the host and the token of a request. Pure except for reading the token file."""

import hashlib
import hmac
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Final

from device.config import secret_file
from device.config.checks import is_loopback
from firmware_bridge.errors import InputError

COOKIE: Final = "edgehar"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
        " object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Headers of each response: the page loads nothing from other hosts, and nobody can frame it."""
_HOST: Final = re.compile(r"(\[(?P<address>[^]]+)]|(?P<name>[^:]+))(:[0-9]{1,5})?")
_LEAST, _MOST = 16, 1024


@dataclass(frozen=True, slots=True)
class Guard:
    """The host and the token that a request must have."""

    token: str | None
    """None if only the host is checked."""

    def knows_host(self, host: str) -> bool:
        """Return whether the Host header is an address or a name of this board.

        This stops DNS rebinding: a foreign page whose name resolves to this board sends that name.
        """
        match = _HOST.fullmatch(host)
        name = (match["address"] or match["name"]) if match else ""
        return is_address(name) or name.lower().removesuffix(".") in _names()

    def admits(self, cookies: str, authorization: str) -> bool:
        """Return whether the Cookie or the Authorization header proves the token."""
        if self.token is None:
            return True
        kind, _, offered = authorization.partition(" ")
        if kind.lower() == "bearer" and self.is_token(offered.strip()):
            return True
        try:
            morsel = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and _same(morsel.value, self.pass_())

    def is_token(self, offered: str) -> bool:
        """Compare a text with the token in constant time."""
        return self.token is not None and _same(offered, self.token)

    def pass_(self) -> str:
        """Return the value of the cookie: a hash of the token."""
        return hashlib.sha256(b"edgehar dashboard\0" + (self.token or "").encode()).hexdigest()

    def cookie(self) -> str:
        """Return the Set-Cookie header: for this page only, unreadable for scripts."""
        return f"{COOKIE}={self.pass_()}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Strict"


def guard(listen: tuple[str, int], token_file: Path | None) -> Guard:
    """Return the guard of an address; InputError if other hosts can reach it without a token."""
    if token_file is not None:
        return Guard(_token(token_file))
    if is_loopback(listen[0]):
        return Guard(None)
    raise InputError(
        f"other hosts can reach {listen[0]}, so the dashboard needs a token: write {_LEAST} or more"
        " letters and digits to a file, and set dashboard.token_file to its path"
    )


def is_address(name: str) -> bool:
    """Return whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _names() -> Mapping[str, None]:
    host = os.uname().nodename.lower()
    short = host.partition(".")[0]
    return dict.fromkeys(("localhost", host, short, f"{short}.local"))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _token(path: Path) -> str:
    text = secret_file.read(path, "dashboard.token_file").strip()
    if not (_LEAST <= len(text) <= _MOST and text.isascii() and text.isprintable()) or " " in text:
        raise InputError(
            f"dashboard.token_file {path} must have {_LEAST} or more letters and digits, no spaces"
        )
    return text
