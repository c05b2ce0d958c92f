"""`calibrate` and `doctor` on a chip model, through unmodified smbus2 and an emulated bus."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.cli import PROGRAM
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import by_time, values
from firmware_bridge.simulator.noise import Noise
from firmware_bridge.simulator.shim import I2cShim
from tests.device.still_life import ACC_NOISE_G, RATE_HZ, UP, handled, positions

pytestmark = pytest.mark.slow
SOURCE = ("--source", "i2c:1:0x68")


@contextmanager
def wired(samples: Samples, **chip: Any) -> Iterator[tuple[Bus, dict[str, str]]]:
    if not shutil.which("cc"):
        pytest.skip("no C compiler (Debian packages gcc and libc6-dev)")
    noise = Noise(ACC_NOISE_G, 0.08)
    bus = Bus({0x68: Chip(by_time(values(samples), RATE_HZ), noise=noise, **chip)})
    with I2cShim(bus) as shim:
        yield bus, os.environ | shim.environment


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, timeout=120
    )


def examined(env: dict[str, str], *, seconds: str, code: int) -> dict[str, dict[str, str]]:
    done = run("doctor", *SOURCE, "--seconds", seconds, "--json", env=env)
    assert done.returncode == code, done.stdout + done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["findings"]}


def test_six_faces_of_a_chip_give_its_errors(tmp_path: Path) -> None:
    offset, scale, bias = (0.05, -0.07, 0.12), (1.04, 0.97, 0.95), (0.06, -0.1, 0.02)
    laid = positions(list(UP.values()), offset_g=offset, scale=scale, bias_rad_s=bias, noise=0.0)
    out = tmp_path / "chip.json"
    with wired(laid, ppm=5000) as (_, env):
        done = run("calibrate", *SOURCE, "--out", str(out), env=env)
    assert done.returncode == 0, done.stderr
    measured = json.loads(out.read_text())
    np.testing.assert_allclose(measured["acc_offset_g"], offset, atol=0.003)
    np.testing.assert_allclose(measured["acc_scale"], scale, atol=0.003)
    np.testing.assert_allclose(measured["gyro_bias_rad_s"], bias, atol=0.001)
    assert measured["temperature_c"] == pytest.approx(25, abs=0.1)
    assert measured["residuals"]["at the six faces"]["after_mg"] < 2


def test_a_good_chip_passes() -> None:
    with wired(handled(rest_s=5)) as (_, env):
        findings = examined(env, seconds="15", code=0)
    assert "MPU-6050 (WHO_AM_I 0x68)" in findings["identity"]["text"]
    assert "of 85 samples" in findings["fifo"]["text"]
    checks = ("bus", "bus errors", "rate", "jitter", "lost", "fifo", "gravity")
    for name in (*checks, "gyro and acc agree"):
        assert findings[name]["level"] == "ok", findings[name]
    assert findings["temperature"]["text"] == "25 C"


def test_a_fast_chip_on_an_unreliable_bus() -> None:
    with wired(handled(), ppm=45_000) as (bus, env):
        bus.nack_share = 0.02
        findings = examined(env, seconds="6", code=0)
    assert findings["rate"]["level"] == "warn"
    assert "(+4.5%)" in findings["rate"]["text"]
    assert "bus errors" in findings["bus errors"]["text"]


def test_no_chip() -> None:
    with wired(handled()) as (bus, env):
        bus.chips[0x68].absent = True
        absent = examined(env, seconds="2", code=1)["samples"]
    assert "nothing answers at 0x68" in absent["advice"]


def test_a_stuck_axis() -> None:
    with wired(handled(rest_s=20)) as (bus, env):
        bus.chips[0x68].stuck = {4: 17}
        findings = examined(env, seconds="6", code=1)
    assert "gyro y" in findings["stuck"]["text"]
