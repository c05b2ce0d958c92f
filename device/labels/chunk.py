"""Packs a few seconds of samples into a self-contained chunk of bytes, without loss.

A file is a sequence of chunks. A checksum detects a truncated or damaged chunk, and a reader finds
the next chunk by its mark.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64, Samples

MOST: Final = 4096
"""Largest number of samples in a chunk."""
MARK: Final = b"EHR1"
_FRAME: Final = struct.Struct("<4sII")  # mark, bytes of the body, their CRC-32
_HEAD: Final = struct.Struct("<16sdddddIIddd")  # the fields of Chunk, then three scales
_MOST_BYTES: Final = _HEAD.size + 2 * 8 * 7 * MOST
_LEVEL: Final = 6

# Full scales of the MPU family, coarsest first, because its values are on the finer grids too. A
# count times its LSB is exactly the float64 of the source, so the count is enough. Values on none
# of these grids are stored as float64.
_ACC_G: Final = [full_scale / 32768 for full_scale in (16, 8, 4, 2)]
_GYRO_RAD_S: Final = [dps / 32768 * np.pi / 180 for dps in (2000, 1000, 500, 250)]
_PER_S: Final = 1e6
_AS_IT_IS: Final = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples without a gap, and the times at which they were taken."""

    boot: bytes
    """16 bytes: the kernel's name of the boot; random for each run if that is unknown."""
    start_s: float
    end_s: float
    """Times of the first and the last sample, in seconds since that boot."""
    offset_s: float
    """Time of the boot by the host's clock at that moment, seconds since 1970."""
    first_s: float
    last_s: float
    """Times of the first and the last sample on the sensor's clock."""
    size: int
    """Number of samples."""
    lost: int
    """Number of samples lost directly before this chunk."""
    content: bytes
    """The bytes of the whole chunk."""

    @property
    def each_s(self) -> float:
        """Mean sample interval by the host's clock; 0 for a single sample."""
        return (self.end_s - self.start_s) / max(1, self.size - 1)

    def taken_s(self, t_s: Float64) -> Float64:
        """Convert times on the sensor's clock to seconds since the boot."""
        return np.interp(t_s, [self.first_s, self.last_s], [self.start_s, self.end_s])

    def samples(self) -> Samples:
        """Unpack the samples; raises ValueError if the content is not a valid chunk."""
        *_, time_scale, acc_scale, gyro_scale = _HEAD.unpack_from(self.content, _FRAME.size)
        packed = self.content[_FRAME.size + _HEAD.size :]
        try:
            data = zlib.decompressobj().decompress(packed, _MOST_BYTES)
        except zlib.error as error:
            raise ValueError("not a chunk") from error
        table, data = _unpacked(data, self.size, 1, np.dtype("<i8"))
        t_s = table.astype(np.float64) / _PER_S if time_scale else table.view(np.float64)
        acc_g, data = _values(data, self.size, acc_scale)
        gyro_rad_s, data = _values(data, self.size, gyro_scale)
        if data:
            raise ValueError("not a chunk")
        return Samples(t_s[:, 0].copy(), acc_g, gyro_rad_s, self.lost)


def packed(samples: Samples, boot: bytes, taken_s: tuple[float, float], offset_s: float) -> bytes:
    """Pack 1 to MOST samples; taken_s has the times of the first and the last since the boot."""
    times, time_scale = _times(samples.t_s)
    acc, acc_scale = _counts(samples.acc_g, _ACC_G)
    gyro, gyro_scale = _counts(samples.gyro_rad_s, _GYRO_RAD_S)
    lost = min(samples.lost, 0xFFFFFFFF)
    head = _HEAD.pack(
        boot, *taken_s, offset_s, samples.t_s[0], samples.t_s[-1], len(samples), lost,
        time_scale, acc_scale, gyro_scale,
    )  # fmt: skip
    body = head + zlib.compress(_packed(times) + _packed(acc) + _packed(gyro), _LEVEL)
    return _FRAME.pack(MARK, len(body), zlib.crc32(body)) + body


def read(data: bytes) -> Iterator[Chunk]:
    """Yield the complete chunks in the bytes of a file; skip all other bytes."""
    at = data.find(MARK)
    while at >= 0:
        chunk = _at(data, at)
        if chunk is not None:
            yield chunk
        at = data.find(MARK, at + (len(chunk.content) if chunk else 1))


def _at(data: bytes, at: int) -> Chunk | None:
    if at + _FRAME.size + _HEAD.size > len(data):
        return None
    _, length, checksum = _FRAME.unpack_from(data, at)
    if not _HEAD.size <= length <= _MOST_BYTES or at + _FRAME.size + length > len(data):
        return None
    content = data[at : at + _FRAME.size + length]
    if zlib.crc32(content[_FRAME.size :]) != checksum:
        return None
    boot, start_s, end_s, offset_s, first_s, last_s, size, lost, *_ = _HEAD.unpack_from(
        content, _FRAME.size
    )
    if not 1 <= size <= MOST:
        return None
    return Chunk(boot, start_s, end_s, offset_s, first_s, last_s, size, lost, content)


def _times(t_s: Float64) -> tuple[NDArray[Any], float]:
    """Return (n, 1) whole microseconds if that is lossless, else the bits of the float64."""
    with np.errstate(invalid="ignore", over="ignore"):
        counts = np.rint(t_s * _PER_S).astype("<i8")
    if (counts / _PER_S).tobytes() == t_s.tobytes():
        return counts[:, None], _PER_S
    return t_s.astype("<f8").view("<i8")[:, None], _AS_IT_IS


def _counts(values: Float64, scales: list[float]) -> tuple[NDArray[Any], float]:
    """Return (n, 3) counts and their LSB if that is lossless, else the bits of the float64."""
    values = np.ascontiguousarray(values, "<f8")
    with np.errstate(invalid="ignore", over="ignore"):
        for scale in scales:
            counts = np.rint(values / scale).astype("<i2")
            if (counts * scale).tobytes() == values.tobytes():
                return counts, scale
    return values.view("<i8"), _AS_IT_IS


def _packed(table: NDArray[Any]) -> bytes:
    """Return the bytes of integers (n, k) in an order that zlib compresses well.

    Neighbouring samples differ little. So this stores differences, with the sign in the lowest
    bit, and groups all lowest bytes, then all second bytes, and so on.
    """
    bits = 8 * table.itemsize
    steps = np.diff(table.T, axis=1, prepend=table.dtype.type(0))
    folded = np.ascontiguousarray((steps << 1) ^ (steps >> (bits - 1)), table.dtype)
    return folded.view(np.uint8).reshape(-1, table.itemsize).T.tobytes()


def _unpacked(
    data: bytes, size: int, columns: int, kind: np.dtype[Any]
) -> tuple[NDArray[Any], bytes]:
    """Undo `_packed`; return the table and the remaining bytes. Raises ValueError."""
    end = size * columns * kind.itemsize
    if len(data) < end:
        raise ValueError("not a chunk")
    planes = np.frombuffer(data[:end], np.uint8).reshape(kind.itemsize, -1)
    folded = np.ascontiguousarray(planes.T).view(kind).reshape(columns, size)
    shifted = (folded.view(kind.str.replace("i", "u")) >> 1).view(kind)
    steps = shifted ^ -(folded & 1)
    table = np.ascontiguousarray(np.cumsum(steps, axis=1, dtype=kind).T)
    return table, data[end:]


def _values(data: bytes, size: int, scale: float) -> tuple[Float64, bytes]:
    table, rest = _unpacked(data, size, 3, np.dtype("<i2" if scale else "<i8"))
    return (table * scale if scale else table.view(np.float64)), rest
