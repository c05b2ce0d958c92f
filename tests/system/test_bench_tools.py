"""Doctor and calibrate with the flashed firmware, in a simulated ATmega328P."""

import json
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.samples import Samples
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import by_time, values
from firmware_bridge.simulator.noise import Noise
from tests.device.commands import edgehar
from tests.device.still_life import ACC_NOISE_G, RATE_HZ, UP, handled, positions
from tests.stand_ins.firmware import Image, Simulation
from tests.waiting import wait_for

pytestmark = pytest.mark.system


def simulated(avr: Image, moved: Samples, link: Path, seconds: float, *options: str) -> Simulation:
    chip = Chip(by_time(values(moved), RATE_HZ), noise=Noise(ACC_NOISE_G, 0.08), ppm=3000)
    return Simulation(avr, chip, link, seconds, *options)


def test_a_sound_sensor_is_found_sound(avr: Image, link: Path) -> None:
    with simulated(avr, handled(rest_s=7), link, 60, "--pace", "1", "--patient"):
        wait_for(link.is_symlink, "the simulator's port")
        done = edgehar("doctor", "--source", f"serial:{link}", "--seconds", "16", "--json")
    assert done.returncode == 0, done.stdout
    findings = {one["name"]: one for one in json.loads(done.stdout)["findings"]}
    for name in ("rate", "jitter", "lost", "line", "clock", "gravity", "gyro and acc agree"):
        assert findings[name]["level"] == "ok", findings[name]
    assert "chip 0x68" in findings["identity"]["text"]


def test_six_faces_through_the_firmware(avr: Image, link: Path, tmp_path: Path) -> None:
    offset, scale, bias = (0.04, -0.06, 0.1), (1.03, 0.96, 0.97), (0.05, -0.09, 0.01)
    laid = positions(list(UP.values()), offset_g=offset, scale=scale, bias_rad_s=bias, noise=0.0)
    out = tmp_path / "wrist.json"
    with simulated(avr, laid, link, 90, "--patient"):
        wait_for(link.is_symlink, "the simulator's port")
        done = edgehar("calibrate", "--source", f"serial:{link}", "--out", out)
    assert done.returncode == 0, done.stderr
    calibration = json.loads(out.read_text())
    np.testing.assert_allclose(calibration["acc_offset_g"], offset, atol=0.003)
    np.testing.assert_allclose(calibration["acc_scale"], scale, atol=0.003)
    np.testing.assert_allclose(calibration["gyro_bias_rad_s"], bias, atol=0.001)
    assert calibration["temperature_c"] == pytest.approx(25, abs=0.5)
