import logging
import os
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from device.sources import SourceError
from device.sources.retry import LONGEST_WAIT_S, PATIENCE_S
from device.sources.serial import SerialSource
from firmware_bridge.playing import faults
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.playing.line import PtyLine
from firmware_bridge.playing.plan import Played, stream
from firmware_bridge.playing.player import Player
from firmware_bridge.samples import Samples


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "port"


@pytest.fixture
def source(link: Path) -> SerialSource:
    return SerialSource(str(link), 115200)


@pytest.fixture
def port(link: Path) -> Iterator[PtyLine]:
    line = PtyLine(link)
    line.plug()
    yield line
    line.unplug()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.sources.serial.PATIENCE_S", 0.02)
    monkeypatch.setattr("device.sources.serial.ASK_AGAIN_S", 0.2)
    monkeypatch.setattr("device.sources.serial.STRANGE_AFTER_S", 0.5)


def recording(seconds: float) -> Samples:
    rng = np.random.default_rng(1)
    n = round(seconds * 50)
    acc, gyro = rng.integers(-9000, 9000, (2, n, 3))
    return Samples(100 + np.arange(n) / 50, acc * (4 / 32768), gyro * np.radians(500 / 32768))


@contextmanager
def playing(
    link: Path, samples: Samples, *specs: str, speed: float | None = None
) -> Iterator[Played]:
    """Play to the port; at the end wait for the player."""
    device, played = VirtualDevice(), Played()
    actions = stream([samples], device, faults.parse(specs), 7, played)
    player = Player(device, PtyLine(link))
    thread = threading.Thread(target=player.play, args=(actions, played, speed))
    thread.start()
    try:
        yield played
    finally:
        thread.join()


def until(blocks: Generator[Samples], done: Callable[[], bool]) -> list[Samples]:
    """Return the blocks with samples until `done`, for 20 s at most."""
    read, deadline = [], time.monotonic() + 20.0
    while not done() and time.monotonic() < deadline:
        read.append(next(blocks))
    assert done()
    return [block for block in read if len(block)]


def all_played(source: SerialSource, unplugs: int = 1) -> list[Samples]:
    """Return all blocks. The port is unplugged for the last time when all is played."""
    with closing(source.blocks()) as blocks:
        return until(blocks, lambda: source.counts["unplugged"] == unplugs)


def test_played_samples_arrive(link: Path, source: SerialSource) -> None:
    sent = recording(60.0)
    with playing(link, sent):
        read = Samples.joined(all_played(source))
    np.testing.assert_allclose(read.t_s, sent.t_s, rtol=0, atol=1e-9)
    np.testing.assert_allclose(read.acc_g, sent.acc_g, atol=1e-12)
    np.testing.assert_allclose(read.gyro_rad_s, sent.gyro_rad_s, atol=1e-12)


def test_losses_and_an_unplugged_port_are_counted_exactly(
    link: Path, source: SerialSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    specs = "drop:3%", "flip:3%", "duplicate:2%", "reorder:2%", "garbage:2%", "unplug:3s@50s"
    with playing(link, recording(120.0), *specs) as played:
        read = all_played(source, 2)
    assert min(played.lost.values()) > 0
    counts = source.counts
    assert counts["samples"] == sum(map(len, read)) == played.delivered
    assert counts["lost"] == sum(played.lost.values())
    assert counts["unplugged"] == played.unplugs + 1 == 2
    log = " | ".join(caplog.messages)
    assert re.search(r"went away: unplugged.*is back after.*[1-9]\d* samples lost meanwhile", log)


def test_an_absent_port_is_waited_for(
    link: Path, source: SerialSource, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(source.blocks()) as blocks:
        for _ in range(5):
            assert len(next(blocks)) == 0
        assert caplog.messages == [f"waiting for serial:{link}: not there"]
        with playing(link, recording(10.0)):
            until(blocks, lambda: source.counts["unplugged"] == 1)
    assert source.counts["samples"] == 500


def test_waits_grow_to_a_limit_and_yield_blocks_meanwhile(
    source: SerialSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, slept, tried = [0.0], [], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    def refuse(*_: object, **__: object) -> None:
        tried.append(now[0])
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("device.sources.retry.time.monotonic", lambda: now[0])
    monkeypatch.setattr("device.sources.retry.time.sleep", sleep)
    monkeypatch.setattr("device.sources.serial.serial.Serial", refuse)
    blocks = source.blocks()
    while now[0] < 60:
        next(blocks)
    waits = np.diff(tried)
    assert waits[0] <= 0.1
    assert np.all(np.diff(waits) >= -1e-9)
    assert waits[-1] == pytest.approx(LONGEST_WAIT_S)
    assert max(slept) <= PATIENCE_S


@pytest.mark.usefixtures("port")
def test_a_second_reader_is_refused(source: SerialSource) -> None:
    first = source.blocks()
    next(first)
    with pytest.raises(SourceError, match="in use by another program"):
        next(source.blocks())
    first.close()
    again = source.blocks()
    assert len(next(again)) == 0
    again.close()


def test_a_file_is_refused(link: Path, source: SerialSource) -> None:
    link.write_text("hello")
    with pytest.raises(SourceError, match="not a serial port"):
        next(source.blocks())


def test_a_port_without_permission_is_refused(port: PtyLine) -> None:
    path = port.path.resolve()
    path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:  # root may open anything
            os.seteuid(65534)
        with pytest.raises(SourceError, match="dialout"):
            next(SerialSource(str(path), 115200).blocks())
    finally:
        os.seteuid(user)


@pytest.mark.usefixtures("impatient")
def test_a_hello_is_requested_until_it_comes(port: PtyLine, source: SerialSource) -> None:
    start_s = time.monotonic()
    with closing(source.blocks()) as blocks:
        requests_s: list[float] = []

        def three_requests() -> bool:
            if port.read():
                requests_s.append(time.monotonic())
            return len(requests_s) == 3

        until(blocks, three_requests)
        assert requests_s[-1] > start_s + 0.4  # two intervals, on a busy machine too
        port.write(VirtualDevice().hello())
        until(blocks, lambda: time.monotonic() > requests_s[-1] + 0.6)
        assert not port.read()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("noise", "words"), [(b"", "no bytes arrive"), (b"GPS,1,2,3\r\n", "no edgehar frame")]
)
def test_the_log_names_the_cause_of_missing_frames_once(
    port: PtyLine, source: SerialSource, caplog: pytest.LogCaptureFixture, noise: bytes, words: str
) -> None:
    with closing(source.blocks()) as blocks:
        start_s = time.monotonic()
        # On a busy machine the line may come much later.
        while time.monotonic() < start_s + (2.0 if caplog.messages else 30.0):
            port.write(noise)
            next(blocks)
    assert [words in message for message in caplog.messages] == [True]


def test_samples_are_dated_by_the_hosts_clock(link: Path, source: SerialSource) -> None:
    start = datetime.now(UTC)
    with playing(link, recording(3.0), speed=1):
        last_s = float(all_played(source)[-1].t_s[-1])
    last = datetime.fromisoformat(source.date(last_s))
    earlier = datetime.fromisoformat(source.date(last_s - 2))
    assert start < last < datetime.now(UTC)
    assert abs(last - earlier - timedelta(seconds=2)) < timedelta(milliseconds=50)
    assert datetime.fromisoformat(source.date(1e12)).year > 2000  # a date for any clock
