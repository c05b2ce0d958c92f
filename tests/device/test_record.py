import signal
import subprocess
import time
from pathlib import Path

import numpy as np

from device.cli import PROGRAM
from firmware_bridge.recording import read
from tests.device.commands import edgehar


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
        "record", "--source", f"serial:{tmp_path}/port", "--out", out, "--seconds", "0.2"
    )
    assert done.returncode == 2
    assert "gave no samples" in done.stderr
    assert list(tmp_path.iterdir()) == [out]
    assert out.read_text() == "an earlier one"
