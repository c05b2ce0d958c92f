"""Turns messages into samples: physical units, times that never wrap, exact counts of losses."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from firmware_bridge.protocol import (
    MAX_UPTIME_US,
    SAMPLE,
    VERSION,
    Batch,
    Hello,
    Message,
    OtherVersion,
    signed32,
)
from firmware_bridge.samples import Samples

REBOOT_GAP_US = 10_000_000
"""Gap inserted for a reboot, whose true length is unknown, so that time never goes back."""


@dataclass(slots=True)
class AssemblerCounts:
    """What an assembler has counted, in samples unless a field says otherwise."""

    samples: int = 0
    lost: int = 0
    """Taken by the device, never delivered. Samples before the very first message do not count."""
    before_hello: int = 0
    """Arrived before a hello gave their scale; dropped, and therefore counted as lost too."""
    reboots: int = 0
    """Reboots of the device, and replacements by another device."""


class Assembler:
    """Turns a decoder's messages, which are in order and never repeated, into blocks of samples."""

    def __init__(self) -> None:
        self.counts = AssemblerCounts()
        self.problem: str | None = None
        """Why batches are dropped although a hello arrived: one line for the log. Usually None."""
        self._hello: Hello | None = None
        """Gives the scale of the batches; None until the next hello."""
        self._boot: int | None = None
        self._reopened = False
        self._index: int | None = None
        """Of the next sample, if none is lost."""
        self._first_us = self._clock_us = 0
        """Uptime of the latest batch's first sample, and the latest known uptime."""
        self._offset_us = 0
        self._last_us: int | None = None
        self._new_boot = False
        self._lost = 0
        self._run: list[tuple[int, Batch]] = []

    def reopened(self) -> None:
        """Wait for a hello: a re-opened port may show another device, or a rebooted one."""
        self._hello = None
        self._reopened = True

    def push(self, messages: Iterable[Message]) -> list[Samples]:
        """Return the samples in `messages`, in as few blocks as the losses between them allow.

        Times continue the device's uptime, in seconds; a reboot appears as a gap of 10 s.
        """
        blocks: list[Samples] = []
        for message in messages:
            match message:
                case Batch():
                    self._batch(message, blocks)
                case Hello():
                    self._greet(message, blocks)
                case OtherVersion():
                    self._flush(blocks)
                    self._hello = None
                    self.problem = (
                        f"the device speaks version {message.protocol} of the protocol and this"
                        f" program version {VERSION}: update the older of the two"
                    )
        self._flush(blocks)
        return blocks

    def _batch(self, batch: Batch, blocks: list[Samples]) -> None:
        if self._index is None:
            self._index = batch.index
        if self._hello is not None:
            missing = signed32(batch.index - self._index)
            elapsed = max(missing, 0) * 10**9 // self._hello.rate_mhz
            expected_us = self._clock_us + elapsed
            uptime_us = expected_us + signed32(batch.time_us - expected_us)
            if missing < 0 or not self._first_us <= uptime_us <= MAX_UPTIME_US:
                self._flush(blocks)
                self._hello = None  # the device rebooted and its hello got lost
        if self._hello is None:
            self.counts.before_hello += len(batch)
            return
        self._miss(missing, blocks)
        self._index = batch.index + len(batch) & 0xFFFFFFFF
        self._first_us = self._clock_us = uptime_us
        self._run.append((uptime_us, batch))

    def _miss(self, samples: int, blocks: list[Samples]) -> None:
        if samples > 0:
            self._flush(blocks)
            self._lost += samples
            self.counts.lost += samples

    def _greet(self, hello: Hello, blocks: list[Samples]) -> None:
        index = hello.index if self._index is None else self._index
        missing = signed32(hello.index - index)
        if self._boot is None:
            missing = max(missing, 0)
        elif hello.boot != self._boot or hello.uptime_us < self._first_us or missing < 0:
            self._flush(blocks)
            self.counts.reboots += 1
            self._new_boot = True
            # The samples that a new device took before it was connected are no loss.
            same_device = not self._reopened or hello.boot == self._boot + 1 & 0xFFFF
            missing = hello.index if same_device else 0
            self._first_us = 0
        self._miss(missing, blocks)
        if self._hello is None or _scale(hello) != _scale(self._hello):
            self._flush(blocks)
        self._hello, self._boot, self._index = hello, hello.boot, hello.index
        self._clock_us = hello.uptime_us
        self._reopened, self.problem = False, None

    def _flush(self, blocks: list[Samples]) -> None:
        if not self._run or self._hello is None:
            return
        raw = np.frombuffer(b"".join([batch.samples for _, batch in self._run]), SAMPLE)
        sizes = [len(batch) for _, batch in self._run]
        starts = np.cumsum([0, *sizes[:-1]])
        since = np.cumsum(raw["dt_us"], dtype=np.int64)
        begin_us = np.array([us for us, _ in self._run], np.int64) - since[starts]
        t_us = since + np.repeat(begin_us, sizes) + self._offset_us
        if self._new_boot and self._last_us is not None:
            shift = self._last_us + REBOOT_GAP_US - int(t_us[0])
            self._offset_us += shift
            t_us += shift
        self._new_boot = False
        self._last_us = int(t_us[-1])
        blocks.append(self._hello.samples(t_us, raw, self._lost))
        self.counts.samples += len(raw)
        self._lost = 0
        self._run.clear()


def _scale(hello: Hello) -> tuple[int, int]:
    return hello.acc_full_scale_g, hello.gyro_full_scale_dps
