import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.cli import PROGRAM
from firmware_bridge.recording import read
from tests.device.commands import edgehar
from tests.waiting import wait_for


def test_a_recording_of_a_line_is_what_was_sent(recording: Path, tmp_path: Path) -> None:
    out, port, sent = tmp_path / "out.csv.gz", tmp_path / "port", tmp_path / "sent.csv"
    recorder = subprocess.Popen(
        [*PROGRAM, "record", "--source", f"serial:{port}", "--out", str(out)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    faults = ["--fault", "drop:2%", "--fault", "unplug:3s@40s"]
    edgehar("play", recording, "--link", port, "--speed", "max", "--save", sent, *faults)
    assert not out.exists()
    recorder.send_signal(signal.SIGTERM)
    _, log = recorder.communicate(timeout=20)
    assert recorder.returncode == 0, log
    ours, theirs = read(out)[0], read(sent)[0]
    assert len(ours) > 5000
    assert np.array_equal(ours.t_s, theirs.t_s)
    assert np.array_equal(ours.acc_g, theirs.acc_g)
    assert np.array_equal(ours.gyro_rad_s, theirs.gyro_rad_s)


def test_it_stops_when_the_time_is_up(recording: Path, tmp_path: Path) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    command = [*PROGRAM, "play", str(recording), "--link", str(port), "--speed", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as player:
        begun = time.monotonic()
        done = edgehar("record", "--source", f"serial:{port}", "--out", out, "--seconds", "1.5")
        player.kill()
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun > 1.5
    assert 10 <= len(read(out)[0]) <= 500


def test_without_samples_there_is_no_recording(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("an earlier one")
    done = edgehar(
        "record", "--source", f"serial:{tmp_path}/port", "--out", out, "--seconds", "0.2", "--force"
    )
    assert done.returncode == 2
    assert "gave no samples" in done.stderr
    assert list(tmp_path.iterdir()) == [out]
    assert out.read_text() == "an earlier one"


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.txt"])
def test_it_refuses_what_it_should_not_write_before_anything_starts(
    name: str, tmp_path: Path
) -> None:
    out = tmp_path / name
    out.write_text("an earlier one")
    done = edgehar("record", "--source", f"serial:{tmp_path}/port", "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert ("--force" if "csv" in name else ".csv or .csv.gz") in done.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["an earlier one"]


@contextmanager
def playing(recording: Path, port: Path, *options: str) -> Iterator[None]:
    command = [*PROGRAM, "play", str(recording), "--link", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as player:
        try:
            yield
        finally:
            player.kill()


def recorder(port: Path, out: Path, **streams: Any) -> subprocess.Popen[str]:
    command = [*PROGRAM, "record", "--source", f"serial:{port}", "--out", str(out)]
    return subprocess.Popen(command, text=True, **streams)


def in_turn(path: Path) -> list[str]:
    labels = read(path)[1]
    assert labels is not None
    return [label for label, _ in groupby(labels)]


def test_labels_come_through_a_pipe_as_typed(recording: Path, tmp_path: Path) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    streams = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    fast = ("--speed", "5")
    with playing(recording, port, *fast), recorder(port, out, **streams) as process:
        assert process.stdin is not None
        wait_for(lambda: part_rows(out) > 0)
        for label in ("walking", "walk, run", "", "stairs up", ""):
            process.stdin.write(f"{label}\n")
            process.stdin.flush()
            rows = part_rows(out)
            wait_for(lambda: part_rows(out) > rows, "samples")  # noqa: B023 -- called at once
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert in_turn(out) == ["", "walking", "", "stairs up", ""]
    assert "without comma" in log
    assert "; labelled: walking " in log


def test_without_anyone_to_type_there_is_no_column(recording: Path, tmp_path: Path) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with playing(recording, port, "--speed", "max"), recorder(port, out, **streams) as process:
        wait_for(lambda: part_rows(out) > 100)
        process.terminate()
    assert read(out)[1] is None


def test_what_was_lost_is_noted_where_it_was(recording: Path, tmp_path: Path) -> None:
    out, port, report = tmp_path / "out.csv", tmp_path / "port", tmp_path / "report.json"
    with recorder(port, out, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        faults = ["--fault", "drop:3%", "--report", str(report)]
        edgehar("play", recording, "--link", port, "--speed", "max", *faults)
        process.terminate()
    text = out.read_text()
    noted = [int(found) for found in re.findall(r"\n# (\d+) samples were lost here\n", text)]
    assert sum(noted) == json.loads(report.read_text())["lost"]["drop"] > 0
    t_s = read(out)[0].t_s
    assert len(noted) == np.count_nonzero(np.diff(t_s) > 0.15)


@pytest.mark.parametrize("name", ["out.csv", "my out.csv.gz"])
def test_after_a_crash_the_part_stays_and_can_be_rescued_as_is_said(
    recording: Path, tmp_path: Path, name: str
) -> None:
    out, port = tmp_path / name, tmp_path / "port"
    part = out.with_name(f"{name}.part")
    with playing(recording, port, "--speed", "max"):
        with recorder(port, out, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            wait_for(lambda: part.exists() and part.stat().st_size > 2000)
            process.kill()
        with part.open("ab") as cut:
            cut.write(b"" if name.endswith("gz") else b"17.2,0.01,-0.")
        again = edgehar("record", "--source", f"serial:{port}", "--out", out, "--seconds", "1")
    assert again.returncode == 2
    assert f"{name}.part is there, from a recording that" in again.stderr
    assert not out.exists()
    _, _, rescue = again.stderr.strip().partition("that was cut: ")
    subprocess.run(["sh", "-c", rescue], check=True)
    assert not part.exists()
    (rescued,) = tmp_path.glob("rescued-*.csv")
    ours, theirs = read(rescued)[0], read(recording)[0]
    assert len(ours) >= 9
    np.testing.assert_allclose(ours.acc_g, theirs.acc_g[: len(ours)], atol=0.0001)


def test_at_a_terminal_labels_are_asked_for_and_a_hangup_ends_it_whole(
    recording: Path, tmp_path: Path
) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    command = [*PROGRAM, "record", "--source", f"serial:{port}", "--out", str(out)]
    with playing(recording, port):
        terminal, theirs = pty.openpty()
        with subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=at_a_terminal,  # noqa: PLW1509 -- one thread
        ) as process, ended(process):  # fmt: skip
            os.close(theirs)
            wait_for(lambda: part_rows(out) > 0)
            os.write(terminal, b"wal")
            until(terminal, b"label: none")
            os.write(terminal, b"king\n")
            until(terminal, b"INFO label: walking\r\n")
            until(terminal, b"0 lost, label: walking")
            os.close(terminal)
            assert process.wait(10) == 0
    assert in_turn(out) == ["", "walking"]


def at_a_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who runs the tests may ignore it, as nohup does


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Let nothing outlive a test that fails."""
    try:
        yield
    finally:
        process.kill()


def until(terminal: int, words: bytes) -> None:
    seen = b""
    while words not in seen:
        seen += os.read(terminal, 4096)


def part_rows(out: Path) -> int:
    part = out.with_name(f"{out.name}.part")
    return part.read_text().count("\n") if part.exists() else 0
