"""A simulated microcontroller whose samples come from a recording."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import InputError
from firmware_bridge.framing import seal
from firmware_bridge.protocol import MAX_UPTIME_US, SAMPLE, Batch, Hello, pack
from firmware_bridge.samples import Samples

BATCH = 10
"""Samples in a frame."""
_MAX_DT_US = 0xFFFF

Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Frame:
    """Samples that are sent together."""

    t_us: Int64
    """(n,) on the recording's clock."""
    raw: NDArray[np.void]
    """(n,) SAMPLE."""

    def __len__(self) -> int:
        return len(self.raw)


@dataclass(slots=True)
class VirtualDevice:
    """A microcontroller as a reader sees it. Until a reboot its clock is the recording's."""

    acc_full_scale_g: int = 4
    gyro_full_scale_dps: int = 500
    rate_mhz: int = 50_000
    boot: int = 1
    seq: int = 0
    index: int = 0
    now_us: int = 0
    """The present time, on the recording's clock."""
    booted_us: int = 0
    """Time of the last boot, on the recording's clock."""
    shown: int = 0
    """The last index that a reader has received."""
    saturated: int = 0
    """Values beyond full scale, sent as full scale."""
    skipped: int = 0
    """Samples that no device can take: not finite, or earlier than the sample before."""

    def reboot(self) -> None:
        """Restart at `now_us`."""
        self.seq = self.index = self.shown = 0
        self.boot = self.boot + 1 & 0xFFFF
        self.booted_us = self.now_us

    def greeting(self, seq: int = 0) -> Hello:
        """Return the device's description at `now_us`."""
        return Hello(
            seq,
            self.index,
            firmware="edgehar play",
            chip=0x68,
            acc_full_scale_g=self.acc_full_scale_g,
            gyro_full_scale_dps=self.gyro_full_scale_dps,
            rate_mhz=self.rate_mhz,
            uptime_us=self.now_us - self.booted_us,
            boot=self.boot,
        )

    def hello(self) -> bytes:
        """Return the next frame, a hello that reaches the reader."""
        self.shown = self.index
        return seal(pack(self.greeting(self._next_seq())))

    def batch(self, frame: Frame) -> bytes:
        """Return the next frame, with samples."""
        time_us = int(frame.t_us[0]) - self.booted_us & 0xFFFFFFFF
        data = seal(pack(Batch(self._next_seq(), time_us, self.index, frame.raw.tobytes())))
        self.index = self.index + len(frame) & 0xFFFFFFFF
        return data

    def _next_seq(self) -> int:
        seq, self.seq = self.seq, self.seq + 1 & 0xFFFF
        return seq

    def frames(self, blocks: Iterable[Samples], cuts_s: Iterable[float]) -> Iterator[Frame]:
        """Yield a recording in frames that end at each cut (seconds from the first sample).

        Rounds to counts and µs as the chip does. Sets the rate from the first block.
        Raises InputError if a time is negative or too large for the device's clock.
        """
        rest = Frame(np.empty(0, np.int64), np.empty(0, SAMPLE))
        cuts_us: Int64 | None = None
        for block in blocks:
            new = self._quantise(block, int(rest.t_us[-1]) if len(rest) else -1)
            if not len(new):
                continue
            if cuts_us is None:
                self.rate_mhz = _rate_mhz(new.t_us)
                cuts_us = new.t_us[0] + np.array([round(cut * 1e6) for cut in cuts_s], np.int64)
            t_us = np.concatenate((rest.t_us, new.t_us))
            *whole, rest = _cut(Frame(t_us, np.concatenate((rest.raw, new.raw))), cuts_us)
            yield from whole
        if len(rest):
            yield rest

    def _quantise(self, block: Samples, last_us: int) -> Frame:
        values = np.column_stack((block.acc_g, block.gyro_rad_s))
        finite = np.isfinite(values).all(axis=1) & np.isfinite(block.t_s)
        seconds = block.t_s[finite]
        if len(seconds) and not 0 <= seconds.min() <= seconds.max() <= MAX_UPTIME_US / 1e6:
            raise InputError(
                "the recording has times beyond a device's clock (t_s < 0 or > 2^53 µs)"
            )
        t_us = np.rint(seconds * 1e6).astype(np.int64)
        forward = t_us >= np.maximum.accumulate(np.concatenate(([last_us], t_us)))[:-1]
        t_us, values = t_us[forward], values[finite][forward]
        self.skipped += len(block) - len(t_us)
        scales = self.greeting()
        lsb = np.repeat([scales.acc_g_per_count, scales.gyro_rad_s_per_count], 3)
        counts = np.rint(values / lsb)
        limited = np.clip(counts, -0x8000, 0x7FFF)
        self.saturated += int((limited != counts).sum())
        raw = np.zeros(len(t_us), SAMPLE)
        raw["acc"], raw["gyro"] = limited[:, :3], limited[:, 3:]
        return Frame(t_us, raw)


def _cut(frame: Frame, cuts_us: Int64) -> list[Frame]:
    """Cut after BATCH samples, at a step too long for dt_us, and at the times `cuts_us`."""
    t_us = frame.t_us
    part = np.searchsorted(cuts_us, t_us, side="right")
    breaks = np.flatnonzero((np.diff(t_us) > _MAX_DT_US) | (np.diff(part) > 0)) + 1
    dt_us = np.diff(t_us, prepend=t_us[:1])
    frames = []
    for begin, end in zip([0, *breaks.tolist()], [*breaks.tolist(), len(t_us)], strict=True):
        for start in range(begin, end, BATCH):
            stop = min(start + BATCH, end)
            raw = frame.raw[start:stop].copy()
            raw["dt_us"] = dt_us[start:stop]
            raw["dt_us"][0] = 0
            frames.append(Frame(t_us[start:stop], raw))
    return frames


def _rate_mhz(t_us: Int64) -> int:
    """Return the nominal rate of samples at these times, 50 Hz for a single sample."""
    steps = np.diff(t_us)
    step_us = float(np.median(steps)) if len(steps) else 20_000.0
    return min(max(round(1e9 / max(step_us, 1.0)), 1), 0xFFFFFFFF)
