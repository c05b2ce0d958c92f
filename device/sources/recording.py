"""A recording as a source, at the speed of reading."""

from collections.abc import Generator
from pathlib import Path

from device.sources import Health
from firmware_bridge.recording import RecordingError, read_blocks
from firmware_bridge.samples import Samples


class RecordingSource:
    """Samples of a recording, on the recording's clock."""

    def __init__(self, path: str | Path) -> None:
        self.name = f"recording:{path}"
        self.counts: dict[str, int] = {}
        self.health = Health()
        self.nominal_hz: float | None = None
        self._path = path

    def blocks(self) -> Generator[Samples]:
        """Yield the samples. Raises RecordingError, also for a recording without samples."""
        empty = True
        for block in read_blocks(self._path):
            empty = empty and not len(block)
            yield block
        if empty:
            raise RecordingError(f"{self._path}: has no samples")

    def date(self, t_s: float | None) -> None:
        """Return None: a recording has no date."""
