"""A read-only WSGI application that serves the page and its data."""

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
    **{f"/{name}": name for name in ("page.css", "page.js", "charts.js", "icon.svg")},
}
_OPEN: Final = {"/page.css", "/icon.svg"}
"""Files that are served without the token, because the token form needs them."""
_MOST_BYTES: Final = 4096
_JSON: Final = "application/json"
_BAD_STATUS: Final = (KeyError, TypeError, ValueError, AttributeError)
_ASKS: Final = ("WWW-Authenticate", "Bearer")
_NO_TOKEN: Final = "A token is required: send Authorization: Bearer TOKEN."  # noqa: S105 -- a message
_OTHER_VERSION: Final = "The daemon and the dashboard have different versions; restart both."

Answer = tuple[str, str, bytes, list[tuple[str, str]]]
"""Status, content type, body, more headers."""


class App:
    """The WSGI application; the server calls it in several threads."""

    def __init__(self, guard: Guard, receiver: Receiver, days: Days) -> None:
        self._guard, self._receiver, self._days = guard, receiver, days
        self._logged = False
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
            return _plain("421 Misdirected Request", "Use the board's name or address as host.")
        if path == "/enter" and method == "POST":
            return self._enter(environ)
        if method not in {"GET", "HEAD"}:
            return _plain("405 Method Not Allowed", "This page is read-only.", ("Allow", "GET"))
        cookies = environ.get("HTTP_COOKIE", "")
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if path not in _OPEN and not self._guard.admits(cookies, authorization):
            return self._ask() if path == "/" else _plain("401 Unauthorized", _NO_TOKEN, _ASKS)
        if path in _FILES:
            return "200 OK", *self._files[path], []
        return self._data(path, environ.get("QUERY_STRING", ""))

    def _data(self, path: str, query: str) -> Answer:
        days = {"/day": self._days.today, "/month": self._days.month}
        if path not in {"/live", *days}:
            return _plain("404 Not Found", "This page does not exist.")
        try:
            values = days[path]() if path in days else self._live(query)
            body = json.dumps(values, allow_nan=False).encode()
        except _BAD_STATUS:
            if not self._logged:
                log.error(_OTHER_VERSION)  # noqa: TRY400 -- one line
            self._logged = True
            return _plain("502 Bad Gateway", _OTHER_VERSION)
        self._logged = False
        return "200 OK", _JSON, body, []

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
        headers = [("Location", "/"), ("Set-Cookie", self._guard.cookie())]
        return "303 See Other", "text/plain; charset=utf-8", b"", headers

    def _live(self, query: str) -> view.Json:
        text = parse_qs(query).get("after", ["0"])[0]
        after = int(text) if text.isdecimal() and len(text) < 18 else 0
        status, age_s, ended = self._receiver.latest()
        count, rows = self._receiver.rows(after)
        return {
            "now": view.now(status, age_s, ended=ended),
            "health": view.health(status),
            "counts": view.counts(status),
            "count": count,
            "rows": rows,
        }


def _plain(status: str, text: str, *more: tuple[str, str]) -> Answer:
    return status, "text/plain; charset=utf-8", f"{text}\n".encode(), list(more)
