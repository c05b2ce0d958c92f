"""Sources: where samples come from. Each source is an iterator of blocks of Samples."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from firmware_bridge.errors import EdgeharError
from firmware_bridge.samples import Samples


class SourceError(EdgeharError):
    """A source cannot be used, and waiting does not help."""


@dataclass(frozen=True, slots=True)
class Health:
    """Health of a sensor."""

    temperature_c: float | None = None
    """Temperature of the chip; None if it is not known."""
    problems: tuple[str, ...] = ()
    """Those of `stuck`, `clipping`, `bus errors` and `no data` that hold now."""
    clock_ppm: float | None = None
    """Rate of the sensor's clock against the host's, minus 1, in ppm; None: not known."""
    fifo_free: float | None = None
    """Free share of the chip's FIFO when it was last read; None: not known."""


class Source(Protocol):
    """Gives samples."""

    name: str

    @property
    def nominal_hz(self) -> float | None:
        """The rate that the sensor is set to; None if it is not known."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Events on the line or the bus: delivered, damaged, lost."""

    @property
    def health(self) -> Health:
        """Health of the sensor now."""

    def blocks(self) -> Generator[Samples]:
        """Yield blocks until the end; closing the generator closes the source.

        A live source never ends, and yields an empty block at least every half second.
        """

    def date(self, t_s: float | None) -> str | None:
        """Return a sensor time (None: now) as UTC, ISO 8601; None for a recording."""


class DelegatingSource:
    """A source that is another one in everything but its blocks."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source

    @property
    def nominal_hz(self) -> float | None:
        """The rate of the source."""
        return self._source.nominal_hz

    @property
    def counts(self) -> Mapping[str, int]:
        """Counts of the source; samples that are yielded again are not counted again."""
        return self._source.counts

    @property
    def health(self) -> Health:
        """Health of the source, from uncalibrated samples."""
        return self._source.health

    def date(self, t_s: float | None) -> str | None:
        """Return UTC, ISO 8601, as the source does."""
        return self._source.date(t_s)
