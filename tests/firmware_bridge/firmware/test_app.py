"""The firmware's messages and commands, the chips that it finds, and their settings."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.protocol import Code, Command, Hello, Reset, Trouble
from firmware_bridge.simulator.chip import Chip
from tests.firmware_bridge.firmware.core import NUMBERED, Core
from tests.firmware_bridge.simulator.driving import get

BANDWIDTH_HZ = {1: 184, 2: 94, 3: 44, 4: 21, 5: 10, 6: 5}
"""The accelerometer's, by DLPF_CFG (RM-MPU-6000A, 0x1A)."""


def test_hellos_and_statuses_come_at_the_start_and_every_two_seconds(core: Core) -> None:
    core.run(20)
    times = [hello.uptime_us / 1e6 for hello in core.hellos]
    assert len(times) == pytest.approx(11, abs=1)
    assert np.diff(times).max() < 2.2
    assert core.hellos[-1].gyro_full_scale_dps == 1000
    raw = np.frombuffer(core.batches[5].samples, "<i2").reshape(-1, 7)
    assert (raw[:, 5:] == round(90 / 1000 * 32_768)).all()
    assert core.statuses[0].reset == Reset.POWER
    assert all(status.temperature_c == 25.01 for status in core.statuses[2:])
    last = core.statuses[-1]
    assert last.trouble == last.bus_faults == last.overflowed == 0


def test_an_absent_chip_is_reported_and_found_later(core: Core) -> None:
    core.chip.absent = True
    core.run(3)
    assert not core.batches
    assert core.statuses[-1].trouble == Trouble.NO_ANSWER
    assert core.statuses[-1].temperature_c is None
    assert core.hellos[-1].chip == 0
    core.chip.absent = False
    core.run(3)
    assert core.statuses[-1].trouble == core.statuses[-1].chip_restarts == 0
    assert len(core.samples()[0]) > 100


def test_a_chip_at_the_other_address_is_found(library: Path) -> None:
    core = Core(library, Chip(NUMBERED), address=0x69)
    core.run(3)
    assert len(core.samples()[0]) > 100
    assert core.statuses[-1].trouble == 0


def test_a_chip_of_another_family_is_reported(library: Path) -> None:
    class OtherChip(Chip):
        def read(self, count: int, now_us: int, *, continued: bool = False) -> bytes | None:
            answer = super().read(count, now_us, continued=continued)
            return answer and b"\x12" * count

    core = Core(library, OtherChip(NUMBERED))
    core.run(2)
    assert core.statuses[-1].trouble == Trouble.WRONG_CHIP


@pytest.mark.parametrize("rate_mhz", [4_000, 10_000, 25_000, 100_000, 200_000, 500_000, 90_909])
def test_a_rate_that_the_divider_can_make_is_set(core: Core, rate_mhz: int) -> None:
    core.run(1)
    core.send(Command(Code.SET_RATE, rate_mhz))
    core.run(1)
    core.messages.clear()
    core.run(4)
    assert core.hellos[-1].rate_mhz == rate_mhz
    index, time_us, _ = core.samples()
    assert (np.diff(index) == 1).all()
    assert np.diff(time_us) == pytest.approx(1e9 / rate_mhz, abs=1)
    late = 21 if rate_mhz > 15_000 else 1  # two batches of ten, or one by one
    assert len(index) == pytest.approx(4 * rate_mhz / 1000, abs=late)
    assert core.statuses[-1].overflowed == 0
    core.silence_bus(0.07 + 2000 / rate_mhz)
    core.run(2)
    _, time_us, shown = core.samples()
    assert (np.diff(shown) == 1).all()
    assert np.diff(time_us) == pytest.approx(1e9 / rate_mhz, abs=1)


@given(rate_mhz=st.integers(0, 0xFFFFFFFF))
def test_any_other_rate_is_ignored(library: Path, rate_mhz: int) -> None:
    core = Core(library, Chip(NUMBERED))
    core.send(Command(Code.SET_RATE, rate_mhz))
    core.run(0.5)
    possible = {round(1e6 / parts) for parts in range(2, 257)}
    assert core.hellos[-1].rate_mhz == (rate_mhz if rate_mhz in possible else 50_000)


@pytest.mark.parametrize("who", [0x68, 0x71])
@pytest.mark.parametrize("rate_hz", [5, 8, 20, 25, 40, 50, 100, 125, 200, 250, 500])
def test_the_low_pass_is_the_widest_below_half_the_rate(
    library: Path, who: int, rate_hz: int
) -> None:
    core = Core(library, Chip(NUMBERED, who_am_i=who))
    core.send(Command(Code.SET_RATE, rate_hz * 1000))
    core.run(0.5)
    registers = get(core.chip, 0x1A, core.now_us, 4)
    widest = min((cfg for cfg, hz in BANDWIDTH_HZ.items() if hz <= rate_hz / 2), default=6)
    assert registers[0] == widest
    assert registers[3] == (widest if who == 0x71 else 0)  # ACCEL_CONFIG2


def test_a_stopped_stream_sends_its_rest_and_waits_for_start(core: Core) -> None:
    core.run(3.05)
    core.send(Command(Code.STOP))
    core.run(0.2)
    index, _, shown = core.samples()
    assert (index == shown).all()
    assert core.hellos[-1].index == core.interrupts == index[-1] + 1
    core.messages.clear()
    core.run(6)
    assert not core.messages
    core.send(Command(Code.HELLO))
    core.run(0.1)
    assert isinstance(core.messages[0], Hello)
    core.send(Command(Code.START))
    core.run(2)
    assert core.samples()[0][0] == index[-1] + 1
    assert core.statuses[-1].chip_restarts == 0
