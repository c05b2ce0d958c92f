"""Both readers against the chip model in simulated time: no torn sample, exact counts and times."""

import numpy as np
import pytest

from device.sources.mpu import registers
from device.sources.mpu.direct_reader import DirectReader
from device.sources.mpu.fifo_reader import FifoReader
from device.sources.mpu.port import ChipLostError
from tests.device.sources.mpu.simulated import Reader, Reading, Simulated, poll_on, started

BOTH = pytest.mark.parametrize("reader_type", [FifoReader, DirectReader])


@pytest.mark.parametrize("ppm", [0, 20_000, -20_000])
@pytest.mark.parametrize("rate_hz", [50, 100, 200])
@pytest.mark.parametrize("who_am_i", [0x68, 0x70])
def test_fifo_gives_every_sample_with_its_time(who_am_i: int, rate_hz: int, ppm: float) -> None:
    reading = Reading(Simulated(who_am_i=who_am_i, ppm=ppm), FifoReader, rate_hz, 60.0)
    assert reading.lost == 0
    assert len(reading.number) > 59 * rate_hz * (1 + ppm * 1e-6)
    steps_s = np.diff(reading.t_s)
    period_s = 1 / rate_hz / (1 + ppm * 1e-6)
    assert np.abs(reading.late_s).max() < 1.5 / rate_hz  # from the very start
    assert reading.settled_late_s < 1e-3
    assert np.std(steps_s[reading.settled[1:]]) < 2e-6
    assert np.abs(steps_s - period_s).max() < 0.02 * period_s
    if rate_hz == 50:
        assert reading.wakes / 60 <= 5


@pytest.mark.parametrize("ppm", [0, 20_000, -20_000])
@pytest.mark.parametrize("rate_hz", [50, 100])
def test_direct_reader_gives_every_sample_with_its_time(rate_hz: int, ppm: float) -> None:
    reading = Reading(Simulated(ppm=ppm), DirectReader, rate_hz, 30.0)
    assert reading.lost == 0
    assert reading.settled_late_s < 4e-3
    assert np.std(np.diff(reading.t_s)[reading.settled[1:]]) < 20e-6


@pytest.mark.parametrize("rate_hz", [50, 100])
def test_direct_reader_counts_losses_on_a_busy_machine(rate_hz: int) -> None:
    reading = Reading(Simulated(ppm=8000), DirectReader, rate_hz, 60.0, stalls=(0.01, 0.02))
    assert 0 < reading.lost < 0.2 * len(reading.number)
    assert reading.settled_late_s < 5e-3


@BOTH
def test_the_loss_of_a_stall_is_counted(reader_type: type[Reader]) -> None:
    reading = Reading(Simulated(ppm=15_000), reader_type, 50, 300.0, stalls=(0.01, 5.0))
    assert reading.lost > 250
    assert np.all(np.diff(reading.t_s) > 0)
    assert (reading.overflows > 0) == (reader_type is FifoReader)


@pytest.mark.parametrize(
    ("who_am_i", "reader_type"), [(0x68, FifoReader), (0x70, FifoReader), (0x71, DirectReader)]
)
def test_a_brown_out_is_noticed_within_a_second(who_am_i: int, reader_type: type[Reader]) -> None:
    host = Simulated(who_am_i=who_am_i)
    reader = started(host, reader_type)
    poll_on(host, reader, 5.0)
    host.brown_out()
    failed_s = host.now_s
    with pytest.raises(ChipLostError, match="0x"):
        poll_on(host, reader, 3.0)
    assert host.now_s < failed_s + 1.5


@BOTH
@pytest.mark.parametrize("who_am_i", [0x68, 0x71])
def test_temperature(who_am_i: int, reader_type: type[Reader]) -> None:
    host = Simulated(who_am_i=who_am_i)
    host.chip.temperature_c = 33.4
    reader = started(host, reader_type)
    poll_on(host, reader, 1.0)
    assert reader.temperature_c == pytest.approx(33.4, abs=0.01)


def test_a_register_that_does_not_hold_its_value_is_refused() -> None:
    host = Simulated()
    written = host.write

    def write(register: int, value: int) -> None:
        written(register, 0 if register == registers.ACCEL_CONFIG else value)

    host.write = write  # type: ignore[method-assign]  # a wire that drops bits
    with pytest.raises(ChipLostError, match="0x1c holds 0x00 where 0x08"):
        started(host)
