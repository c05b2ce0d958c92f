"""Who may see the page. Pure but for the token's file."""

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
"""Headers of each answer: the page loads nothing from other hosts, and no other page frames it."""
_HOST: Final = re.compile(r"(\[(?P<address>[^]]+)]|(?P<name>[^:]+))(:[0-9]{1,5})?")
_LEAST, _MOST = 16, 1024


@dataclass(frozen=True, slots=True)
class Guard:
    """The host and the token that a request must have."""

    token: str | None
    """None: only the host is checked."""

    def knows_host(self, host: str) -> bool:
        """Say whether the Host header is an address, or a name of this board.

        A page from elsewhere that has its name point here (DNS rebinding) still sends that name.
        """
        found = _HOST.fullmatch(host)
        name = (found["address"] or found["name"]) if found else ""
        return is_address(name) or name.lower().removesuffix(".") in _names()

    def admits(self, cookies: str, authorization: str) -> bool:
        """Say whether the Cookie or the Authorization header has the token."""
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
        """Say so in constant time."""
        return self.token is not None and _same(offered, self.token)

    def pass_(self) -> str:
        """Return what a browser keeps in the token's place; it changes when the token does."""
        return hashlib.sha256(b"edgehar dashboard\0" + (self.token or "").encode()).hexdigest()

    def cookie(self) -> str:
        """Return the Set-Cookie header: for this page only, out of reach of scripts."""
        return f"{COOKIE}={self.pass_()}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Strict"


def guard(listen: tuple[str, int], token_file: Path | None) -> Guard:
    """Make the guard of an address; InputError if others can reach it and there is no token."""
    if token_file is not None:
        return Guard(_token(token_file))
    if is_loopback(listen[0]):
        return Guard(None)
    raise InputError(
        f"others can reach {listen[0]}, so the dashboard needs a token: write {_LEAST} or more"
        " letters and digits into a file, and name it in dashboard.token_file"
    )


def is_address(name: str) -> bool:
    """Say whether it is a number, not a name."""
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
            f"dashboard.token_file {path} must hold {_LEAST} letters and digits or more, no space"
        )
    return text
