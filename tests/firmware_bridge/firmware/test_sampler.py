"""The firmware's samples against those that the chip took, under faults."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.protocol import Code, Command, Trouble
from firmware_bridge.simulator.chip import Chip
from tests.firmware_bridge.firmware.core import BYTE_US, NUMBERED, PERIOD_US, WATCHDOG_US, Core

FAULTS: dict[str, Callable[[Core, float], None]] = {
    "nothing": Core.run,
    "silent bus": Core.silence_bus,
}


def fault(act: Callable[[Core, float], None]) -> Callable[[Core, float], None]:
    FAULTS[act.__name__] = act
    return act


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
def blocked_bus(core: Core, seconds: float) -> None:
    core.chip.sda_low_clocks = 7
    core.run(seconds)


@fault
def hello_request(core: Core, seconds: float) -> None:
    core.send(Command(Code.HELLO))
    core.run(seconds)


GENTLE = sorted(FAULTS)
"""Through these the chip keeps its settings, and every interrupt arrives."""


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
def int_unwired(core: Core, seconds: float) -> None:
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
    choices = Command(Code.SET_RATE, rate_mhz), Command(Code.STOP), Command(Code.START)
    core.send(choices[core.now_us % 3])
    core.run(seconds)


@settings(max_examples=20)
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
    index, time_us, shown = core.samples()
    # While the chip keeps its supply and INT is wired, no index and no time is wrong.
    assert (index == shown).all()
    assert (np.diff(index) > 0).all()
    period_us = PERIOD_US / (1 + ppm * 1e-6)
    assert np.diff(time_us) == pytest.approx(np.diff(index) * period_us, abs=2)
    status = core.statuses[-1]
    assert status.trouble == status.chip_restarts == 0
    missing = int(index[-1] - index[0]) + 1 - len(index)
    assert status.overflowed == missing
    assert core.decoder.counts.lost == core.decoder.counts.bad_crc == 0


@settings(max_examples=25)
@given(
    plan=st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.floats(0.001, 3)), max_size=8),
    int_wired=st.booleans(),
)
def test_after_any_faults_it_recovers_and_its_counts_agree(
    library: Path, plan: list[tuple[str, float]], int_wired: bool
) -> None:
    core = Core(library, Chip(NUMBERED), int_wired=int_wired)
    core.run(0.5)
    for name, seconds in plan:
        FAULTS[name](core, seconds)
    core.send(Command(Code.START), Command(Code.SET_RATE, 50_000))
    core.run(7)
    before = len(core.batches)
    core.run(3)
    assert sum(map(len, core.batches[before:])) == pytest.approx(150, abs=12)
    index, _, _ = core.samples()
    assert (np.diff(index) > 0).all()
    status = core.statuses[-1]
    assert status.trouble in {0, Trouble.NO_INTERRUPT}
    assert core.longest_us < WATCHDOG_US / 2
    assert status.overflowed == int(index[-1]) + 1 - len(index)
    assert core.decoder.counts.lost == core.decoder.counts.bad_crc == 0


@pytest.mark.parametrize("early_us", [0, 700])
def test_without_faults_every_sample_arrives_as_the_chip_took_it(core: Core, early_us: int) -> None:
    core.early_us = early_us  # the FIFO may get a sample later than the interrupt
    core.run(20)
    index, time_us, shown = core.samples()
    assert len(index) == pytest.approx(20 * 50, abs=25)
    assert (index == shown).all()
    assert (np.diff(index) == 1).all()
    assert (np.diff(time_us) == PERIOD_US).all()


def test_an_overflow_loses_whole_samples_and_counts_them(core: Core) -> None:
    core.run(3)
    core.silence_bus(5)
    core.run(5)
    index, _, shown = core.samples()
    assert (index == shown).all()
    (gap,) = np.flatnonzero(np.diff(index) > 1)
    lost = int(np.diff(index)[gap]) - 1
    assert lost == pytest.approx(5 * 50, abs=15)
    assert core.statuses[-1].overflowed == lost
    assert {status.trouble for status in core.statuses} == {0, Trouble.NO_ANSWER}
    assert core.statuses[-1].bus_faults > 10


def test_a_bus_that_is_silent_for_a_second_and_a_half_costs_no_sample(core: Core) -> None:
    core.run(3)
    core.silence_bus(1.5)
    core.run(2)
    assert (np.diff(core.samples()[0]) == 1).all()


@pytest.mark.parametrize("sample", range(10))
def test_a_chip_that_lost_its_supply_is_set_up_again(core: Core, sample: int) -> None:
    core.run(3.1)
    core.until_sample(sample)  # with 9, the end of a batch is read next
    before = core.interrupts
    core.chip.brown_out(core.now_us)
    core.run(5)
    index, time_us, shown = core.samples()
    status = core.statuses[-1]
    assert (status.chip_restarts, status.trouble) == (1, 0)
    # The interrupts count the samples that were lost with the FIFO.
    gap = int(np.argmax(np.diff(time_us)))
    assert index[gap + 1] == before
    assert status.overflowed == before - index[gap] - 1
    assert time_us[gap + 1] - time_us[gap] < 1_000_000
    assert (np.diff(index[gap + 1 :]) == 1).all()
    assert (np.diff(shown[gap + 1 :]) == 1).all()
    assert len(index) - gap > 150


def test_without_the_interrupt_wire_it_polls(core: Core) -> None:
    core.run(5)
    int_unwired(core, 20)
    index, time_us, shown = core.samples()
    assert core.statuses[-1].trouble == Trouble.NO_INTERRUPT
    assert (index == shown).all()
    assert len(index) > 1200
    assert np.diff(time_us[-900:]).min() >= 0
    assert np.diff(time_us[-900:]).mean() == pytest.approx(PERIOD_US, rel=1e-3)
    # After the next interrupt every sample has an exact time again.
    core.run(5)
    _, time_us, _ = core.samples()
    assert core.statuses[-1].trouble == Trouble(0)
    assert (np.diff(time_us[-100:]) == PERIOD_US).all()


@pytest.mark.parametrize("ppm", [-20_000, 0, 20_000])
def test_estimated_times_follow_the_chips_pace(library: Path, ppm: int) -> None:
    core = Core(library, Chip(NUMBERED, ppm=ppm), int_wired=False)
    core.run(60)
    index, time_us, shown = core.samples()
    assert core.statuses[-1].trouble == Trouble.NO_INTERRUPT
    assert (np.diff(index[10:]) == 1).all()
    assert (np.diff(shown[10:]) == 1).all()
    late_us = time_us - shown * PERIOD_US / (1 + ppm * 1e-6)
    # It polls every 33 ms, so the times are uncertain by a period.
    assert np.ptp(late_us[50:]) <= 1.1 * PERIOD_US
    assert np.diff(time_us).min() >= 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 30, 200])
def test_samples_with_missed_interrupts_are_counted(core: Core, count: int) -> None:
    core.run(3)
    int_unwired(core, count * PERIOD_US / 1e6)
    core.run(5)
    index, time_us, shown = core.samples()
    assert (index[-100:] == shown[-100:]).all()
    begin_us = time_us - index * PERIOD_US
    assert (begin_us[-100:] == begin_us[0]).all()
    assert core.statuses[-1].trouble == 0
    assert np.abs(begin_us - begin_us[0]).max() <= 4 * PERIOD_US


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_false_interrupts_have_no_lasting_effect(core: Core, count: int) -> None:
    core.run(3.01)
    for _ in range(count):
        core.lib.sampler_data_ready(core.now_us & 0xFFFFFFFF)
    core.run(5)
    index, time_us, shown = core.samples()
    assert (index == shown).all()
    # A single false interrupt looks like a sample on its way: times stay a period early.
    early_us = PERIOD_US if count == 1 else 0
    begin_us = time_us - index * PERIOD_US
    assert (begin_us[-100:] == begin_us[0] - early_us).all()


def test_half_a_sample_in_the_fifo_damages_no_other_sample(core: Core) -> None:
    core.run(3.1)
    core.chip.fifo.take(5)
    core.run(3)
    index, _, shown = core.samples()
    assert (index == shown).all()
    assert core.statuses[-1].overflowed == int(index[-1]) + 1 - len(index) > 0


def test_a_slow_start_loses_no_sample(core: Core) -> None:
    core.byte_us = 1500
    core.run(0.6)
    core.byte_us = BYTE_US
    core.run(2)
    assert core.statuses[-1].overflowed == 0
    assert (np.diff(core.samples()[0]) == 1).all()
