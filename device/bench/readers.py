"""Reads a sensor for some seconds and saves samples and costs; run by `reading`.

    python -m device.bench.readers SOURCE|bytes:RATE SECONDS OUT.npz

`bytes:RATE` reads as the popular packages do: bus 1, one byte per transfer, 16 transfers per
sample, then a sleep. The time of a sample is the end of its last transfer.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from device.bench.numbered_source import ACC_G, GYRO_DPS
from device.factory import open_source
from device.sources import Source
from device.sources.mpu import registers
from firmware_bridge.samples import Float64

WARM_UP_S = 6.0
"""Not measured: meanwhile a source estimates the sample period."""

Reading = tuple[Float64, NDArray[np.int16]]
"""Times (n,) and counts (n, 6)."""

MISHAPS = ("overflows", "restarts", "reopened", "bus_errors")
"""Counts of a source that explain lost samples."""

sleeps = [0]
latest_s = [0.0]
"""Largest delay after the end of a sleep: the machine was busy."""
_sleep = time.sleep


def _counted(seconds: SupportsIndex | float, /) -> None:
    sleeps[0] += 1
    due_s = time.monotonic() + float(seconds)
    _sleep(seconds)
    latest_s[0] = max(time.monotonic() - due_s, latest_s[0])


def source(opened: Source, uri: str) -> Iterator[Reading]:
    """Read through one of edgehar's sources."""
    gyro_dps = 500 if uri.startswith("serial:") else GYRO_DPS
    lsb = np.repeat([ACC_G / 32768, np.radians(gyro_dps) / 32768], 3)
    for block in opened.blocks():
        values = np.column_stack((block.acc_g, block.gyro_rad_s))
        yield block.t_s, np.rint(values / lsb).astype(np.int16)


def byte_by_byte(rate_hz: int) -> Iterator[Reading]:
    """Read as the popular packages do."""
    from smbus2 import SMBus  # noqa: PLC0415 -- a serial line needs no smbus2

    with SMBus(1) as bus:

        def word(register: int) -> int:
            high = bus.read_byte_data(0x68, register)
            return (high << 8 | bus.read_byte_data(0x68, register + 1)) + 0x8000 & 0xFFFF

        for register, value in (
            (registers.PWR_MGMT_1, 0x01),
            (registers.CONFIG, 4),
            (registers.SMPLRT_DIV, 1000 // rate_hz - 1),
            (registers.GYRO_CONFIG, 0x10),
            (registers.ACCEL_CONFIG, 0x08),
        ):
            bus.write_byte_data(0x68, register, value)
        while True:
            bus.read_byte_data(0x68, registers.ACCEL_CONFIG)
            acc = [word(registers.ACCEL_XOUT_H + 2 * axis) for axis in range(3)]
            bus.read_byte_data(0x68, registers.GYRO_CONFIG)
            gyro = [word(registers.TEMP_OUT_H + 2 + 2 * axis) for axis in range(3)]
            word(registers.TEMP_OUT_H)
            counts = np.array([acc + gyro]) - 0x8000
            yield np.array([time.monotonic()]), counts.astype(np.int16)
            time.sleep(1 / rate_hz)


def measure(
    readings: Iterator[Reading], seconds: float, counts_now: Callable[[], Mapping[str, int]]
) -> dict[str, NDArray[Any]]:
    """Read for some seconds after the warm-up; return samples, costs per second, and mishaps."""
    end_s, t_s, counts = time.monotonic() + WARM_UP_S, list[Float64](), list[NDArray[np.int16]]()
    usage, mishaps = _usage(), _mishaps(counts_now())
    warm = False
    for times, values in readings:
        t_s.append(times)
        counts.append(values)
        if time.monotonic() < end_s:
            continue
        if warm:
            break
        warm, end_s, usage = True, time.monotonic() + seconds, _usage()
        t_s, counts, mishaps, latest_s[0] = [], [], _mishaps(counts_now()), 0.0
    return {
        "t_s": np.concatenate(t_s),
        "counts": np.concatenate(counts),
        "spent": (_usage() - usage) / seconds,
        "mishaps": _mishaps(counts_now()) - mishaps,
        "latest_s": np.array(latest_s[0]),
    }


def _mishaps(counts: Mapping[str, int]) -> NDArray[np.int64]:
    return np.array([counts.get(name, 0) for name in MISHAPS])


def _usage() -> NDArray[np.float64]:
    """Return CPU seconds, and the numbers of voluntary context switches and of sleeps."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return np.array([used.ru_utime + used.ru_stime, used.ru_nvcsw, sleeps[0]], float)


def main(what: str, seconds: str, out: str) -> None:
    """Measure one source and save the results."""
    time.sleep = _counted
    kind, _, rate = what.partition(":")
    if kind == "bytes":
        measured = measure(byte_by_byte(int(rate)), float(seconds), dict)
    else:
        opened = open_source(what)
        measured = measure(source(opened, what), float(seconds), lambda: opened.counts)
    np.savez(out, **measured)


if __name__ == "__main__":
    main(*sys.argv[1:])
