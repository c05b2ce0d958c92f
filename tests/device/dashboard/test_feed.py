import json
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.dashboard.feed import MOST, SHOWN_HZ, Feed, thinned
from device.dashboard.receiver import KEPT, Heard, Receiver, take
from device.dashboard.socket_path import socket_of
from device.sinks import Outlet
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Samples
from tests.device.dashboard.made_up import STATUS, saying, swing
from tests.waiting import wait_for


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "decisions.db"


@pytest.fixture
def feed(db: Path) -> Iterator[Feed]:
    with closing(Feed(db)) as found:
        yield found


def test_what_the_daemon_tells_is_what_the_dashboard_hears(db: Path, feed: Feed) -> None:
    outlet = Outlet(feed)
    assert outlet.see is not None
    with closing(Receiver(db)) as receiver:
        outlet.status(saying("ok", "walking"))
        outlet.see(swing(0.0, 2.0))
        wait_for(lambda: receiver.rows(0)[0] > 0)
        status, age_s, ended = receiver.latest()
        assert status is not None
        assert status["decision"]["activity"] == "walking"
        assert age_s < 20
        assert not ended
        count, rows = receiver.rows(0)
        assert count == len(rows) == 50
        assert np.isclose(np.mean([row[3] or 0.0 for row in rows]), 1.0)  # gravity
        assert receiver.rows(count) == (count, [])
        assert receiver.rows(count - 7) == (count, rows[-7:])
        assert receiver.rows(10**9) == (count, rows)  # a number from an earlier dashboard
        outlet.close()
        wait_for(lambda: receiver.latest()[2])


def test_a_dashboard_may_come_and_go(db: Path, feed: Feed) -> None:
    feed.status(STATUS)
    feed.see(swing(0.0, 1.0))
    for _ in range(3):
        with closing(Receiver(db)) as receiver:
            feed.status(STATUS)
            feed.status(STATUS)  # the first may find that the last dashboard has ended
            wait_for(lambda: receiver.latest()[0] is not None)
        feed.see(swing(0.0, 1.0))
        assert not socket_of(db).exists()


def test_a_dashboard_that_hangs_does_not_hold_the_daemon_up(db: Path, feed: Feed) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as deaf:
        deaf.bind(str(socket_of(db)))
        outlet = Outlet(feed)
        for at in range(3000):
            outlet.status(STATUS)
            feed.see(swing(at, 1.0))
        assert outlet.failures == 0
        assert len(feed._pending) <= MOST


def test_samples_that_are_no_numbers_are_told_as_none(db: Path, feed: Feed) -> None:
    block = swing(0.0, 2.0)
    block.acc_g[:, 1] = np.nan
    block.gyro_rad_s[:, 2] = np.inf
    with closing(Receiver(db)) as receiver:
        feed.status(STATUS)
        feed.see(block)
        wait_for(lambda: receiver.rows(0)[0] > 0)
        _, rows = receiver.rows(0)
        assert {(row[2], row[6]) for row in rows} == {(None, None)}
        json.dumps(rows, allow_nan=False)


@given(
    st.integers(0, 700),
    st.sampled_from([5.0, 20.0, 50.0, 100.0, 200.0, 1000.0]),
    st.integers(0, 2**32 - 1),
)
def test_thinning_keeps_the_mean_and_loses_no_sample(n: int, rate_hz: float, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, 7))
    rows[:, 0] = np.arange(n) / rate_hz
    shown, rest = thinned(rows)
    together = (n - len(rest)) / len(shown) if len(shown) else 1
    assert together == round(together)
    assert np.allclose(shown.sum(axis=0) * together + rest.sum(axis=0), rows.sum(axis=0))
    if len(shown) > 1:
        assert 1 / np.diff(shown[:, 0]).max() <= max(1.5 * SHOWN_HZ, SHOWN_HZ + 1)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_borne(message: bytes) -> None:
    heard = Heard()
    take(heard, message, 0.0)
    assert heard.count == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.fixed_dictionaries({}, optional={"status": JSON, "signals": JSON, "end": JSON}))
def test_whatever_json_comes_only_rows_of_seven_numbers_are_kept(message: object) -> None:
    heard = Heard()
    take(heard, json.dumps(message).encode(), 0.0)
    assert all(len(row) == 7 for row in heard.rows)
    json.dumps([heard.status, list(heard.rows)], allow_nan=False)


def test_what_is_kept_is_bounded_and_another_runs_clock_begins_anew() -> None:
    heard = Heard()
    row = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    for at in range(100):
        rows = [[at + step / 25, *row[1:]] for step in range(25)]
        take(heard, json.dumps({"signals": rows}).encode(), 0.0)
    assert len(heard.rows) == KEPT
    assert heard.count == 2500
    take(heard, json.dumps({"signals": [row]}).encode(), 0.0)
    assert list(heard.rows) == [row]


def test_nesting_without_end_is_borne() -> None:
    heard = Heard()
    take(heard, b'{"status":' + b"[" * 100_000, 0.0)
    assert heard.strange == 1


def test_only_this_user_may_tell_the_dashboard(db: Path) -> None:
    with closing(Receiver(db)):
        assert stat.S_IMODE(socket_of(db).stat().st_mode) == 0o600


def test_there_is_one_dashboard_and_it_takes_the_place_of_one_that_was_killed(db: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as killed:
        killed.bind(str(socket_of(db)))
    with closing(Receiver(db)), pytest.raises(InputError, match="another dashboard"):
        Receiver(db)


def test_a_file_of_somebody_elses_stays(db: Path) -> None:
    socket_of(db).write_text("precious")
    with pytest.raises(InputError, match="is not a socket"):
        Receiver(db)
    assert socket_of(db).read_text() == "precious"


@pytest.mark.parametrize("folder", ["none", "long" * 40])
def test_a_place_where_no_socket_can_be_is_said_in_one_line(folder: str, tmp_path: Path) -> None:
    if folder != "none":
        (tmp_path / folder).mkdir()
    with pytest.raises(InputError, match="cannot listen"):
        Receiver(tmp_path / folder / "decisions.db")
    with closing(Feed(tmp_path / folder / "decisions.db")) as feed:
        feed.status(STATUS)
        feed.see(Samples(np.arange(2.0), np.zeros((2, 3)), np.zeros((2, 3))))
