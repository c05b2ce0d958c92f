"""Listens to a source for a time; keeps all samples and log messages, even if the source fails."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from device.sources import Health, Source
from firmware_bridge.errors import EdgeharError
from firmware_bridge.samples import Samples

SILENCE_S: Final = 8.0
"""Longest wait for a sample. A Nano takes 2 s to boot, the fit of a chip's clock 3 s."""
MOST: Final = 100_000
"""Largest number of samples, because a recording may last for days."""

Tell = Callable[[float, int], None]
"""Is called with the seconds since the first sample and the number of samples."""


@dataclass(slots=True)
class Heard:
    """Samples, counts and log messages of a source."""

    name: str
    samples: Samples
    arrivals: list[tuple[float, float]] = field(default_factory=list)
    """(device time, host time), seconds, of the newest sample of each block."""
    fullest: int = 0
    """Samples in the largest block after the first second; before, a source may hold back."""
    counts: Mapping[str, int] = field(default_factory=dict)
    health: Health = field(default_factory=Health)
    nominal_hz: float | None = None
    messages: list[str] = field(default_factory=list)
    """Information that the source logged, the latest last."""
    warnings: list[str] = field(default_factory=list)
    """Warnings that the source logged, each once, and the error that stopped it."""


def listen(source: Source, seconds: float, tell: Tell) -> Heard:
    """Take samples for this time from the first one on. Raises nothing."""
    heard = Heard(source.name, Samples.joined([]))
    blocks: list[Samples] = []
    with _logged(heard):
        try:
            _listen(source, seconds, tell, heard, blocks)
        except (EdgeharError, OSError) as error:
            heard.warnings.append(str(error))
        heard.counts, heard.health = dict(source.counts), source.health
    heard.nominal_hz = source.nominal_hz
    heard.samples = Samples.joined(blocks)
    return heard


def _listen(
    source: Source, seconds: float, tell: Tell, heard: Heard, blocks: list[Samples]
) -> None:
    begun: float | None = None
    last = time.monotonic()
    live = not source.name.startswith("recording:")
    count = 0
    with closing(source.blocks()) as coming:
        for block in coming:
            now = time.monotonic()
            if len(block):
                begun, last = begun or now, now
                blocks.append(block)
                count += len(block)
                heard.arrivals.append((float(block.t_s[-1]), now))
                if now - begun > 1:
                    heard.fullest = max(heard.fullest, len(block))
            since = now - begun if begun else 0.0
            tell(since, count)
            if count >= MOST or now - last > SILENCE_S or (live and since >= seconds):
                return


@contextmanager
def _logged(heard: Heard) -> Iterator[None]:
    logger = logging.getLogger("device.sources")
    handler, before = _Into(heard), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Into(logging.Handler):
    def __init__(self, heard: Heard) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno < logging.WARNING:
            self._heard.messages.append(text)
        elif text not in self._heard.warnings:
            self._heard.warnings.append(text)
