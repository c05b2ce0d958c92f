"""Plans when a playing device uses the line and how, faults included. No I/O."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from firmware_bridge.playing.device import Frame, VirtualDevice
from firmware_bridge.playing.faults import Event, Faults, flip, garbage
from firmware_bridge.samples import Samples

HELLO_EVERY_US = 2_000_000
_CAUSES = ("drop", "flip", "reorder", "unplug")
_SILENCE_US = 500_000
"""A wait this long is an action of its own, so that a hello can be sent in it."""


@dataclass(slots=True)
class Played:
    """Exact counts of a playback: delivered + lost = samples."""

    samples: int = 0
    """Samples of the recording, without those that no device can send (skipped)."""
    delivered: int = 0
    """Samples that arrive intact and in order."""
    lost: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_CAUSES, 0))
    """Lost samples by cause."""
    unknowable: int = 0
    """Lost samples just before a reboot: no later index reveals them to the reader."""
    frames: int = 0
    """Frames with samples that were sent, intact or not; a repeated frame counts twice."""
    hellos: int = 0
    duplicates: int = 0
    damaged: int = 0
    overtaken: int = 0
    garbage: int = 0
    stalls: int = 0
    unplugs: int = 0
    reboots: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """The next thing to do with the line."""

    due_us: int
    """Time on the recording's clock."""
    kind: str
    """send, wait, stall, unplug or plug."""
    data: bytes = b""
    for_s: float = 0.0
    """Wall-clock duration of a stall."""
    delivered: Frame | None = None
    """The samples that a reader gets from `data`."""


def stream(
    blocks: Iterable[Samples], device: VirtualDevice, faults: Faults, seed: int, played: Played
) -> Iterator[Action]:
    """Yield the device's actions and count them in `played`.

    A hello on request may be sent between two actions or during a wait, but not while another
    action is due, because that action's frames are numbered already.
    Raises InputError if a device's clock cannot show the recording's times.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    line = _Line(device, played)
    events = _timeline(faults.events)
    begin_us: int | None = None
    for frame in device.frames(blocks, [at_us / 1e6 for at_us, _, _ in events]):
        first_us = int(frame.t_us[0])
        if begin_us is None:
            begin_us = device.now_us = first_us
            yield line.hello()
        while events and begin_us + events[0][0] <= first_us:
            at_us, kind, for_s = events.pop(0)
            yield from line.event(begin_us + at_us, kind, for_s)
        last_us = int(frame.t_us[-1])
        if last_us > device.now_us + _SILENCE_US and not line.unplugged:
            yield Action(last_us, "wait")
        device.now_us = last_us
        yield from line.send(frame, faults.draw(rng), rng)
    yield from line.release()
    if begin_us is not None:
        if line.unplugged:
            yield from line.event(device.now_us, "plug", 0.0)
        yield line.hello()  # its index reveals whether the last frames got lost


class _Line:
    """Turns frames into actions; delays a frame that the next frame overtakes."""

    def __init__(self, device: VirtualDevice, played: Played) -> None:
        self._device = device
        self._played = played
        self._delayed: tuple[Frame, bytes, int] | None = None
        self.unplugged = False
        self._hello_due_us = 0

    def hello(self) -> Action:
        self._played.hellos += 1
        self._hello_due_us = self._device.now_us + HELLO_EVERY_US
        return Action(self._device.now_us, "send", self._device.hello())

    def event(self, due_us: int, kind: str, for_s: float) -> Iterator[Action]:
        yield from self.release()
        self._device.now_us = due_us
        if kind == "reboot":
            self._played.unknowable += self._device.index - self._device.shown & 0xFFFFFFFF
            self._device.reboot()
            self._played.reboots += 1
            if not self.unplugged:
                yield self.hello()
            return
        if kind == "stall":
            self._played.stalls += 1
        else:
            self.unplugged = kind == "unplug"
            self._played.unplugs += self.unplugged
        yield Action(due_us, kind, for_s=for_s)
        if kind == "plug":
            yield self.hello()

    def send(self, frame: Frame, fault: str | None, rng: random.Random) -> Iterator[Action]:
        played, due_us = self._played, int(frame.t_us[-1])
        periodic = due_us >= self._hello_due_us
        if periodic and not self._delayed and not self.unplugged:
            yield self.hello()
        seq = self._device.seq
        data = self._device.batch(frame)
        played.samples += len(frame)
        if self.unplugged:
            played.lost["unplug"] += len(frame)
        elif self._delayed:
            yield self._deliver(frame, data)
            yield from self.release()
        elif fault == "drop":
            played.lost["drop"] += len(frame)
        elif fault == "reorder":
            self._delayed = frame, data, seq
        elif fault == "flip":
            played.lost["flip"] += len(frame)
            played.frames += 1
            played.damaged += 1
            yield Action(due_us, "send", flip(data, rng))
        else:
            if fault == "duplicate":
                played.frames += 1
                played.duplicates += 1
                data += data
            elif fault == "garbage":
                played.garbage += 1
                data = garbage(rng) + data
            yield self._deliver(frame, data)

    def release(self) -> Iterator[Action]:
        """Send the delayed frame: lost to the reader if another frame was sent before it."""
        if self._delayed is None:
            return
        frame, data, seq = self._delayed
        self._delayed = None
        if self._device.seq == seq + 1 & 0xFFFF:
            yield self._deliver(frame, data)
            return
        self._played.frames += 1
        self._played.overtaken += 1
        self._played.lost["reorder"] += len(frame)
        yield Action(self._device.now_us, "send", data)

    def _deliver(self, frame: Frame, data: bytes) -> Action:
        self._played.frames += 1
        self._played.delivered += len(frame)
        self._device.shown = self._device.index
        return Action(int(frame.t_us[-1]), "send", data, delivered=frame)


def _timeline(events: Iterable[Event]) -> list[tuple[int, str, float]]:
    """Return (µs into the recording, kind, seconds) by time; an unplug ends with a plug."""
    timeline = []
    for event in events:
        at_us = round(event.at_s * 1e6)
        timeline.append((at_us, event.kind, event.for_s))
        if event.kind == "unplug":
            timeline.append((at_us + round(event.for_s * 1e6), "plug", 0.0))
    return sorted(timeline, key=lambda entry: entry[0])
