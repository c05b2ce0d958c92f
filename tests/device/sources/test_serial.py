import logging
import os
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
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
def port(tmp_path: Path) -> Iterator[PtyLine]:
    line = PtyLine(tmp_path / "port")
    line.plug()
    yield line
    line.unplug()


def recording(seconds: float) -> Samples:
    rng = np.random.default_rng(1)
    n = round(seconds * 50)
    lsb_g, lsb_rad_s = 4 / 32768, np.radians(500 / 32768)
    return Samples(
        100 + np.arange(n) / 50,
        rng.integers(-9000, 9000, (n, 3)) * lsb_g,
        rng.integers(-9000, 9000, (n, 3)) * lsb_rad_s,
    )


def play(link: Path, samples: Samples, *specs: str, speed: float | None) -> Callable[[], Played]:
    """Start playing; the result waits for the end and returns what was done."""
    device, played = VirtualDevice(), Played()
    player = Player(device, PtyLine(link))
    actions = stream([samples], device, faults.parse(specs), 7, played)
    thread = threading.Thread(target=player.play, args=(actions, played, speed))
    thread.start()

    def ended() -> Played:
        thread.join()
        return played

    return ended


def take(source: SerialSource, unplugs: int, longest_s: float = 20.0) -> list[Samples]:
    """All blocks until the port has gone away so often: the last time, when all is played."""
    taken, deadline = [], time.monotonic() + longest_s
    with closing(source.blocks()) as blocks:
        while source.counts["unplugged"] < unplugs and time.monotonic() < deadline:
            taken.append(next(blocks))
    return [block for block in taken if len(block)]


def until(blocks: Generator[Samples], done: Callable[[], bool], longest_s: float = 20.0) -> None:
    deadline = time.monotonic() + longest_s
    while not done() and time.monotonic() < deadline:
        next(blocks)
    assert done()


def test_what_is_played_arrives(tmp_path: Path) -> None:
    sent = recording(60.0)
    ended = play(tmp_path / "port", sent, speed=None)
    taken = take(SerialSource(str(tmp_path / "port"), 115200), 1)
    ended()
    np.testing.assert_allclose(np.concatenate([b.t_s for b in taken]), sent.t_s, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.concatenate([b.acc_g for b in taken]), sent.acc_g, atol=1e-12)
    np.testing.assert_allclose(
        np.concatenate([b.gyro_rad_s for b in taken]), sent.gyro_rad_s, atol=1e-12
    )


def test_losses_and_an_unplugged_port_are_counted_exactly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sent = recording(120.0)
    specs = "drop:3%", "flip:3%", "duplicate:2%", "reorder:2%", "garbage:2%", "unplug:3s@50s"
    ended = play(tmp_path / "port", sent, *specs, speed=None)
    source = SerialSource(str(tmp_path / "port"), 115200)
    taken = take(source, 2)
    played = ended()
    assert min(played.lost.values()) > 0
    counts = source.counts
    assert counts["samples"] == sum(len(block) for block in taken) == played.delivered
    assert counts["lost"] == sum(played.lost.values())
    assert counts["unplugged"] == played.unplugs + 1 == 2
    said = " | ".join(caplog.messages)
    assert re.search(r"went away: unplugged.*is back after.*[1-9]\d* samples lost meanwhile", said)


def test_a_port_that_is_not_there_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    link = tmp_path / "port"
    source = SerialSource(str(link), 115200)
    with closing(source.blocks()) as blocks:
        for _ in range(5):
            assert len(next(blocks)) == 0
        assert [r.getMessage() for r in caplog.records] == [f"waiting for serial:{link}: not there"]
        ended = play(link, recording(10.0), speed=None)
        until(blocks, lambda: source.counts["unplugged"] == 1)
    ended()
    assert source.counts["samples"] == 500


def test_the_wait_grows_to_a_ceiling_and_never_blocks_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, slept, tried = [0.0], [], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    def refuse(*_: object, **__: object) -> None:
        tried.append(now[0])
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("device.sources.serial.time.monotonic", lambda: now[0])
    monkeypatch.setattr("device.sources.serial.time.sleep", sleep)
    monkeypatch.setattr("device.sources.serial.serial.Serial", refuse)
    blocks = SerialSource(str(tmp_path / "port"), 115200).blocks()
    while now[0] < 60:
        next(blocks)
    waits = np.diff(tried)
    assert waits[0] <= 0.1
    assert np.all(np.diff(waits) >= -1e-9)
    assert waits[-1] == pytest.approx(LONGEST_WAIT_S)
    assert max(slept) <= PATIENCE_S


def test_a_second_reader_is_refused(port: PtyLine) -> None:
    first = SerialSource(str(port.path), 115200).blocks()
    next(first)
    with pytest.raises(SourceError, match="in use by another program"):
        next(SerialSource(str(port.path), 115200).blocks())
    first.close()
    again = SerialSource(str(port.path), 115200).blocks()
    assert len(next(again)) == 0
    again.close()


def test_what_is_no_serial_port_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(SourceError, match="not a serial port"):
        next(SerialSource(str(text), 115200).blocks())


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


def test_a_hello_is_asked_for_until_it_comes(
    port: PtyLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.sources.serial.PATIENCE_S", 0.02)
    monkeypatch.setattr("device.sources.serial.ASK_AGAIN_S", 0.2)
    with closing(SerialSource(str(port.path), 115200).blocks()) as blocks:
        asked: list[float] = []

        def asked_three_times() -> bool:
            if port.read():
                asked.append(time.monotonic())
            return len(asked) == 3

        until(blocks, asked_three_times)
        assert min(np.diff(asked)) > 0.1
        port.write(VirtualDevice().hello())
        until(blocks, lambda: time.monotonic() > asked[-1] + 0.6)
        assert not port.read()


@pytest.mark.parametrize(
    ("noise", "words"), [(b"", "no bytes arrive"), (b"GPS,1,2,3\r\n", "no edgehar frame")]
)
def test_what_may_be_wrong_is_said(
    port: PtyLine,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    noise: bytes,
    words: str,
) -> None:
    monkeypatch.setattr("device.sources.serial.PATIENCE_S", 0.4)
    monkeypatch.setattr("device.sources.serial.ASK_AGAIN_S", 0.2)
    monkeypatch.setattr("device.sources.serial.STRANGE_AFTER_S", 0.5)
    with closing(SerialSource(str(port.path), 115200).blocks()) as blocks:
        begun = time.monotonic()
        # On a busy machine it may take longer until it has asked often enough.
        while time.monotonic() < begun + (2.0 if caplog.messages else 30.0):
            port.write(noise)
            next(blocks)
    assert [words in message for message in caplog.messages] == [True]


def test_samples_are_dated_by_the_hosts_clock(tmp_path: Path) -> None:
    ended = play(tmp_path / "port", recording(3.0), speed=1)
    source = SerialSource(str(tmp_path / "port"), 115200)
    begun = datetime.now(UTC)
    taken = take(source, 1)
    ended()
    last = datetime.fromisoformat(source.date(float(taken[-1].t_s[-1])))
    earlier = datetime.fromisoformat(source.date(float(taken[-1].t_s[-1]) - 2))
    assert begun < last < datetime.now(UTC)
    assert abs(last - earlier - timedelta(seconds=2)) < timedelta(milliseconds=50)
    assert datetime.fromisoformat(source.date(1e12)).year > 2000  # no clock is too wrong to date
