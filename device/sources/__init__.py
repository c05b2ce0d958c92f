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
    """Temperature of the chip; None if unknown."""
    problems: tuple[str, ...] = ()
    """Present problems by name: `stuck`, `clipping`, `bus errors`, `no data`, …"""
    clock_ppm: float | None = None
    """Rate of the sensor's clock against the host's, minus 1, in ppm; None if unknown."""
    fifo_free: float | None = None
    """Free share of the chip's FIFO at the last read; None if unknown."""


class Source(Protocol):
    """A source of samples."""

    name: str

    @property
    def nominal_hz(self) -> float | None:
        """Sample rate that the sensor is set to, in Hz; None if unknown."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Counts of samples and of events on the line or the bus, by name."""

    @property
    def health(self) -> Health:
        """Health of the sensor now."""

    def blocks(self) -> Generator[Samples]:
        """Yield blocks until the end. Closing the generator closes the source.

        A live source never ends. It yields an empty block at least every half second.
        """

    def date(self, t_s: float | None) -> str | None:
        """Return a sensor time (None: now) as UTC, ISO 8601; None for a recording."""


class DelegatingSource:
    """A source with other blocks than `source`, and the same in all else."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source

    @property
    def nominal_hz(self) -> float | None:
        """The rate of the source."""
        return self._source.nominal_hz

    @property
    def counts(self) -> Mapping[str, int]:
        """Counts of the source."""
        return self._source.counts

    @property
    def health(self) -> Health:
        """Health of the source, from uncalibrated samples."""
        return self._source.health

    def date(self, t_s: float | None) -> str | None:
        """Return UTC, ISO 8601, as the source does."""
        return self._source.date(t_s)
