"""Scores of readers of numbered samples, and the whole measurement."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.bench import reading
from device.bench.numbered_source import decoded, encoded
from device.bench.score_reading import Result, row, score


def test_numbers_and_torn_samples_are_decoded() -> None:
    index = np.delete(np.arange(200, 130_000), slice(5000, 5100))
    counts = encoded(index)
    counts[77, 3:] = counts[78, 3:]
    number, torn = decoded(counts)
    np.testing.assert_array_equal(number, index)
    np.testing.assert_array_equal(np.flatnonzero(torn), [77])


def measured(overflows: int = 0) -> dict[str, Any]:
    index = np.delete(np.arange(200, 1200), [*range(300, 310), 700])
    return {
        "t_s": index * 0.02,
        "counts": encoded(index),
        "spent": np.array([0.01, 5.0, 4.0]),
        "mishaps": np.array([overflows, 0, 0, 0]),
        "latest_s": np.array(0.2),
    }


def result(rate_hz: int, seconds: float = 600.0, overflows: int = 0) -> Result:
    return score("some reader", rate_hz, seconds, measured(overflows), 0.02, 14.0, 1.6)


def test_a_row_gives_the_reason_of_lost_samples() -> None:
    assert row(result(50))[3] == "11 (2 late reads)"
    assert row(result(50, overflows=1))[3] == "11 (overflows: 1)"


def test_an_interrupted_run_continues_with_the_unfinished_rate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    requested: list[int] = []

    def results(seconds: float, rates_hz: Sequence[int]) -> Iterator[Result]:
        for rate_hz in rates_hz:
            requested.append(rate_hz)
            for reader in range(reading.READERS):
                if requested == [50, 100] and reader == 2:
                    raise KeyboardInterrupt
                yield result(rate_hz, seconds)

    monkeypatch.setattr(reading, "results", results)
    out = tmp_path / "reading.json"
    with pytest.raises(KeyboardInterrupt):
        reading.main("600", str(out))
    assert not out.exists()
    reading.main("600", str(out))
    assert requested == [50, 100, 100, 200]
    written = json.loads(out.read_text())
    assert [one["rate_hz"] for one in written["readers"]] == [50] * 4 + [100] * 4 + [200] * 4
    assert len(written["table"]["rows"]) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["reading.json"]


@pytest.mark.slow
def test_both_ways_of_reading_are_measured() -> None:
    if not shutil.which("cc"):
        pytest.skip("no C compiler (Debian packages gcc and libc6-dev)")
    fifo, direct, byte_by_byte, serial = reading.results(5.0, (100,))
    assert fifo.torn == direct.torn == serial.torn == 0
    assert fifo.repeated == direct.repeated == serial.repeated == 0
    assert fifo.samples > 300
    # Fifteen transfers per sample cannot keep up with one burst for many samples.
    assert byte_by_byte.transfers_per_s > 10 * fifo.transfers_per_s
    assert byte_by_byte.torn > 0
    assert fifo.bus_percent < byte_by_byte.bus_percent
