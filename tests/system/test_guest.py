"""The arm64 guest with Debian's kernel and systemd, edgehar's wheel, sensors at real device files.

Each test puts a new chip on the bus, or plays to the serial port. The chip runs in real time.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.model.bundle import load, locate
from device.sources.mpu import sample_bytes
from device.sources.mpu.bringup import ACC_FULL_SCALE_G, GYRO_FULL_SCALE_DPS
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Float64, Samples
from firmware_bridge.simulator import feed
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import Int64
from firmware_bridge.simulator.noise import Noise
from firmware_bridge.simulator.wearer import Wearer
from tests.device.commands import edgehar, lines
from tests.system.guest import Guest, wait_until

pytestmark = pytest.mark.system

I2C = "i2c:0:0x68"
MEMORY_MB = 60
"""The daemon's budget."""
WORN = Wearer(seed=6).samples([("walking", 25.0), ("sitting", 12.0), ("walking_upstairs", 14.0)])[0]
NOISE = Noise(acc_g=0.002, gyro_dps=0.05)
Put = Callable[..., Chip]
"""The fixture `put`: takes a feed and optional noise."""


def test_decisions_from_a_chip_are_those_made_here(guest: Guest, put: Put, tmp_path: Path) -> None:
    """The samples are bit-identical; their times come from the estimate of the chip's clock.

    This shifts the time grid by a millisecond or two, and a probability by about 0.05.
    """
    table = feed.values(WORN)
    quantised = sample_bytes.samples(
        WORN.t_s, feed.counts(table, ACC_FULL_SCALE_G, GYRO_FULL_SCALE_DPS), lost=0
    )
    here = classified(quantised, tmp_path / "quantised.csv")
    put(feed.by_index(table))
    guest.start(I2C, "wrist")
    # The last decision here ends with the recording; in the guest the chip continues.
    wait_until(lambda: len(guest.decisions()) >= len(here), "the whole recording", 90)
    memory_mb = guest.memory_mb()
    source = guest.stop()["source"]
    assert source["samples"] >= len(WORN)
    assert not any(count for name, count in source.items() if name != "samples"), source
    assert memory_mb < MEMORY_MB
    agree(guest.decisions(), here[:-1], tolerance=0.15)


def test_decisions_from_a_serial_port_are_those_made_here(guest: Guest, tmp_path: Path) -> None:
    recording, sent = tmp_path / "worn.csv", tmp_path / "sent.csv"
    with RecordingWriter(recording) as writer:
        writer.write(WORN)
    guest.start("serial:/dev/ttyUSB0", "wrist")
    wait_until(lambda: "ready" in guest.log(), "ready", 30)
    port = ("--port", guest.serial_port, "--save", sent, "--speed", "4")
    played = edgehar("play", recording, *port)
    assert played.returncode == 0, played.stderr
    here = classified(read(sent)[0], tmp_path / "again.csv")
    wait_until(lambda: len(guest.decisions()) >= len(here) - 1, "the whole recording", 30)
    source = guest.stop()["source"]
    assert (source["samples"], source["lost"]) == (len(WORN), 0)
    agree(guest.decisions(), here[:-1], tolerance=0.05)


def test_the_doctor_on_a_board(guest: Guest, put: Put) -> None:
    """With a sensor that lies still and is then turned, and without a sensor."""

    def turned(index: Int64, t_s: Float64) -> Float64:
        still, turning = feed.still(index, t_s), feed.turning(40.0)(index, t_s - 5)
        return np.where((t_s < 5)[:, None], still, turning)

    chip = put(turned, NOISE)
    code, findings = examine(guest, 10)
    failed = [name for name, (level, _) in findings.items() if level == "fail"]
    assert (code, failed) == (0, [])
    assert all(findings[name][0] == "ok" for name in ("bus", "identity", "rate", "jitter", "lost"))
    assert "axes and signs are right" in findings["gyro and acc agree"][1]
    chip.absent = True
    code, findings = examine(guest, 2)
    assert code == 1
    assert findings["samples"][0] == "fail"


def examine(guest: Guest, seconds: int) -> tuple[int, dict[str, tuple[str, str]]]:
    code, page = guest.ask(f"edgehar doctor --source {I2C} --seconds {seconds} --json", 60)
    print(page)
    return code, {f["name"]: (f["level"], f["text"]) for f in json.loads(page)["findings"]}


def classified(samples: Samples, path: Path) -> list[dict[str, Any]]:
    with RecordingWriter(path) as writer:
        writer.write(samples)
    return lines(edgehar("classify", path, "--model", "wrist").stdout)


def agree(there: list[dict[str, Any]], here: list[dict[str, Any]], tolerance: float) -> None:
    """Compare the guest's decisions with those made here.

    Near the threshold of `unknown`, within 0.05, states may differ.
    """
    threshold = load(locate("wrist")).decision.unknown_threshold
    clear = [abs((one["confidence"] or 0) - threshold) > 0.05 for one in here]
    assert len(here) > 25
    assert np.mean(clear) > 0.7
    assert len({one["activity"] for one in here}) > 1
    assert len(there) >= len(here)
    for far, near, certain in zip(there, here, clear, strict=False):
        if certain:
            keys = ("state", "activity", "lost", "model")
            assert [far[key] for key in keys] == [near[key] for key in keys]
        assert far["end_s"] - there[0]["start_s"] == pytest.approx(near["end_s"], abs=1e-5)
        for label, share in (near["probabilities"] or {}).items():
            assert far["probabilities"][label] == pytest.approx(share, abs=tolerance)
