"""Findings on samples, counts and facts about devices."""

import itertools
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device.doctor import board, motion, ports, sensor, stream
from device.doctor.agreement import AXES
from device.doctor.finding import Finding, exit_code
from device.doctor.measure import Heard
from firmware_bridge.samples import Samples
from tests.device.still_life import UP, handled, positions
from train.datasets import wrist
from train.datasets.wrist import recordings


def named(findings: list[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def test_a_good_sensor_is_ok_in_everything() -> None:
    samples = handled()
    findings = [*motion.at_rest(samples), motion.together(samples), *stream.timing(samples, 50.0)]
    assert {finding.level for finding in findings} == {"ok"}
    assert "-z, tilted by" in named(findings, "which way is down").text
    assert exit_code(findings) == 0


@pytest.mark.parametrize(
    ("spoil", "name", "level", "words"),
    [
        (lambda s: replace(s, acc_g=1.1 * s.acc_g), "gravity", "warn", "should be 1"),
        (lambda s: replace(s, acc_g=s.acc_g * 2), "gravity", "fail", "reads 2.00 g"),
        (lambda s: replace(s, acc_g=s.acc_g / 2), "gravity", "fail", "0.5"),
        (lambda s: replace(s, gyro_rad_s=s.gyro_rad_s + 0.1), "gyro at rest", "warn", "+5.7"),
        (lambda s: replace(s, gyro_rad_s=s.gyro_rad_s * [1, 0, 1]), "stuck", "fail", "gyro y"),
        (lambda s: replace(s, acc_g=s.acc_g * [1, 1, 1] + 0.017 * np.sin(1e3 * s.t_s)[:, None]),
         "noise", "warn", "mg"),
        (lambda s: replace(s, acc_g=s.acc_g * 0, gyro_rad_s=s.gyro_rad_s * 0), "gravity", "fail",
         "never change"),
    ],
)  # fmt: skip
def test_faults_at_rest_are_found(spoil: Any, name: str, level: str, words: str) -> None:
    finding = named(motion.at_rest(spoil(handled())), name)
    assert finding.level == level
    assert words in finding.text
    assert finding.advice


def test_without_rest_the_check_is_skipped() -> None:
    (finding,) = motion.at_rest(handled(rest_s=0))
    assert finding.level == "skipped"
    assert "lay the sensor down" in finding.advice


@given(st.integers(1, 47), st.integers(0, 100))
@example(7, 0)  # the wrong way about all three axes
@settings(max_examples=10)
def test_wrong_gyro_axes_are_named(wrong: int, seed: int) -> None:
    samples = handled(seed=seed)
    mixed = replace(samples, gyro_rad_s=samples.gyro_rad_s @ AXES[wrong].T)
    finding = motion.together(mixed)
    assert finding.level == "fail"
    # A correction as the finding says makes it right.
    mended = np.zeros_like(mixed.gyro_rad_s)
    said = {"x": "x", "y": "y", "z": "z"}
    if "all three" in finding.text:
        said = {axis: f"-{axis}" for axis in "xyz"}
    else:
        for part in finding.text.removeprefix("no: ").split(", "):
            real, calls = part.split(" is what the gyro calls ")
            said[real] = calls
    for axis, calls in said.items():
        sign = -1 if calls.startswith("-") else 1
        mended[:, "xyz".index(axis)] = sign * mixed.gyro_rad_s[:, "xyz".index(calls[-1])]
    assert motion.together(replace(mixed, gyro_rad_s=mended)).level == "ok"


@pytest.mark.parametrize(("factor", "level"), [(0.5, "fail"), (2.0, "fail"), (1.2, "warn")])
def test_a_wrong_gyro_scale_is_measured(factor: float, level: str) -> None:
    samples = handled()
    finding = motion.together(replace(samples, gyro_rad_s=samples.gyro_rad_s * factor))
    assert finding.level == level
    said = float(finding.text.split()[2])
    assert said == pytest.approx(factor, rel=0.03)


@pytest.mark.slow
def test_the_real_sensor_whose_publisher_inverted_its_gyro(data_dir: Path) -> None:
    pieces = recordings(wrist.load("mpu6050", data_dir).pieces).values()
    turned = (samples for samples in pieces if motion.together(samples).level != "skipped")
    first_two = list(itertools.islice(turned, 2))
    assert first_two
    for samples in first_two:
        assert motion.together(samples).level in {"ok", "warn"}
        published = motion.together(replace(samples, gyro_rad_s=-samples.gyro_rad_s))
        assert published.level == "fail"
        assert "the gyro turns the wrong way about all three axes" in published.text


def test_an_axis_without_a_turn_is_not_judged() -> None:
    t_s = np.arange(0, 30, 0.02)
    angle, rate, zero = np.sin(t_s), np.cos(t_s), 0 * t_s
    acc_g = np.stack([np.sin(angle), zero, np.cos(angle)], axis=1)
    finding = motion.together(Samples(t_s, acc_g, np.stack([zero, -rate, zero], axis=1)))
    assert finding.level == "warn"
    assert "hardly turned about x, z" in finding.text


def test_bias_and_offset_are_no_disagreement() -> None:
    samples = handled()
    off = replace(samples, acc_g=samples.acc_g + 0.05, gyro_rad_s=samples.gyro_rad_s + 0.15)
    assert motion.together(off).level == "ok"


def test_too_little_or_too_fast_movement_is_not_judged() -> None:
    assert motion.together(positions([UP["+z"]])).level == "skipped"
    samples = handled(rest_s=0)
    shaken = samples.acc_g + 1.0 * np.sin(40 * samples.t_s)[:, None]
    assert motion.together(replace(samples, acc_g=shaken)).level == "skipped"
    nodding = replace(samples, acc_g=np.roll(samples.acc_g, 200, axis=0))
    assert motion.together(nodding).level == "warn"


@pytest.mark.parametrize(
    ("rate_hz", "nominal_hz", "level"),
    [(50.0, 50.0, "ok"), (51.0, 50.0, "ok"), (52.5, 50.0, "warn"), (100.0, 50.0, "fail"),
     (5.0, None, "fail"), (104.0, None, "ok")],
)  # fmt: skip
def test_the_rate_is_compared_with_the_devices_own(
    rate_hz: float, nominal_hz: float | None, level: str
) -> None:
    still = positions([UP["+z"]])
    finding = stream.timing(replace(still, t_s=np.arange(len(still)) / rate_hz), nominal_hz)[0]
    assert finding.level == level
    assert f"{rate_hz:.2f} Hz" in finding.text


def test_jitter_is_found_and_losses_are_not_jitter() -> None:
    random = np.random.default_rng(0)
    still = positions([UP["+z"]], 20.0)
    uneven = replace(still, t_s=still.t_s + random.uniform(0, 0.015, len(still)))
    assert stream.timing(uneven, 50.0)[1].level == "warn"
    kept = random.random(len(still)) > 0.2
    holes = Samples(still.t_s[kept], still.acc_g[kept], still.gyro_rad_s[kept])
    rate, jitter = stream.timing(holes, 50.0)
    assert (rate.level, jitter.level) == ("ok", "ok")
    assert stream.timing(still[:5], 50.0)[0].level == "skipped"


@pytest.mark.parametrize(
    ("counts", "levels"),
    [
        ({"lost": 0, "frames": 100}, ["ok", "ok"]),
        ({"lost": 3, "frames": 100, "frames_bad_crc": 1}, ["warn", "warn"]),
        ({"lost": 200, "frames": 80, "frames_lost": 20, "reboots": 1}, ["fail", "warn", "warn"]),
        ({"lost": 0, "frames": 9, "overflowed": 4, "bus_faults": 1}, ["ok", "ok", "warn"]),
        ({"lost": 10, "before_hello": 10, "frames": 100}, ["ok", "ok"]),
        ({"lost": 0, "bus_errors": 0}, ["ok", "ok"]),
        ({"lost": 0, "bus_errors": 7, "restarts": 1}, ["ok", "warn"]),
    ],
)
def test_losses_are_judged(counts: dict[str, int], levels: list[str]) -> None:
    findings = stream.losses(counts, 1000)
    assert [finding.level for finding in findings] == levels
    assert all(finding.advice for finding in findings if finding.level != "ok")


def test_headroom_of_the_fifo() -> None:
    assert stream.fifo({"overflows": 0}, 13, 85).level == "ok"
    assert stream.fifo({"overflows": 0}, 70, 85).level == "warn"
    assert stream.fifo({"overflows": 1}, 13, 85).level == "warn"


@given(st.floats(-0.08, 0.08), st.lists(st.floats(0, 0.02), min_size=5, max_size=50))
@settings(max_examples=20)
def test_clock_drift_is_within_its_stated_error(off: float, late: list[float]) -> None:
    device_s = 100 + np.arange(0, 30, 0.2)
    host_s = 5000 + device_s / (1 + off) + np.resize(late, len(device_s))
    finding = stream.drift(list(zip(device_s.tolist(), host_s.tolist(), strict=True)))
    measured, sure = map(int, re.findall(r"[-+]?\d+", finding.text))
    # A pattern of delays that repeats can look like drift.
    assert measured == pytest.approx(1e6 * off, abs=4 * sure)
    assert finding.level == ("ok" if abs(off) < 0.01 else "warn") or abs(abs(off) - 0.01) < 0.001


def facts(**changes: Any) -> ports.Facts:
    good = ports.Facts("/dev/ttyUSB0", "", True, "dialout", True, True)
    return replace(good, **changes)


@pytest.mark.parametrize(
    ("changes", "level", "words", "advice"),
    [
        ({}, "ok", "permission", ""),
        ({"problem": "not there"}, "fail", "not there", "plug it in"),
        ({"problem": "not there", "others": ("/dev/a",)}, "fail", "", "there is /dev/a; or"),
        ({"path": "/dev/i2c-1", "problem": "not there"}, "fail", "/dev/i2c-1", "raspi-config"),
        ({"permitted": False, "member": False, "entered": False}, "fail", "dialout", "usermod -aG"),
        ({"permitted": False, "member": False}, "fail", "no permission", "after your last login"),
        ({"users": ("minicom (12)",)}, "warn", "open in minicom (12)", "stop that program"),
    ],
)  # fmt: skip
def test_an_unusable_port_gets_reason_and_advice(
    changes: dict[str, Any], level: str, words: str, advice: str
) -> None:
    finding = ports.judge(facts(**changes))
    assert finding.level == level
    assert words in finding.text
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("systemctl", "level"),
    [
        (None, "skipped"),
        ("exit 1", "skipped"),
        ("echo nonsense", "skipped"),
        ("echo LoadState=loaded; echo ActiveState=active; echo SubState=running", "ok"),
        ("echo LoadState=loaded; echo ActiveState=failed; echo NRestarts=5", "fail"),
        ("echo LoadState=loaded; echo ActiveState=inactive", "warn"),
        ("echo LoadState=not-found; echo ActiveState=inactive", "skipped"),
    ],
)
def test_the_service_as_systemd_sees_it(
    systemctl: str | None, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if systemctl is not None:
        (tmp_path / "systemctl").write_text(f"#!/bin/sh\n{systemctl}\n")
        (tmp_path / "systemctl").chmod(0o755)
    finding = board.service()
    assert finding.level == level
    assert (finding.text == "no systemd here") == (systemctl in {None, "exit 1", "echo nonsense"})
    assert finding.advice or level in {"ok", "skipped"}


def test_silence_gives_the_sources_reason() -> None:
    empty = handled()[:0]
    (finding,) = sensor.findings(
        Heard("i2c:1:0x68", empty, warnings=["i2c:1:0x68: nothing answers at 0x68"])
    )
    assert finding.level == "fail"
    assert finding.advice == "nothing answers at 0x68"


def test_every_kind_of_source_is_judged() -> None:
    for kind, count in itertools.product(("serial:a", "i2c:1:0x68", "recording:b"), (1, 9, 1000)):
        samples = handled()[:count]
        heard = Heard(kind, samples, arrivals=[(0.0, 0.0)], nominal_hz=50.0)
        findings = sensor.findings(heard)
        assert len({finding.name for finding in findings}) == len(findings)
        assert exit_code(findings) == 0


@pytest.mark.parametrize(("free", "level"), [(9e6, "fail"), (1e8, "warn"), (3e9, "ok")])
def test_a_nearly_full_disk_is_found(
    free: float, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=int(free))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    writable, room = board.folder(tmp_path, "state folder")
    assert (writable.level, room.level) == ("ok", level)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_a_finding(tmp_path: Path) -> None:
    (finding,) = board.folder(tmp_path / "none", "state folder")
    assert finding.level == "fail"
    assert finding.advice == "create that folder"
