"""The player on real ptys, read through pyserial as in the daemon."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import serial

from device.cli import PROGRAM
from firmware_bridge.errors import InputError
from firmware_bridge.framing import seal
from firmware_bridge.playing import faults, line
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.playing.line import LineError, PortLine, PtyLine
from firmware_bridge.playing.plan import Played, stream
from firmware_bridge.playing.player import Player
from firmware_bridge.protocol import Code, Command, pack
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Samples
from tests.firmware_bridge.reader import Reader, table
from tests.waiting import wait_for

REQUEST = seal(pack(Command(Code.HELLO)))


def noise(count: int) -> Samples:
    rng = np.random.default_rng(0)
    t_us = 1_000_000 + 20_000 * np.arange(count)
    return Samples(t_us / 1e6, rng.normal(0, 0.5, (count, 3)), rng.normal(0, 1, (count, 3)))


class PortReader(Reader):
    """Opens a port whenever it exists, requests a hello and reads all bytes."""

    def __init__(self, port: Path, slow_s: float) -> None:
        super().__init__()
        self._port, self._slow_s = port, slow_s
        self.ended = threading.Event()
        self.opened = 0

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                with serial.Serial(str(self._port), timeout=0.05, exclusive=True) as port:
                    self._listen(port)
            except (OSError, serial.SerialException):
                time.sleep(0.005)

    def _listen(self, port: serial.Serial) -> None:
        self.opened += 1
        self.reopened()
        port.write(REQUEST)
        while not self.ended.is_set():
            self.feed(port.read(max(1, port.in_waiting)))
            time.sleep(self._slow_s)


@contextmanager
def reading(port: Path, slow_s: float = 0.0) -> Iterator[PortReader]:
    reader = PortReader(port, slow_s)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(reader.run)
        try:
            yield reader
        finally:
            reader.ended.set()
            running.result()


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "port"


def play(
    samples: Samples, link: Path, specs: tuple[str, ...] = (), speed: float | None = None
) -> Played:
    device, played = VirtualDevice(), Played()
    actions = stream(iter([samples]), device, faults.parse(specs), 0, played)
    Player(device, PtyLine(link)).play(actions, played, speed)
    return played


@pytest.mark.parametrize(("count", "slow_s"), [(20_000, 0.0), (5_000, 0.01)])
def test_at_full_speed_every_sample_reaches_a_fast_or_slow_reader(
    link: Path, count: int, slow_s: float
) -> None:
    with reading(link, slow_s) as reader:
        play(noise(count), link)
        assert not link.is_symlink()
    assert reader.table[:, 0].tolist() == noise(count).t_s.tolist()


def test_faults_on_a_real_line_are_counted_exactly(link: Path) -> None:
    specs = ("drop:1%", "flip:1%", "duplicate:1%", "reorder:1%", "garbage:1%")
    events = ("unplug:3s@60s", "stall:0.2s@100s", "reboot@150s", "unplug:1s@200s")
    with reading(link) as reader:
        played = play(noise(15_000), link, specs + events)
    counts = reader.counts
    assert counts.samples == played.delivered
    assert counts.lost == sum(played.lost.values()) - played.unknowable
    assert (counts.reboots, counts.before_hello) == (1, 0)
    assert played.lost["unplug"] == 200
    assert reader.opened == 3


def test_a_recording_plays_at_the_requested_pace(link: Path) -> None:
    with reading(link):
        began = time.monotonic()
        play(noise(500), link, speed=20)
        assert time.monotonic() - began >= 9.98 / 20 * 0.95


def test_a_hello_is_sent_on_request_even_while_the_recording_is_silent(link: Path) -> None:
    def request_hello() -> None:
        with link.open("wb", buffering=0) as port:
            port.write(REQUEST)

    samples = noise(100)
    samples.t_s[50:] += 6
    with reading(link) as reader, ThreadPoolExecutor() as pool:
        playing = pool.submit(play, samples, link, speed=3)
        wait_for(lambda: reader.blocks, "samples")
        request_hello()
        wait_for(lambda: reader.counts.samples >= 50, "50 samples")
        frames = reader.frames.frames
        request_hello()
        wait_for(lambda: reader.frames.frames > frames, "another frame")
        assert reader.counts.samples == 50
        playing.result()
    # Hellos: one at the start, one after the silence, one at the end, two on request.
    assert reader.frames.frames == 10 + 5
    assert (reader.counts.samples, reader.counts.lost) == (100, 0)


def test_an_unread_port_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "PATIENCE_S", 0.2)
    pty = PtyLine(tmp_path / "port")
    pty.plug()
    try:
        with pytest.raises(LineError, match="nobody reads"):
            pty.write(bytes(100_000))
        with pytest.raises(LineError, match="nobody reads"):
            pty.drain()
    finally:
        pty.unplug()


def test_a_link_never_replaces_a_file(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("data")
    with pytest.raises(InputError, match="not a symbolic link"):
        PtyLine(precious)
    assert precious.read_text() == "data"


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    master, slave = os.openpty()
    path = Path(os.ttyname(slave))
    first = PortLine(path)
    first.plug()
    try:
        with pytest.raises(InputError, match="in use"):
            PortLine(path).plug()
        first.write(b"\0abc\0")
        assert os.read(master, 10) == b"\0abc\0"
    finally:
        first.unplug()
        os.close(master)
        os.close(slave)
    with pytest.raises(InputError, match=r"none cannot be opened"):
        PortLine(tmp_path / "none").plug()


def test_the_command_plays_saves_and_reports(tmp_path: Path) -> None:
    link, recording, saved = (tmp_path / name for name in ("port", "r.csv.gz", "saved.csv"))
    with RecordingWriter(recording) as out:
        out.write(noise(3_000))
    arguments = [
        "play", str(recording), "--link", str(link), "--speed", "max", "--fault", "drop:2%",
        "--fault", "unplug:2s@30s", "--save", str(saved), "--report", str(tmp_path / "report"),
    ]  # fmt: skip
    with reading(link) as reader:
        done = subprocess.run(
            [*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{link}\n" * 2
    report = json.loads((tmp_path / "report").read_text())
    assert report["delivered"] + sum(report["lost"].values()) == report["samples"] == 3_000
    assert reader.counts.lost == sum(report["lost"].values())
    np.testing.assert_array_equal(reader.table, table(read(saved)[0]))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.csv", "--pty"], "none.csv: no such file"),
        (["empty.csv", "--pty"], "has no samples"),
        (["r.csv"], "--port PORT or --pty"),
        (["r.csv", "--link", "x", "--port", "y"], "--port PORT or --pty"),
        (["r.csv", "--pty", "--speed", "0"], "neither a factor above 0 nor max"),
        (["r.csv", "--pty", "--fault", "drop"], "fault 'drop' is none of"),
        (["r.csv", "--port", "/dev/null"], "/dev/null cannot be opened as a serial port"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    for name, count in (("r.csv", 10), ("empty.csv", 0)):
        with RecordingWriter(tmp_path / name) as out:
            out.write(noise(count))
    done = subprocess.run(
        [*PROGRAM, "play", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
