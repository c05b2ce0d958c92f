"""Turns bytes into messages: finds the frames in any stream and counts damage and losses."""

from dataclasses import dataclass

from firmware_bridge import framing
from firmware_bridge.protocol import HEADER, MAX_CONTENT, Command, Hello, Message, signed32, unpack

MAX_FRAME = MAX_CONTENT + 2 + (MAX_CONTENT + 2) // 254 + 1
"""Bytes of the longest frame, without its delimiters."""

_RECENT = 64
"""Frames remembered, to tell a repeated frame from a rebooted device's frame of the same number."""


@dataclass(slots=True)
class DecoderCounts:
    """What a decoder has counted, in frames."""

    frames: int = 0
    """Intact and passed on."""
    lost: int = 0
    """Missing by their sequence number. A reordered frame counts here, and as stale."""
    stale: int = 0
    """Repeated, or overtaken by a later frame; not passed on."""
    bad_crc: int = 0
    """Damaged."""
    too_long: int = 0
    """Longer than any frame; dropped before they fill the memory."""
    unknown: int = 0
    """Intact, but of a type or length that this version does not know; skipped."""
    resyncs: int = 0
    """Intact frames found after damage."""
    restarts: int = 0
    """New sequences: the device rebooted, or was silent for very long."""


class Decoder:
    """Accepts any bytes in any chunking, never raises, buffers at most one frame."""

    def __init__(self) -> None:
        self.counts = DecoderCounts()
        self._rest = b""
        self._skipping = False
        self._damaged = False
        self._boot: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._last: tuple[int, int] | None = None
        self._recent: list[tuple[int, int]] = [(-1, 0)] * _RECENT

    def reopened(self) -> None:
        """Forget the partly received frame and the numbering: another device or boot may follow."""
        self._rest, self._skipping = b"", False
        self._begin()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that `data` completes."""
        *frames, rest = (self._rest + data).split(framing.DELIMITER)
        messages = []
        for frame in frames:
            if self._skipping:  # the tail of a frame already counted as too long
                self._skipping = False
            elif frame and (message := self._open(frame)) is not None:
                messages.append(message)
        if not self._skipping and len(rest) > MAX_FRAME:
            self._skipping = True
            self._reject_long()
        self._rest = b"" if self._skipping else rest
        return messages

    def _reject_long(self) -> None:
        self.counts.too_long += 1
        self._damaged = True

    def _open(self, frame: bytes) -> Message | None:
        if len(frame) > MAX_FRAME:
            self._reject_long()
            return None
        content = framing.unseal(frame)
        if content is None or len(content) < HEADER.size:
            self.counts.bad_crc += 1
            self._damaged = True
            return None
        if self._damaged:
            self.counts.resyncs += 1
            self._damaged = False
        message = unpack(content)
        if isinstance(message, Command):  # the board does not number its requests
            self.counts.frames += 1
            return message
        _, seq, _, index = HEADER.unpack_from(content)
        place = seq, index, hash(content)
        first = isinstance(message, Hello) and self._boot is None
        if isinstance(message, Hello):
            if message.boot != self._boot and not first and self._last is not None:
                self._restart()
            self._boot = message.boot
        if not self._in_order(*place):
            if not first:
                self.counts.stale += 1
                return None
            # The frames before this hello came from an unknown boot.
            self._restart()
            self._in_order(*place)
        if message is None:
            self.counts.unknown += 1
        else:
            self.counts.frames += 1
        return message

    def _in_order(self, seq: int, index: int, mark: int) -> bool:
        """Count the frames missing before frame `seq`; False if it is late or repeated."""
        if self._last is not None:
            ahead = (seq - self._last[0]) & 0xFFFF
            newer = signed32(index - self._last[1])
            if 0 < ahead < 0x8000 and newer >= 0:
                self.counts.lost += ahead - 1
            elif (-ahead & 0xFFFF) >= _RECENT or newer > 0:
                self._restart()
            else:
                recent_seq, recent_mark = self._recent[seq % _RECENT]
                # An old number with new content: the device rebooted and numbers from 0 again.
                if recent_seq != seq or recent_mark == mark:
                    return False
                self._restart()
        self._last = seq, index
        self._recent[seq % _RECENT] = seq, mark
        return True

    def _restart(self) -> None:
        self.counts.restarts += 1
        self._begin()
