"""A simulated microcontroller without a daemon: events on its bus and line, and its messages."""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.decoder import Decoder
from firmware_bridge.framing import seal
from firmware_bridge.protocol import SAMPLE, Batch, Code, Command, Message, pack
from firmware_bridge.simulator.chip import Chip
from tests.stand_ins.firmware import Happening, Image, Simulation
from tests.waiting import wait_for

T = TypeVar("T")


def command(code: Code, argument: int = 0) -> bytes:
    """Return a command's frame."""
    return seal(pack(Command(code, argument)))


def at(seconds: float, act: Callable[[Chip, int], None]) -> Happening:
    return Happening(round(seconds * 1e6), act)


def say(link: Path, data: bytes) -> Callable[[Chip, int], None]:
    """Send bytes to the device, as another program at the same port would."""

    def act(chip: Chip, now_us: int) -> None:  # noqa: ARG001
        port = os.open(link, os.O_WRONLY | os.O_NOCTTY)
        os.write(port, data)
        os.close(port)

    return act


def silent(seconds: float) -> Callable[[Chip, int], None]:
    def act(chip: Chip, now_us: int) -> None:
        chip.nack_until_us = now_us + round(seconds * 1e6)

    return act


def hold_sda(clocks: int) -> Callable[[Chip, int], None]:
    """Hold SDA low for a number of clocks."""
    return lambda chip, now_us: setattr(chip, "sda_low_clocks", clocks)  # noqa: ARG005


def run(
    image: Image,
    chip: Chip,
    link: Path,
    seconds: float,
    *options: str,
    happenings: Iterable[Happening] = (),
    cut: int = 0,
) -> tuple[list[Message], dict[str, float]]:
    """Run a simulation to its end; return all messages, and the simulator's summary.

    At most `cut` frames may be damaged.
    """
    heard: list[bytes] = []
    options = ("--patient", *options)
    with Simulation(image, chip, link, seconds, *options, happenings=happenings) as simulation:
        wait_for(link.is_symlink, "the simulator's port")
        port = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(port, command(Code.HELLO))

        def read() -> None:
            with suppress(OSError):  # the simulator has closed the line
                while data := os.read(port, 4096):
                    heard.append(data)

        reader = threading.Thread(target=read)
        reader.start()
        summary = simulation.wait()
        reader.join()
        os.close(port)
    decoder = Decoder()
    messages = decoder.feed(b"".join(heard))
    assert decoder.counts.lost == decoder.counts.unknown == 0
    assert decoder.counts.bad_crc <= cut
    return messages, summary


def only(kind: type[T], messages: list[Message]) -> list[T]:
    return [message for message in messages if isinstance(message, kind)]


def sample_times(batches: list[Batch]) -> NDArray[np.int64]:
    """Return the times of all samples, µs."""
    steps = (np.frombuffer(one.samples, SAMPLE)["dt_us"] for one in batches)
    sums = (np.cumsum(step, dtype=np.int64) for step in steps)
    return np.concatenate([one.time_us + passed for one, passed in zip(batches, sums, strict=True)])
