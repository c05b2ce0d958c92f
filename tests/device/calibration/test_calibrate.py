"""`edgehar calibrate` as a user runs it, and what `run` and `classify` make of its file."""

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Samples
from tests.device.commands import edgehar, lines
from tests.device.still_life import UP, positions

OFFSET_G, SCALE, BIAS = (0.06, -0.04, 0.11), (1.03, 0.98, 0.96), (0.05, -0.08, 0.02)


def written(path: Path, samples: Samples) -> Path:
    with RecordingWriter(path) as writer:
        writer.write(samples)
    return path


def loaded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("six") / "six.csv"
    up = [*UP.values(), (1.0, 1.0, 1.0)]
    return written(path, positions(up, offset_g=OFFSET_G, scale=SCALE, bias_rad_s=BIAS))


@pytest.fixture(scope="module")
def calibration(six: Path) -> Path:
    out = six.with_name("wrist.json")
    done = edgehar("calibrate", "--source", f"recording:{six}", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_over_a_line_the_errors_are_found(six: Path, tmp_path: Path) -> None:
    port, out = tmp_path / "port", tmp_path / "wrist.json"
    command = [*PROGRAM, "play", str(six), "--link", str(port), "--speed", "max"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as player:
        done = edgehar("calibrate", "--source", f"serial:{port}", "--out", out)
        player.kill()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("up: taken") == 6
    assert "written to" in done.stdout
    found = loaded(out)
    # Counts on the wire are 0.12 mg and 0.015 deg/s wide.
    np.testing.assert_allclose(found["acc_offset_g"], OFFSET_G, atol=0.002)
    np.testing.assert_allclose(found["acc_scale"], SCALE, atol=0.002)
    np.testing.assert_allclose(found["gyro_bias_rad_s"], BIAS, atol=0.001)
    faces = found["residuals"]["at the six faces"]
    assert faces["before_mg"] > 50
    assert faces["after_mg"] < 2


@pytest.mark.slow
def test_run_and_classify_use_it_alike_and_the_recording_stays_raw(
    recording: Path, calibration: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "edgehar.toml"
    settings.write_text(f'[source]\nuri = "recording:{recording}"\n'
                        f'[calibration]\nfile = "{calibration}"\n')  # fmt: skip
    live = edgehar("run", "--config", settings)
    assert f"calibration {calibration}: of recording:" in live.stderr
    offline = edgehar("classify", recording, "--calibration", calibration)
    assert len(lines(offline.stdout)) > 80
    assert live.stdout == offline.stdout
    assert edgehar("classify", recording).stdout != offline.stdout
    # Put right by hand, the plain recording gives the same.
    raw, right = read(recording)[0], loaded(calibration)
    by_hand = written(
        tmp_path / "right.csv",
        Samples(
            raw.t_s,
            (raw.acc_g - np.array(right["acc_offset_g"])) / np.array(right["acc_scale"]),
            raw.gyro_rad_s - np.array(right["gyro_bias_rad_s"]),
        ),
    )
    assert edgehar("classify", by_hand).stdout == offline.stdout


def test_at_rest_only_the_gyro_is_measured(calibration: Path, tmp_path: Path) -> None:
    rest = written(tmp_path / "rest.csv", positions([UP["+z"]], 12.0, bias_rad_s=(0.1, 0, -0.1)))
    fresh, known = tmp_path / "fresh.json", tmp_path / "known.json"
    known.write_bytes(calibration.read_bytes())
    for out in (fresh, known):
        done = edgehar("calibrate", "--source", f"recording:{rest}", "--out", out, "--rest-only")
        assert done.returncode == 0, done.stderr
        np.testing.assert_allclose(loaded(out)["gyro_bias_rad_s"], (0.1, 0, -0.1), atol=0.0005)
    assert loaded(fresh)["acc_scale"] == [1, 1, 1]
    assert loaded(known)["acc_scale"] == loaded(calibration)["acc_scale"]


def test_too_little_is_refused_and_said(six: Path, tmp_path: Path) -> None:
    half = written(tmp_path / "half.csv", read(six)[0][:1000])
    out = tmp_path / "out.json"
    done = edgehar("calibrate", "--source", f"recording:{half}", "--out", out)
    assert done.returncode == 1
    assert "ended: not seen yet: -y +z -z up" in done.stderr
    done = edgehar("calibrate", "--source", f"recording:{half}", "--out", out, "--rest-only")
    assert done.returncode == 1
    assert "the angular rate varies by" in done.stderr
    assert list(tmp_path.iterdir()) == [half]


@pytest.mark.parametrize(
    ("out", "words"),
    [("none/out.json", "No such file or directory; give another name"), (".", "it is a folder")],
)
def test_where_it_cannot_be_written_is_said_before_the_work(
    six: Path, tmp_path: Path, out: str, words: str
) -> None:
    done = edgehar("calibrate", "--source", f"recording:{six}", "--out", tmp_path / out)
    assert done.returncode == 2
    assert words in done.stderr
    assert "taken" not in done.stderr


@pytest.mark.parametrize("command", ["run", "classify"])
def test_a_bad_file_is_one_line(recording: Path, tmp_path: Path, command: str) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"schema": 1}')
    source = ["--source", f"recording:{recording}"] if command == "run" else [str(recording)]
    done = edgehar(command, *source, "--calibration", bad)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"{bad} is not a usable calibration" in done.stderr
    assert done.stdout == ""


def test_a_terminal_sees_what_is_wanted(six: Path, tmp_path: Path) -> None:
    port = tmp_path / "port"
    play = [*PROGRAM, "play", str(six), "--link", str(port), "--speed", "20"]
    ours, theirs = pty.openpty()
    out = ["--out", str(tmp_path / "wrist.json")]
    with subprocess.Popen(play, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as player:
        with subprocess.Popen(
            [*PROGRAM, "calibrate", "--source", f"serial:{port}", *out], stderr=theirs
        ) as command:
            os.close(theirs)
            seen = b""
            while data := _read(ours):
                seen += data
        assert command.returncode == 0
        player.kill()
    os.close(ours)
    assert b"\r\x1b[Knot seen yet: +x" in seen
    assert b"now: still for" in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""
