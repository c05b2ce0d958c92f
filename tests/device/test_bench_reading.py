import shutil

import numpy as np
import pytest

from device.bench import reading
from device.bench.numbered import decoded, encoded


def test_what_came_of_numbered_samples_is_plain() -> None:
    index = np.delete(np.arange(200, 130_000), slice(5000, 5100))
    counts = encoded(index)
    counts[77, 3:] = counts[78, 3:]
    number, torn = decoded(counts)
    np.testing.assert_array_equal(number, index)
    np.testing.assert_array_equal(np.flatnonzero(torn), [77])


@pytest.mark.slow
def test_both_ways_of_reading_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("cc"):
        pytest.skip("no C compiler (Debian packages gcc and libc6-dev)")
    monkeypatch.setattr(reading, "RATES_HZ", (100,))
    fifo, direct, byte_by_byte, serial = reading.results(5.0)
    assert fifo.torn == direct.torn == serial.torn == 0
    assert fifo.repeated == direct.repeated == serial.repeated == 0
    assert fifo.samples > 300
    # An average of fifteen transfers a sample cannot keep what one burst keeps.
    assert byte_by_byte.transfers_per_s > 10 * fifo.transfers_per_s
    assert byte_by_byte.torn > 0
    assert fifo.bus_percent < byte_by_byte.bus_percent
