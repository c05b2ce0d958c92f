import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.dashboard.guard import COOKIE, Guard, guard
from firmware_bridge.errors import InputError
from tests.device.dashboard.made_up import TOKEN, token_file

LOOPBACK = ("127.0.0.1", 8780)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8780", "localhost", "LOCALHOST:1", "192.168.1.7:8780", "[::1]:8780", "[fe80::1]",
        os.uname().nodename, f"{os.uname().nodename.partition('.')[0]}.local:8780", "localhost.",
    ],
)  # fmt: skip
def test_hosts_that_are_this_board(host: str) -> None:
    assert Guard(None).knows_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:8780", "127.0.0.1.evil.example", "localhost.evil.example",
        "evil.localhost", "[::1].evil.example", "[evil.example]", "127.0.0.1@evil.example", "::1",
        "0x7f000001", "127.1",
    ],
)  # fmt: skip
def test_a_name_from_elsewhere_that_points_here_is_refused(host: str) -> None:
    assert not Guard(None).knows_host(host)


@given(st.text(), st.text())
def test_nothing_but_the_token_opens(cookies: str, authorization: str) -> None:
    token_guard = Guard(TOKEN)
    assert not token_guard.admits(cookies, authorization)
    assert not token_guard.is_token(cookies)
    assert Guard(None).admits(cookies, authorization)


def test_the_token_or_its_cookie_opens_until_the_token_changes() -> None:
    token_guard = Guard(TOKEN)
    assert token_guard.admits("", f"Bearer {TOKEN}")
    assert not token_guard.admits("", f"Basic {TOKEN}")
    cookie, *rules = token_guard.cookie().split("; ")
    assert token_guard.admits(f"other=1; {cookie}", "")
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=Strict"} <= set(rules)
    assert not token_guard.admits(f"{COOKIE}={TOKEN}", "")
    assert not Guard(TOKEN + "2").admits(cookie, "")


def test_the_loopback_needs_no_token_and_anything_else_does(tmp_path: Path) -> None:
    for address in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        assert guard((address, 1), None) == Guard(None)
    for address in ("0.0.0.0", "::", "192.168.1.7", "wrist.local"):  # noqa: S104 -- only asked about
        with pytest.raises(InputError, match="token_file"):
            guard((address, 1), None)
        assert guard((address, 1), token_file(tmp_path)) == Guard(TOKEN)
    assert guard(LOOPBACK, token_file(tmp_path)) == Guard(TOKEN)


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        (TOKEN, 0o644, "chmod o="),
        ("short", 0o600, "16 or more letters"),
        ("", 0o600, "16 or more letters"),
        ("two words of some length", 0o600, "no spaces"),
        ("k" * 5000, 0o600, "16 or more letters"),
        ("pässwörter zählen", 0o600, "letters and digits"),
    ],
)
def test_a_token_file_of_no_use_is_refused(text: str, mode: int, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        guard(LOOPBACK, token_file(tmp_path, text, mode))
    with pytest.raises(InputError, match="none"):
        guard(LOOPBACK, tmp_path / "none")
