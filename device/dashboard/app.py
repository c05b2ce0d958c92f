"""The page and its data over HTTP: a WSGI application, read-only."""

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from device.dashboard import view
from device.dashboard.days import Days
from device.dashboard.guard import HEADERS, Guard
from device.dashboard.receiver import Receiver
from device.history.colours import css

log = logging.getLogger(__name__)

_PAGE: Final = Path(__file__).with_name("page")
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FILES: Final = {
    "/": "index.html",
    "/page.css": "page.css",
    "/page.js": "page.js",
    "/charts.js": "charts.js",
    "/icon.svg": "icon.svg",
}
_OPEN: Final = {"/page.css", "/icon.svg"}
"""The files that the page for the token needs."""
_MOST_BYTES: Final = 4096
_JSON: Final = "application/json"
_OF_ANOTHER_SHAPE: Final = (KeyError, TypeError, ValueError, AttributeError)

Answer = tuple[str, str, bytes, list[tuple[str, str]]]
"""Status, type, body, more headers."""


class App:
    """The WSGI application; the server calls it for each request, from several threads."""

    def __init__(self, guard: Guard, receiver: Receiver, days: Days) -> None:
        self._guard, self._receiver, self._days = guard, receiver, days
        self._puzzled = False
        self._files = {
            path: (_TYPES[Path(name).suffix], (_PAGE / name).read_bytes())
            for path, name in {**_FILES, "/enter": "enter.html"}.items()
        }
        kind, sheet = self._files["/page.css"]
        self._files["/page.css"] = kind, sheet + css().encode()

    def __call__(
        self, environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]
    ) -> Iterable[bytes]:
        """Answer one request."""
        status, kind, body, more = self._answer(environ)
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store" if kind == _JSON else "no-cache"),
            *HEADERS.items(),
            *more,
        ]
        start(status, headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if not self._guard.knows_host(environ.get("HTTP_HOST", "")):
            return _plain("421 Misdirected Request", "This board has another name.")
        if path == "/enter" and method == "POST":
            return self._enter(environ)
        if method not in {"GET", "HEAD"}:
            return _plain("405 Method Not Allowed", "Only looking is allowed.", ("Allow", "GET"))
        cookies, authorization = (environ.get(f"HTTP_{name}", "") for name in _SECRETS)
        if path not in _OPEN and not self._guard.admits(cookies, authorization):
            return self._ask() if path == "/" else _plain("401 Unauthorized", "Which token?", _ASKS)
        if path in _FILES:
            return "200 OK", *self._files[path], []
        return self._data(path, environ.get("QUERY_STRING", ""))

    def _data(self, path: str, asked: str) -> Answer:
        data = {"/live": self._live, "/day": self._day, "/month": self._month}.get(path)
        if data is None:
            return _plain("404 Not Found", "There is no such page.")
        try:
            found = json.dumps(data(asked), allow_nan=False)
        except _OF_ANOTHER_SHAPE:
            if not self._puzzled:
                log.error("what the daemon says is not understood")  # noqa: TRY400 -- one line
            self._puzzled = True
            why = "The daemon is of another version than this dashboard; restart both."
            return _plain("502 Bad Gateway", why)
        self._puzzled = False
        return "200 OK", _JSON, found.encode(), []

    def _ask(self) -> Answer:
        return "401 Unauthorized", *self._files["/enter"], [_ASKS]

    def _enter(self, environ: dict[str, Any]) -> Answer:
        try:
            length = min(_MOST_BYTES, int(environ.get("CONTENT_LENGTH") or 0))
        except ValueError:
            length = 0
        form = parse_qs(environ["wsgi.input"].read(length).decode("utf-8", "replace"))
        if not self._guard.is_token(form.get("token", [""])[0].strip()):
            return self._ask()
        there = [("Location", "/"), ("Set-Cookie", self._guard.cookie())]
        return "303 See Other", "text/plain; charset=utf-8", b"", there

    def _live(self, text: str) -> view.Json:
        asked = parse_qs(text).get("after", ["0"])[0]
        after = int(asked) if asked.isdecimal() and len(asked) < 18 else 0
        status, age_s, ended = self._receiver.latest()
        count, rows = self._receiver.rows(after)
        return {
            "now": view.now(status, age_s, ended=ended),
            "health": view.health(status),
            "counts": view.counts(status),
            "count": count,
            "rows": rows,
        }

    def _day(self, _: str) -> view.Json:
        return self._days.today()

    def _month(self, _: str) -> view.Json:
        return self._days.month()


_ASKS: Final = ("WWW-Authenticate", "Bearer")
_SECRETS: Final = ("COOKIE", "AUTHORIZATION")


def _plain(status: str, words: str, *more: tuple[str, str]) -> Answer:
    return status, "text/plain; charset=utf-8", f"{words}\n".encode(), list(more)
