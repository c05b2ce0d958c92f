import http.client
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.dashboard.guard import COOKIE, HEADERS
from tests.device.commands import edgehar
from tests.device.dashboard.made_up import (
    TOKEN,
    dashboard,
    get,
    get_json,
    guarded_dashboard,
    token_file,
)

pytest.importorskip("waitress", reason="needs edgehar[dashboard]")

ANYWHERE = "0.0.0.0"  # noqa: S104 -- behind a token
PATHS = ("", "page.css", "page.js", "charts.js", "icon.svg", "live", "live?after=7", "day", "month")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dashboard("--db", tmp_path_factory.mktemp("open") / "d.db") as found:
        yield found


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with guarded_dashboard(tmp_path_factory.mktemp("locked"), ANYWHERE) as found:
        yield found


@pytest.mark.parametrize("path", [*PATHS, "none", "../guard.py", "%2e%2e/guard.py", "enter.html"])
def test_every_answer_has_what_keeps_others_out(url: str, locked: str, path: str) -> None:
    for place in (url, locked):
        status, headers, _ = get(place + path)
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert "Server" not in headers
        if place == url:
            assert status == (200 if path in PATHS else 404)


def test_no_page_asks_for_anything_from_elsewhere(url: str) -> None:
    for path in PATHS[:5]:
        text = get(url + path)[2].decode()
        for found in re.findall(r"(?:https?:)?//[\w.]+", text.replace("http://www.w3.org/", "")):
            pytest.fail(f"{path} names {found}")
        assert "style=" not in text  # the policy forbids inline styles and scripts
        assert not re.search(r"<script(?! type=\"module\" src=\"page.js\")", text)


def test_it_only_looks_on(url: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert get(url, method=method)[0] == 405
    status, headers, body = get(url, method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_another_name_is_refused(url: str, locked: str) -> None:
    for place in (url, locked):
        assert get(place + "live", {"Host": "evil.example"})[0] == 421
        assert get(place + "enter", {"Host": "evil.example"}, b"token=" + TOKEN.encode())[0] == 421


def test_odd_questions_are_answered(url: str) -> None:
    for after in ("-1", "x", "9" * 30, "1.5", "", "%00", "%D9%A1"):
        assert get_json(f"{url}live?after={after}")["count"] == 0


@pytest.mark.parametrize("path", ["page.js", "charts.js", "live", "day", "month", "none"])
def test_without_the_token_nothing_is_told(locked: str, path: str) -> None:
    for headers in ({}, {"Cookie": f"{COOKIE}={TOKEN}"}, {"Authorization": "Bearer wrong"}):
        status, found, body = get(locked + path, headers)
        assert (status, found["WWW-Authenticate"]) == (401, "Bearer")
        assert body.startswith(b"A token is required")
    assert get(locked + path, {"Authorization": f"Bearer {TOKEN}"})[0] != 401


def test_the_page_asks_for_the_token_and_remembers_it(locked: str) -> None:
    status, _, body = get(locked)
    assert status == 401
    assert b"<form" in body
    assert get(locked + "page.css")[0] == 200
    for wrong in (b"", b"token=", b"token=wrong", b"\xff" * 100, b"token=" + b"x" * 4000):
        status, headers, _ = get(locked + "enter", body=wrong)
        assert status == 401
        assert "Set-Cookie" not in headers
    status, headers, _ = get(locked + "enter", body=f"token={TOKEN}".encode())
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"].partition(";")[0]
    for path in PATHS:
        assert get(locked + path, {"Cookie": cookie})[0] == 200


def test_too_much_is_refused(locked: str) -> None:
    assert get(locked + "enter", body=b"x" * 100_000)[0] == 413
    assert get(locked, {"X": "y" * 50_000})[0] == 431


def test_what_is_no_request_harms_nobody(url: str) -> None:
    port = int(url.rstrip("/").rpartition(":")[2])
    for text in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.connect()
        connection.sock.sendall(text)
        connection.close()
    assert get(url)[0] == 200


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        (("--listen", "0.0.0.0:8780"), None, "token_file"),
        (("--listen", "here"), None, "ADDRESS:PORT"),
        (("--listen", "192.0.2.1:8780"), '[dashboard]\ntoken_file = "{}"\n', "cannot listen"),
        ((), '[dashboard]\nlisten = "127.0.0.1:8780"\n', "sinks.sqlite"),
        ((), "[dashboard]\nlisten = 8780\n", "line 2: dashboard.listen must"),
        ((), '[dashboard]\ntoken_file = ""\n', "line 2: dashboard.token_file must"),
        (("--db", "none/d.db"), None, "cannot listen to the daemon"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: tuple[str, ...], settings: str | None, says: str, tmp_path: Path
) -> None:
    more: list[str | Path] = []
    if settings is not None:
        path = tmp_path / "edgehar.toml"
        path.write_text(settings.replace("{}", str(token_file(tmp_path))))
        more = ["--config", path]
        if "listen" not in settings:
            more += ["--db", tmp_path / "d.db"]
    done = edgehar("dashboard", *arguments, *more)
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_address_in_use_is_said(url: str, tmp_path: Path) -> None:
    port = url.rstrip("/").rpartition(":")[2]
    done = edgehar("dashboard", "--db", tmp_path / "d.db", "--listen", f":{port}")
    assert done.returncode == 1
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr
    assert list(tmp_path.iterdir()) == []
