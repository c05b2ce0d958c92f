"""`edgehar calibrate` as a process, and its file in `run` and `classify`."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.bench.processes import running
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


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


@contextmanager
def played(path: Path, port: Path, speed: str) -> Iterator[str]:
    """Play a recording; yield the source to read it."""
    with running([*PROGRAM, "play", path, "--link", port, "--speed", speed]):
        yield f"serial:{port}"


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


def test_the_errors_are_measured_over_a_serial_line(six: Path, tmp_path: Path) -> None:
    out = tmp_path / "wrist.json"
    with played(six, tmp_path / "port", "max") as source:
        done = edgehar("calibrate", "--source", source, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("up: taken") == 6
    assert "written to" in done.stdout
    measured = loaded(out)
    # The LSB on the wire is 0.12 mg and 0.015 deg/s.
    np.testing.assert_allclose(measured["acc_offset_g"], OFFSET_G, atol=0.002)
    np.testing.assert_allclose(measured["acc_scale"], SCALE, atol=0.002)
    np.testing.assert_allclose(measured["gyro_bias_rad_s"], BIAS, atol=0.001)
    faces = measured["residuals"]["at the six faces"]
    assert faces["before_mg"] > 50
    assert faces["after_mg"] < 2


@pytest.mark.slow
def test_run_and_classify_give_the_same_results_with_a_calibration(
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
    # A recording that is corrected here gives the same.
    raw, errors = read(recording)[0], loaded(calibration)
    acc_g = (raw.acc_g - np.array(errors["acc_offset_g"])) / np.array(errors["acc_scale"])
    corrected = Samples(raw.t_s, acc_g, raw.gyro_rad_s - np.array(errors["gyro_bias_rad_s"]))
    by_hand = written(tmp_path / "corrected.csv", corrected)
    assert edgehar("classify", by_hand).stdout == offline.stdout


def test_rest_only_measures_only_the_gyroscope(calibration: Path, tmp_path: Path) -> None:
    rest = written(tmp_path / "rest.csv", positions([UP["+z"]], 12.0, bias_rad_s=(0.1, 0, -0.1)))
    fresh, known = tmp_path / "fresh.json", tmp_path / "known.json"
    known.write_bytes(calibration.read_bytes())
    for out in (fresh, known):
        done = edgehar("calibrate", "--source", f"recording:{rest}", "--out", out, "--rest-only")
        assert done.returncode == 0, done.stderr
        np.testing.assert_allclose(loaded(out)["gyro_bias_rad_s"], (0.1, 0, -0.1), atol=0.0005)
    assert loaded(fresh)["acc_scale"] == [1, 1, 1]
    assert loaded(known)["acc_scale"] == loaded(calibration)["acc_scale"]


def test_too_short_a_recording_is_refused(six: Path, tmp_path: Path) -> None:
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
def test_an_unwritable_file_is_refused_before_the_measurement(
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


def test_a_terminal_shows_the_missing_faces(six: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with played(six, tmp_path / "port", "20") as source:
        command = [*PROGRAM, "calibrate", "--source", source, "--out", str(tmp_path / "wrist.json")]
        with subprocess.Popen(command, stderr=theirs) as process:
            os.close(theirs)
            seen = b""
            while data := _read(ours):
                seen += data
        assert process.returncode == 0
    os.close(ours)
    assert b"\r\x1b[Knot seen yet: +x" in seen
    assert b"now: still for" in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""
