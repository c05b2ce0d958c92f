"""Where samples come from: each source is an iterator of blocks of Samples."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from firmware_bridge.errors import EdgeharError
from firmware_bridge.samples import Samples


class SourceError(EdgeharError):
    """A source cannot be used; waiting would not help."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a sensor is."""

    temperature_c: float | None = None
    """Of the chip; None where nobody says."""
    problems: tuple[str, ...] = ()
    """Of `stuck`, `clipping`, `bus errors` and `no data`: each what is so now."""
    clock_ppm: float | None = None
    """How much faster the sensor's clock runs than the host's, in millionths; None: not known."""
    fifo_free: float | None = None
    """Share of the chip's FIFO that was still free when it was last read; None: nobody says."""


class Source(Protocol):
    """What gives samples."""

    name: str

    @property
    def nominal_hz(self) -> float | None:
        """The rate that the sensor is set to; None where nobody says."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What arrived and what did not, for the log."""

    @property
    def health(self) -> Health:
        """How the sensor is now."""

    def blocks(self) -> Generator[Samples]:
        """Yield blocks until the end; closing the generator lets go of what is open.

        A live source never ends, and yields an empty block at least every half second.
        """

    def date(self, t_s: float | None) -> str | None:
        """UTC, ISO 8601, of a time on the sensor's clock (None: now); None for a recording."""


class DelegatingSource:
    """A source that is another one in everything but its blocks."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source

    @property
    def nominal_hz(self) -> float | None:
        """That of the source."""
        return self._source.nominal_hz

    @property
    def counts(self) -> Mapping[str, int]:
        """Those of the source; samples that are yielded again are not counted again."""
        return self._source.counts

    @property
    def health(self) -> Health:
        """That of the source: of what the sensor reads."""
        return self._source.health

    def date(self, t_s: float | None) -> str | None:
        """Return UTC, ISO 8601, as the source does."""
        return self._source.date(t_s)
