"""Stores the latest raw samples in a ring of files of bounded size; `edgehar label` reads them.

Writes are not flushed, to spare an SD card: a power cut loses the samples that Linux has not
written yet, about half a minute.
"""

import contextlib
import errno
import os
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from device.decision.decision import Decision
from device.host import clock
from device.host.clock import Reading
from device.labels import layout
from device.labels.chunk import MOST, packed
from device.sinks import SinkError
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Samples

EVERY_S: Final = 5.0
"""Time between two writes: a killed daemon loses at most this."""
GAP_S: Final = 1.0
"""A longer step of the sensor's clock begins a new chunk: the clock may have been set."""
_LONGEST_BLOCK_S: Final = 60.0
WAITING_BYTES: Final = 256 * 1024
"""Bytes that wait in memory while the disk is full: about ten minutes."""
_MOST_FILE_BYTES: Final = 1_000_000
_FILES: Final = 16
"""Smallest number of files: deleting the oldest one must not delete everything."""
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class RawRing:
    """A sink for uncalibrated samples, which the source passes to `keep`."""

    def __init__(
        self,
        folder: Path,
        max_mb: int,
        date: Callable[[float | None], str | None],
        now: Callable[[], Reading] = clock.read,
    ) -> None:
        """Create the folder; `date` converts a time on the sensor's clock to UTC, ISO 8601.

        Raises InputError if the folder cannot be used. A full disk is no error here: `status`
        tries again.
        """
        self.name = f"labels {folder}"
        self._folder, self._date, self._now = folder, date, now
        self._most_bytes = 1_000_000 * max_mb
        self._file_bytes = min(_MOST_FILE_BYTES, self._most_bytes // _FILES)
        self._boot = now().boot_bytes or os.urandom(16)
        self._pending: list[Samples] = []
        self._size = 0
        self._times: list[tuple[float, float]] = []
        self._end_s = float("-inf")
        self._waiting: deque[bytes] = deque()
        self._failed = False
        self._written_s = now().boot_s
        self._path: Path | None = None
        self._path_bytes = 0
        try:
            layout.make(folder)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                reason = f"{error.strerror}; see labels.folder in the settings"
                raise InputError(f"cannot keep raw samples in {folder}: {reason}") from error

    @property
    def queued(self) -> int:
        """Number of chunks that wait to be written."""
        return len(self._waiting)

    def keep(self, block: Samples) -> None:
        """Add a block of the source. Never waits and never fails."""
        if not len(block):
            return
        if block.lost:
            self._cut()
        self._pending.append(block)
        self._times.append(self._when(float(block.t_s[-1])))
        self._size += len(block)
        if self._size >= MOST:
            self._cut()

    def write(self, decision: Decision) -> None:
        """Ignore the decision: samples arrive by `keep`."""

    def status(self, _: object) -> None:
        """Write every EVERY_S seconds; raises SinkError."""
        now = self._now()
        due = now.boot_s >= self._written_s + EVERY_S
        if due:
            self._written_s = now.boot_s
            self._cut()
        # After a failure, write at every call: returning without a write would look like success.
        if due or self._failed:
            self._write()

    def close(self) -> None:
        """Write the rest."""
        self._cut()
        with contextlib.suppress(SinkError):
            self._write()

    def _when(self, t_s: float) -> tuple[float, float]:
        """Return when a sample was taken (seconds since boot) and when the board booted (UTC)."""
        now = self._now()
        date = self._date(t_s)
        ago_s = now.utc_s - datetime.fromisoformat(date).timestamp() if date else 0.0
        return now.boot_s - ago_s, now.offset_s

    def _cut(self) -> None:
        """Pack the pending samples into chunks that contain no gaps."""
        if not self._pending:
            return
        samples = Samples.joined(self._pending)
        ends, times = np.cumsum([len(part) for part in self._pending]).tolist(), self._times
        self._pending, self._times, self._size = [], [], 0

        def taken_s(at: int) -> float:
            block = bisect_right(ends, at)
            before_s = float(samples.t_s[ends[block] - 1]) - float(samples.t_s[at])
            return times[block][0] - (before_s if 0 <= before_s <= _LONGEST_BLOCK_S else 0.0)

        with np.errstate(invalid="ignore", over="ignore"):  # a faulty clock can give any times
            steps_s = np.diff(samples.t_s)
        gaps = np.flatnonzero(~((steps_s >= 0) & (steps_s <= GAP_S))) + 1
        size = len(samples)
        for begin, end in pairwise(sorted({*range(0, size, MOST), *gaps.tolist(), size})):
            # The source may correct its clock fit, but the order of samples stays.
            start_s = max(taken_s(begin), self._end_s)
            self._end_s = max(taken_s(end - 1), start_s)
            _, offset_s = times[bisect_right(ends, end - 1)]
            times_s = start_s, self._end_s
            self._waiting.append(packed(samples[begin:end], self._boot, times_s, offset_s))
        while sum(map(len, self._waiting)) > WAITING_BYTES:
            self._waiting.popleft()

    def _write(self) -> None:
        data = b"".join(self._waiting)
        if not data:
            return
        try:
            _append(self._with_room(len(data)), data)
        except OSError as error:
            self._failed = True
            if error.errno == errno.ENOENT:
                self._path = None  # the folder was removed: create it again
            raise SinkError(
                f"cannot keep raw samples in {self._folder}: {error.strerror}"
            ) from error
        self._failed = False
        self._path_bytes += len(data)
        self._waiting.clear()

    def _with_room(self, size: int) -> Path:
        """Return the file to append to; free the space of a whole file before a new one begins."""
        if self._path is not None and self._path_bytes + size <= self._file_bytes:
            return self._path
        layout.make(self._folder)
        files = layout.files(layout.raw(self._folder))
        number = int(files[-1].stem) + 1 if files else 1
        sizes = {path: layout.on_disk(path) for path in files}
        left = sum(sizes.values()) + layout.blocks_bytes(self._file_bytes)
        for path, freed in sizes.items():
            if left <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            left -= freed
        self._path = layout.raw(self._folder) / f"{number:08}{layout.ENDING}"
        self._path_bytes = 0
        return self._path


def _append(path: Path, data: bytes) -> None:
    """Append all of data or nothing; raises OSError."""
    descriptor = os.open(path, _APPEND, layout.FILE_MODE)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        if file.write(data) != len(data):
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
