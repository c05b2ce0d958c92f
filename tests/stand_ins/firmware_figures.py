"""How well the firmware does: `python -m tests.stand_ins.firmware_figures [SECONDS]`.

Runs its image for the ATmega328P at 50, 100 and 200 Hz, the sensor's oscillator 0.03 % fast, and
prints the table of firmware/README.md.
"""

import os
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from firmware_bridge.decoder import Decoder
from firmware_bridge.framing import seal
from firmware_bridge.protocol import SAMPLE, Batch, Code, Command, Hello, pack
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import still
from tests.stand_ins.firmware import Happening, Image, Simulation, build_avr

RATES_HZ = (50, 100, 200)
PPM = 300
_SETTLED = 5
"""Frames until the new rate holds."""
_FASTEST = 5
"""The simulation runs so many times faster than life, or more."""


def row(image: Image, folder: Path, rate_hz: int, seconds: float) -> str:
    """Return a row of the table. Raises FirmwareError."""
    link = folder / "port"
    heard: list[bytes] = []

    def send(code: Code, argument: int) -> None:
        port = os.open(link, os.O_WRONLY | os.O_NOCTTY)
        os.write(port, seal(pack(Command(code, argument))))
        os.close(port)

    def read() -> None:
        while not link.is_symlink():
            time.sleep(0.01)
        port = os.open(link, os.O_RDONLY | os.O_NOCTTY)
        send(Code.HELLO, 0)
        try:
            while data := os.read(port, 4096):
                heard.append(data)
        except OSError:  # the line has gone: the end
            os.close(port)

    chip = Chip(still, ppm=PPM)
    happenings = [
        Happening(500_000, lambda _, __: send(Code.SET_RATE, rate_hz * 1000)),
        Happening(round(seconds * 1e6) - 1_000_000, lambda _, __: send(Code.STOP, 0)),
    ]
    reader = threading.Thread(target=read, daemon=True)
    with Simulation(image, chip, link, seconds, "--patient", happenings=happenings) as running:
        reader.start()
        said = running.wait(60 + seconds / _FASTEST)
        reader.join()
    messages = Decoder().feed(b"".join(heard))
    batches = [message for message in messages if isinstance(message, Batch)]
    taken = [message.index for message in messages if isinstance(message, Hello)][-1]
    sent = sum(map(len, batches))
    index = np.concatenate([one.index + np.arange(len(one)) for one in batches[_SETTLED:]])
    t_us = np.concatenate(
        [
            one.time_us + np.cumsum(np.frombuffer(one.samples, SAMPLE)["dt_us"], dtype=np.int64)
            for one in batches[_SETTLED:]
        ]
    )
    off_us = t_us - np.polyval(np.polyfit(index, t_us, 1), index)
    return (
        f"| {rate_hz} Hz | {taken - sent:,} of {taken:,} | {np.abs(off_us).max():.1f} µs"
        f" | {said['awake']:.1%} | {said['wakes_hz']:,.0f}/s | {said['stack_bytes']:.0f} bytes |"
    )


def main(seconds: float = 600.0) -> None:
    """Print the table."""
    with TemporaryDirectory(prefix="edgehar-") as name:
        folder = Path(name)
        image = build_avr(folder / "avr")
        print("| rate | samples lost | times, largest deviation | awake | woken | stack |")
        print("|---|---|---|---|---|---|")
        for rate_hz in RATES_HZ:
            print(row(image, folder, rate_hz, seconds), flush=True)
        print(f"\n{image.size}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
