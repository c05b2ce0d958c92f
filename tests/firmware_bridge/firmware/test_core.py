"""The firmware's core on this machine: samples against what the chip took, whatever happens."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from firmware_bridge.framing import seal
from firmware_bridge.protocol import (
    SAMPLE,
    Batch,
    Code,
    Command,
    Hello,
    Reset,
    Status,
    Trouble,
    pack,
)
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import by_index
from tests.firmware_bridge.firmware.core import BYTE_US, Core

Int64 = NDArray[np.int64]

PERIOD_US = 20_000
WATCHDOG_US = 500_000
_NUMBERS = np.arange(65_536)
NUMBERED = by_index(
    np.column_stack(
        [(_NUMBERS - 32_768) / 8192, *np.zeros((3, 65_536)), *np.ones((2, 65_536)) * 90.0]
    )
)
"""Each sample shows its index in its first count."""


def batches(core: Core) -> list[Batch]:
    return [message for message in core.messages if isinstance(message, Batch)]


def statuses(core: Core) -> list[Status]:
    return [message for message in core.messages if isinstance(message, Status)]


def hellos(core: Core) -> list[Hello]:
    return [message for message in core.messages if isinstance(message, Hello)]


def samples(core: Core) -> tuple[Int64, Int64, Int64]:
    """Return each sample's index on the wire, its time in µs, and its index in the chip."""
    index, time_us, shown = [], [], []
    for batch in batches(core):
        raw = np.frombuffer(batch.samples, SAMPLE)
        index.append(batch.index + np.arange(len(raw)))
        time_us.append(batch.time_us + np.cumsum(raw["dt_us"], dtype=np.int64))
        shown.append(raw["acc"][:, 0].astype(np.int64) + 32_768)
    return np.concatenate(index), np.concatenate(time_us), np.concatenate(shown)


def command(code: Code, argument: int = 0) -> bytes:
    return seal(pack(Command(code, argument)))


def test_every_sample_comes_as_the_chip_took_it(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(20)
    index, time_us, shown = samples(core)
    assert len(index) == pytest.approx(20 * 50, abs=25)
    assert (index == shown).all()
    assert (np.diff(index) == 1).all()
    assert (np.diff(time_us) == PERIOD_US).all()
    raw = np.frombuffer(batches(core)[5].samples, SAMPLE)
    assert (raw["gyro"][:, 1:] == round(90 / 1000 * 32_768)).all()  # ±1000 degrees/s
    assert hellos(core)[-1].gyro_full_scale_dps == 1000
    assert statuses(core)[-1].trouble == 0
    assert statuses(core)[-1].bus_faults == statuses(core)[-1].overflowed == 0


def test_it_greets_at_the_start_and_every_two_seconds(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(20)
    times = [hello.uptime_us / 1e6 for hello in hellos(core)]
    assert len(times) == pytest.approx(11, abs=1)
    assert np.diff(times).max() < 2.2
    assert all(status.temperature_c == 25.01 for status in statuses(core)[2:])
    assert statuses(core)[0].reset == Reset.POWER


FAULTS: dict[str, Callable[[Core, float], None]] = {}


def fault(act: Callable[[Core, float], None]) -> Callable[[Core, float], None]:
    FAULTS[act.__name__] = act
    return act


@fault
def nothing(core: Core, seconds: float) -> None:
    core.run(seconds)


@fault
def silent_bus(core: Core, seconds: float) -> None:
    core.chip.nack_until_us = core.now_us + round(seconds * 1e6)
    core.run(seconds)


@fault
def cut_reads(core: Core, seconds: float) -> None:
    core.cut = lambda count: core.now_us % (count + 1) if core.now_us % 7 < 2 else None
    core.run(seconds)
    core.cut = lambda _: None


@fault
def slow_bus(core: Core, seconds: float) -> None:
    core.byte_us = 9_000
    core.run(seconds)
    core.byte_us = BYTE_US


@fault
def held_bus(core: Core, seconds: float) -> None:
    core.chip.sda_low_clocks = 7
    core.run(seconds)


@fault
def hello_asked(core: Core, seconds: float) -> None:
    core.tell(command(Code.HELLO))
    core.run(seconds)


GENTLE = sorted(FAULTS)
"""Through these the chip keeps its settings, and every interrupt comes."""


@settings(max_examples=20, deadline=None)
@given(
    plan=st.lists(st.tuples(st.sampled_from(GENTLE), st.floats(0.01, 4)), max_size=6),
    who=st.sampled_from([0x68, 0x70, 0x71]),
    ppm=st.floats(-20_000, 20_000),
)
def test_every_sample_is_sent_once_or_counted_lost(
    library: Path, plan: list[tuple[str, float]], who: int, ppm: float
) -> None:
    core = Core(library, Chip(NUMBERED, who_am_i=who, ppm=ppm))
    core.run(0.5)
    for name, seconds in plan:
        FAULTS[name](core, seconds)
    core.run(4.5)
    index, time_us, shown = samples(core)
    # As long as the chip keeps its supply and INT is wired, nothing is miscounted or misdated.
    assert (index == shown).all()
    assert (np.diff(index) > 0).all()
    period_us = PERIOD_US / (1 + ppm * 1e-6)
    assert np.diff(time_us) == pytest.approx(np.diff(index) * period_us, abs=2)
    status = statuses(core)[-1]
    assert status.trouble == status.chip_restarts == 0
    missing = int(index[-1] - index[0]) + 1 - len(index)
    assert status.overflowed == missing
    assert core.decoder.counts.lost == core.decoder.counts.bad_crc == 0


@fault
def brown_out(core: Core, seconds: float) -> None:
    core.chip.brown_out(core.now_us)
    core.run(seconds)


@fault
def absent(core: Core, seconds: float) -> None:
    core.chip.absent = True
    core.run(seconds)
    core.chip.absent = False


@fault
def wire_off(core: Core, seconds: float) -> None:
    core.int_wired = False
    core.run(seconds)
    core.int_wired = True


@fault
def flipped_setting(core: Core, seconds: float) -> None:
    register = (0x19, 0x1A, 0x1B, 0x1C, 0x23, 0x37, 0x38, 0x6B)[core.now_us % 8]
    core.chip.write(bytes([register, 0x10]), core.now_us)
    core.run(seconds)


@fault
def commands(core: Core, seconds: float) -> None:
    rate_mhz = (50_000, 10_000, 200_000, 4_000)[core.now_us % 4]
    told = ((Code.SET_RATE, rate_mhz), (Code.STOP, 0), (Code.START, 0))[core.now_us % 3]
    core.tell(command(*told))
    core.run(seconds)


@settings(max_examples=25, deadline=None)
@given(
    plan=st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.floats(0.001, 3)), max_size=8),
    int_wired=st.booleans(),
)
def test_whatever_happens_it_is_well_again_and_its_counts_agree(
    library: Path, plan: list[tuple[str, float]], int_wired: bool
) -> None:
    core = Core(library, Chip(NUMBERED), int_wired=int_wired)
    core.run(0.5)
    for name, seconds in plan:
        FAULTS[name](core, seconds)
    core.tell(command(Code.START) + command(Code.SET_RATE, 50_000))
    core.run(7)
    at = len(batches(core))
    core.run(3)
    assert sum(map(len, batches(core)[at:])) == pytest.approx(150, abs=12)
    index, _, _ = samples(core)
    assert (np.diff(index) > 0).all()
    status = statuses(core)[-1]
    assert status.trouble in {0, Trouble.NO_INTERRUPT}
    assert core.longest_us < WATCHDOG_US / 2
    assert status.overflowed == int(index[-1]) + 1 - len(index)
    assert core.decoder.counts.lost == core.decoder.counts.bad_crc == 0


def test_an_overflow_loses_samples_whole_and_counts_them(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(3)
    silent_bus(core, 5)
    core.run(5)
    index, _, shown = samples(core)
    assert (index == shown).all()
    (gap,) = np.flatnonzero(np.diff(index) > 1)
    lost = int(np.diff(index)[gap]) - 1
    assert lost == pytest.approx(5 * 50, abs=15)
    assert statuses(core)[-1].overflowed == lost
    during = [status for status in statuses(core) if status.trouble]
    assert {status.trouble for status in during} == {Trouble.NO_ANSWER}
    assert statuses(core)[-1].bus_faults > 10


def test_a_bus_silent_for_a_second_and_a_half_costs_no_sample(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(3)
    silent_bus(core, 1.5)
    core.run(2)
    index, _, _ = samples(core)
    assert (np.diff(index) == 1).all()


@pytest.mark.parametrize("sample", range(10))
def test_a_chip_that_lost_its_supply_is_set_up_anew(library: Path, sample: int) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(3.1)
    core.until_sample(sample)  # the last of a batch is about to be read
    before = core.interrupts
    core.chip.brown_out(core.now_us)
    core.run(5)
    index, time_us, shown = samples(core)
    status = statuses(core)[-1]
    assert status.chip_restarts == 1
    assert status.trouble == 0
    # What was in its FIFO is lost, and counted by the interrupts that announced it.
    gap = int(np.argmax(np.diff(time_us)))
    assert index[gap + 1] == before
    assert status.overflowed == before - index[gap] - 1
    assert time_us[gap + 1] - time_us[gap] < 1_000_000
    assert (np.diff(index[gap + 1 :]) == 1).all()
    assert (np.diff(shown[gap + 1 :]) == 1).all()
    assert len(index) - gap > 150


def test_an_absent_chip_is_told_and_found_when_it_comes(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.chip.absent = True
    core.run(3)
    assert not batches(core)
    assert statuses(core)[-1].trouble == Trouble.NO_ANSWER
    assert statuses(core)[-1].temperature_c is None
    assert hellos(core)[-1].chip == 0
    core.chip.absent = False
    core.run(3)
    assert statuses(core)[-1].trouble == 0
    assert statuses(core)[-1].chip_restarts == 0
    assert len(samples(core)[0]) > 100


def test_without_the_interrupt_wire_it_asks(library: Path) -> None:
    core = Core(library, Chip(NUMBERED), int_wired=False)
    core.run(20)
    index, time_us, shown = samples(core)
    assert statuses(core)[-1].trouble == Trouble.NO_INTERRUPT
    assert (np.diff(index[10:]) == 1).all()
    assert (np.diff(shown[10:]) == 1).all()
    steps = np.diff(time_us[10:])
    assert steps.min() >= 0
    assert steps.mean() == pytest.approx(PERIOD_US, rel=1e-3)
    # An interrupt, at last: from then on every sample has its own time again.
    core.int_wired = True
    core.run(5)
    _, time_us, _ = samples(core)
    assert statuses(core)[-1].trouble == 0
    assert (np.diff(time_us[-100:]) == PERIOD_US).all()


@pytest.mark.parametrize("ppm", [-20_000, 0, 20_000])
def test_estimated_times_follow_the_chips_own_pace(library: Path, ppm: int) -> None:
    core = Core(library, Chip(NUMBERED, ppm=ppm), int_wired=False)
    core.run(60)
    _, time_us, shown = samples(core)
    late_us = time_us - shown * PERIOD_US / (1 + ppm * 1e-6)
    # Asked every 33 ms, it cannot know better than to a period.
    assert np.ptp(late_us[50:]) <= 1.1 * PERIOD_US
    assert np.diff(time_us).min() >= 0


def test_a_wire_that_comes_off_is_noticed(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(5)
    core.int_wired = False
    core.run(5)
    index, _, shown = samples(core)
    assert statuses(core)[-1].trouble == Trouble.NO_INTERRUPT
    assert (index == shown).all()
    assert len(index) > 450


@pytest.mark.parametrize("count", [1, 2, 3, 4, 30, 200])
def test_interrupts_that_were_missed_are_counted_all_the_same(library: Path, count: int) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(3)
    core.int_wired = False
    core.run(count * PERIOD_US / 1e6)
    core.int_wired = True
    core.run(5)
    index, time_us, shown = samples(core)
    assert (index[-100:] == shown[-100:]).all()
    begun_us = time_us - index * PERIOD_US
    assert (begun_us[-100:] == begun_us[0]).all()
    assert statuses(core)[-1].trouble == 0
    assert np.abs(begun_us - begun_us[0]).max() <= 4 * PERIOD_US


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_interrupts_that_were_none_do_not_count_for_long(library: Path, count: int) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(3.01)
    for _ in range(count):
        core.lib.sampler_data_ready(core.now_us & 0xFFFFFFFF)
    core.run(5)
    index, time_us, shown = samples(core)
    assert (index == shown).all()
    # One too many cannot be told from a sample on its way: times are a period early for good.
    early_us = PERIOD_US if count == 1 else 0
    begun_us = time_us - index * PERIOD_US
    assert (begun_us[-100:] == begun_us[0] - early_us).all()


def test_a_fifo_that_is_written_after_the_interrupt_is_no_fault(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.early_us = 700
    core.run(10)
    index, _, shown = samples(core)
    assert (index == shown).all()
    assert (np.diff(index) == 1).all()
    assert len(index) > 450


def test_half_a_sample_in_the_fifo_spoils_no_other(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(3.1)
    core.chip.fifo.take(5)
    core.run(3)
    index, _, shown = samples(core)
    assert (index == shown).all()
    assert statuses(core)[-1].overflowed == int(index[-1]) + 1 - len(index) > 0


def test_a_slow_start_costs_nobody_anything(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.byte_us = 1500
    core.run(0.6)
    core.byte_us = BYTE_US
    core.run(2)
    assert statuses(core)[-1].overflowed == 0
    index, _, _ = samples(core)
    assert (np.diff(index) == 1).all()


def test_a_chip_at_the_other_address_is_found(library: Path) -> None:
    core = Core(library, Chip(NUMBERED), address=0x69)
    core.run(3)
    assert len(samples(core)[0]) > 100
    assert statuses(core)[-1].trouble == 0


def test_a_chip_that_is_none_of_the_family_is_named(library: Path) -> None:
    class Stranger(Chip):
        def read(self, count: int, now_us: int, *, continued: bool = False) -> bytes | None:
            found = super().read(count, now_us, continued=continued)
            return found and b"\x12" * count

    core = Core(library, Stranger(NUMBERED))
    core.run(2)
    assert statuses(core)[-1].trouble == Trouble.WRONG_CHIP


@pytest.mark.parametrize("rate_mhz", [4_000, 10_000, 25_000, 100_000, 200_000, 500_000, 90_909])
def test_it_takes_the_rates_that_the_divider_makes(library: Path, rate_mhz: int) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(1)
    core.tell(command(Code.SET_RATE, rate_mhz))
    core.run(1)
    core.messages.clear()
    core.run(4)
    assert hellos(core)[-1].rate_mhz == rate_mhz
    index, time_us, _ = samples(core)
    assert (np.diff(index) == 1).all()
    assert np.diff(time_us) == pytest.approx(1e9 / rate_mhz, abs=1)
    late = 21 if rate_mhz > 15_000 else 1  # two batches of ten, or one by one
    assert len(index) == pytest.approx(4 * rate_mhz / 1000, abs=late)
    assert statuses(core)[-1].overflowed == 0
    silent_bus(core, 0.07 + 2000 / rate_mhz)
    core.run(2)
    index, time_us, shown = samples(core)
    assert (np.diff(shown) == 1).all()
    assert np.diff(time_us) == pytest.approx(1e9 / rate_mhz, abs=1)


BANDWIDTH_HZ = {1: 184, 2: 94, 3: 44, 4: 21, 5: 10, 6: 5}
"""By DLPF_CFG, the accelerometer's (RM-MPU-6000A, 0x1A)."""


@pytest.mark.parametrize("who", [0x68, 0x71])
@pytest.mark.parametrize("rate_hz", [5, 8, 20, 25, 40, 50, 100, 125, 200, 250, 500])
def test_its_low_pass_is_the_widest_below_half_the_rate(
    library: Path, who: int, rate_hz: int
) -> None:
    core = Core(library, Chip(NUMBERED, who_am_i=who))
    core.tell(command(Code.SET_RATE, rate_hz * 1000))
    core.run(0.5)
    assert core.chip.write(b"\x1a", core.now_us)
    registers = core.chip.read(4, core.now_us)
    assert registers is not None
    widest = min((cfg for cfg, hz in BANDWIDTH_HZ.items() if hz <= rate_hz / 2), default=6)
    assert registers[0] == widest
    assert registers[3] == (widest if who == 0x71 else 0)  # ACCEL_CONFIG2


@given(rate_mhz=st.integers(0, 0xFFFFFFFF))
@settings(max_examples=20, deadline=None)
def test_it_ignores_the_rates_that_it_cannot_make(library: Path, rate_mhz: int) -> None:
    core = Core(library, Chip(NUMBERED))
    core.tell(command(Code.SET_RATE, rate_mhz))
    core.run(0.5)
    possible = {round(1e6 / parts) for parts in range(2, 257)}
    assert hellos(core)[-1].rate_mhz == (rate_mhz if rate_mhz in possible else 50_000)


def test_stopped_it_sends_the_rest_and_is_silent_until_told_to_start(library: Path) -> None:
    core = Core(library, Chip(NUMBERED))
    core.run(3.05)
    core.tell(command(Code.STOP))
    core.run(0.2)
    index, _, shown = samples(core)
    assert (index == shown).all()
    assert hellos(core)[-1].index == index[-1] + 1
    assert core.interrupts == index[-1] + 1
    core.messages.clear()
    core.run(6)
    assert not core.messages
    core.tell(command(Code.HELLO))
    core.run(0.1)
    assert isinstance(core.messages[0], Hello)
    core.tell(command(Code.START))
    core.run(2)
    again, _, _ = samples(core)
    assert again[0] == index[-1] + 1
    assert statuses(core)[-1].chip_restarts == 0
