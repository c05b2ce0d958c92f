"""Carries out a playing device's actions on a line, at the right times."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from firmware_bridge.decoder import Decoder
from firmware_bridge.playing.device import Frame, VirtualDevice
from firmware_bridge.playing.line import PortLine, PtyLine
from firmware_bridge.playing.plan import Action, Played
from firmware_bridge.protocol import Code, Command
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.sample_assembler import REBOOT_GAP_US

_LISTEN_S = 0.25


class Player:
    """Plays on a line, and answers when the reader requests a hello.

    Calls `on_plug` whenever the port has appeared, and each of `on_action` after every action.
    """

    def __init__(
        self,
        device: VirtualDevice,
        line: PtyLine | PortLine,
        on_plug: Callable[[Path], None] = lambda _: None,
        on_action: Iterable[Callable[[Action], None]] = (),
    ) -> None:
        self._device = device
        self._line = line
        self._on_plug = on_plug
        self._on_action = tuple(on_action)
        self._commands = Decoder()
        self._hello_requested = False
        self._answered = 0

    def play(self, actions: Iterable[Action], played: Played, speed: float | None = 1.0) -> None:
        """Play at `speed` times the pace of the recording, None: as fast as the reader reads.

        Returns when the reader has read everything. Raises LineError, and the errors of `actions`.
        """
        origin: float | None = None
        try:
            self._plug()
            for action in actions:
                at_s = action.due_us / 1e6 / speed if speed else 0.0
                if origin is None:
                    origin = time.monotonic() - at_s
                self._wait(origin + at_s if speed else 0.0, answer=action.kind == "wait")
                match action.kind:
                    case "send":
                        self._line.write(action.data)
                    case "stall":
                        self._wait(time.monotonic() + action.for_s)
                    case "unplug":
                        self._line.drain()
                        self._line.unplug()
                    case "plug":
                        origin += self._plug()
                if self._hello_requested and action.kind in {"send", "stall"}:
                    self._answer()
                for listener in self._on_action:
                    listener(action)
            self._line.drain()
        finally:
            self._line.unplug()
        played.hellos += self._answered

    def _plug(self) -> float:
        """Plug in and wait for a reader of a pty; return the seconds that this took."""
        begin_s = time.monotonic()
        self._line.plug()
        self._on_plug(self._line.path)
        self._commands.reopened()
        self._hello_requested = False
        while self._line.waits_for_reader and not self._hello_request(_LISTEN_S):
            pass
        return time.monotonic() - begin_s

    def _wait(self, until: float, *, answer: bool = False) -> None:
        """Wait, and note or answer requests for a hello. The port may be unplugged."""
        rest_s = 0.0
        while True:
            self._hello_requested |= self._hello_request(rest_s)
            if answer and self._hello_requested:
                self._answer()
            rest_s = until - time.monotonic()
            if rest_s <= 0:
                return

    def _answer(self) -> None:
        self._line.write(self._device.hello())
        self._hello_requested = False
        self._answered += 1

    def _hello_request(self, timeout_s: float) -> bool:
        messages = self._commands.feed(self._line.read(timeout_s))
        return any(isinstance(m, Command) and m.code == Code.HELLO for m in messages)


class Saver:
    """Records the delivered samples, as a reader gets them: rounded, without lost samples."""

    def __init__(self, device: VirtualDevice, out: RecordingWriter) -> None:
        self._device = device
        self._out = out
        self._frames: list[Frame] = []
        self._booted_us: int | None = None
        self._shift_us = 0
        self._last_us: int | None = None

    def take(self, action: Action) -> None:
        """Store the samples that `action` delivers."""
        if action.delivered is None:
            return
        if self._device.booted_us != self._booted_us:
            self.write()
            self._booted_us = self._device.booted_us
            self._shift_us = -self._booted_us
            if self._last_us is not None:
                first_us = int(action.delivered.t_us[0])
                self._shift_us = self._last_us + REBOOT_GAP_US - first_us
        self._frames.append(action.delivered)
        self._last_us = int(action.delivered.t_us[-1]) + self._shift_us
        if len(self._frames) >= 1000:
            self.write()

    def write(self) -> None:
        """Write the stored samples."""
        if not self._frames:
            return
        t_us = np.concatenate([frame.t_us for frame in self._frames]) + self._shift_us
        raw = np.concatenate([frame.raw for frame in self._frames])
        self._out.write(self._device.greeting().samples(t_us, raw))
        self._frames.clear()
