import json
import re
import signal
import subprocess
import time
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from device.cli import PROGRAM
from firmware_bridge.recording import read
from tests.device.commands import edgehar, playing
from tests.device.full_disk import full_disk
from tests.device.terminal import Terminal
from tests.waiting import wait_for


def test_a_recording_equals_the_sent_samples(recording: Path, tmp_path: Path) -> None:
    out, port, sent = tmp_path / "out.csv.gz", tmp_path / "port", tmp_path / "sent.csv"
    process = recorder(port, out)
    faults = ["--fault", "drop:2%", "--fault", "unplug:3s@40s"]
    edgehar("play", recording, "--link", port, "--speed", "max", "--save", sent, *faults)
    assert not out.exists()
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    ours, theirs = read(out)[0], read(sent)[0]
    assert len(ours) > 5000
    assert np.array_equal(ours.t_s, theirs.t_s)
    assert np.array_equal(ours.acc_g, theirs.acc_g)
    assert np.array_equal(ours.gyro_rad_s, theirs.gyro_rad_s)


def test_it_stops_when_the_time_is_up(recording: Path, tmp_path: Path) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    with playing(recording, port, "--speed", "4"):
        begun = time.monotonic()
        done = edgehar("record", "--source", f"serial:{port}", "--out", out, "--seconds", "1.5")
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


def test_a_disk_that_is_full_from_the_first_block_keeps_its_samples(
    recording: Path, tmp_path: Path
) -> None:
    with full_disk(100_000):
        done = edgehar("record", "--source", f"recording:{recording}", "--out", tmp_path / "o.csv")
    assert done.returncode == 1
    assert f"see {tmp_path}/o.csv.part" in done.stderr
    assert (tmp_path / "o.csv.part").stat().st_size == 100_000


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.txt"])
def test_a_refused_file_name_starts_nothing(name: str, tmp_path: Path) -> None:
    out = tmp_path / name
    out.write_text("an earlier one")
    done = edgehar("record", "--source", f"serial:{tmp_path}/port", "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert ("--force" if "csv" in name else ".csv or .csv.gz") in done.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["an earlier one"]


def recorder(port: Path, out: Path, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    command = [*PROGRAM, "record", "--source", f"serial:{port}", "--out", str(out)]
    return subprocess.Popen(command, stdin=stdin, stderr=subprocess.PIPE, text=True)


def in_turn(path: Path) -> list[str]:
    labels = read(path)[1]
    assert labels is not None
    return [label for label, _ in groupby(labels)]


def test_labels_come_through_a_pipe(recording: Path, tmp_path: Path) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    fast = ("--speed", "5")
    with playing(recording, port, *fast), recorder(port, out, subprocess.PIPE) as process:
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


def test_without_input_there_is_no_label_column(recording: Path, tmp_path: Path) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    with playing(recording, port, "--speed", "max"), recorder(port, out) as process:
        wait_for(lambda: part_rows(out) > 100)
        process.terminate()
    assert read(out)[1] is None


def test_losses_are_noted_at_their_place(recording: Path, tmp_path: Path) -> None:
    out, port, report = tmp_path / "out.csv", tmp_path / "port", tmp_path / "report.json"
    with recorder(port, out) as process:
        faults = ["--fault", "drop:3%", "--report", str(report)]
        edgehar("play", recording, "--link", port, "--speed", "max", *faults)
        process.terminate()
    text = out.read_text()
    noted = [int(found) for found in re.findall(r"\n# (\d+) samples were lost here\n", text)]
    assert sum(noted) == json.loads(report.read_text())["lost"]["drop"] > 0
    t_s = read(out)[0].t_s
    assert len(noted) == np.count_nonzero(np.diff(t_s) > 0.15)


@pytest.mark.parametrize("name", ["out.csv", "my out.csv.gz"])
def test_after_a_crash_the_printed_command_rescues_the_samples(
    recording: Path, tmp_path: Path, name: str
) -> None:
    out, port = tmp_path / name, tmp_path / "port"
    part = out.with_name(f"{name}.part")
    with playing(recording, port, "--speed", "max"):
        with recorder(port, out) as process:
            wait_for(lambda: part.exists() and part.stat().st_size > 2000)
            process.kill()
        with part.open("ab") as cut:
            cut.write(b"" if name.endswith("gz") else b"17.2,0.01,-0.")
        again = edgehar("record", "--source", f"serial:{port}", "--out", out, "--seconds", "1")
    assert again.returncode == 2
    assert f"{name}.part exists, from a recording that" in again.stderr
    assert not out.exists()
    _, _, rescue = again.stderr.strip().partition("incomplete line: ")
    subprocess.run(["sh", "-c", rescue], check=True)
    assert not part.exists()
    (rescued,) = tmp_path.glob("rescued-*.csv")
    ours, theirs = read(rescued)[0], read(recording)[0]
    assert len(ours) >= 9
    np.testing.assert_allclose(ours.acc_g, theirs.acc_g[: len(ours)], atol=0.0001)


def test_a_terminal_prompts_for_labels_and_a_hangup_ends_the_recording(
    recording: Path, tmp_path: Path
) -> None:
    out, port = tmp_path / "out.csv", tmp_path / "port"
    command = ("record", "--source", f"serial:{port}", "--out", out)
    with playing(recording, port), Terminal(PROGRAM[-1], *command, env={}) as terminal:
        wait_for(lambda: part_rows(out) > 0)
        terminal.enter("wal")
        terminal.until("label: none")
        terminal.enter("king\n")
        terminal.until("INFO label: walking\n")
        terminal.until("0 lost, label: walking")
        terminal.hang_up()
        assert terminal.process.wait(10) == 0
    assert in_turn(out) == ["", "walking"]


def part_rows(out: Path) -> int:
    part = out.with_name(f"{out.name}.part")
    return part.read_text().count("\n") if part.exists() else 0
