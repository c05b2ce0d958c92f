"""Drives a chip through its registers, on the test's clock."""

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import Int64

START_US = 5_000_000
"""Start of the samples."""
SIX_AXES = 0x78


def put(chip: Chip, register: int, value: int, now_us: int = START_US) -> None:
    assert chip.write(bytes([register, value]), now_us)


def get(chip: Chip, register: int, now_us: int, count: int = 1) -> bytes:
    assert chip.write(bytes([register]), now_us)
    answer = chip.read(count, now_us)
    assert answer is not None
    return answer


def start(
    chip: Chip, divider: int = 4, low_pass: int = 3, fifo: int = SIX_AXES, now_us: int = START_US
) -> Chip:
    """Set a chip up: ±4 g, ±500 dps, into the FIFO at 1 kHz / (1 + divider); return the chip."""
    settings = ((0x6B, 0x40), (0x19, divider), (0x1A, low_pass), (0x1B, 8), (0x1C, 8), (0x23, fifo))
    for register, value in (*settings, (0x6A, 0x04), (0x6A, 0x40), (0x6B, 0x01)):
        put(chip, register, value, now_us)
    return chip


def fifo_count(chip: Chip, now_us: int) -> int:
    return int.from_bytes(get(chip, 0x72, now_us, 2), "big")


def fifo(chip: Chip, now_us: int, width: int = 6) -> NDArray[np.int16]:
    """Read all samples in the FIFO as (n, width)."""
    return words(get(chip, 0x74, now_us, fifo_count(chip, now_us)), width)


def words(data: bytes, width: int = 6) -> NDArray[np.int16]:
    """Convert bytes to whole samples."""
    return np.frombuffer(data, ">i2").astype(np.int16).reshape(-1, width)


def counting(index: Int64, t_s: Float64) -> Float64:  # noqa: ARG001 - a Feed
    """Show the sample's index as the count of every channel, at ±4 g and ±500 dps."""
    six: Float64 = np.outer(index % 32768, np.repeat([4 / 32768, 500 / 32768], 3))
    return six
