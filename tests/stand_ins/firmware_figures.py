"""Prints the table of firmware/README.md: `python -m tests.stand_ins.firmware_figures [SECONDS]`.

Runs the image for the ATmega328P at 50, 100 and 200 Hz with a sensor whose oscillator is 0.03 %
fast.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from firmware_bridge.decoder import Decoder
from firmware_bridge.framing import seal
from firmware_bridge.protocol import SAMPLE, Batch, Code, Command, Hello, pack
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import still
from tests.stand_ins.firmware import Happening, Image, Simulation, build_avr
from tests.waiting import wait_for

RATES_HZ = (50, 100, 200)
PPM = 300
_SETTLED = 5
"""Frames until the new rate is in effect."""
_SPEED = 5
"""The simulation runs at least this many times faster than real time."""


def row(image: Image, folder: Path, rate_hz: int, seconds: float) -> str:
    """Return a row of the table. Raises FirmwareError."""
    link = folder / "port"

    def send(code: Code, argument: int) -> None:
        port = os.open(link, os.O_WRONLY | os.O_NOCTTY)
        os.write(port, seal(pack(Command(code, argument))))
        os.close(port)

    def read() -> bytes:
        wait_for(link.is_symlink, "the serial port")
        port = os.open(link, os.O_RDONLY | os.O_NOCTTY)
        send(Code.HELLO, 0)
        received = bytearray()
        with suppress(OSError), os.fdopen(port, "rb", 0) as line:  # OSError: the port has gone
            while data := line.read(4096):
                received += data
        return bytes(received)

    chip = Chip(still, ppm=PPM)
    happenings = [
        Happening(500_000, lambda _, __: send(Code.SET_RATE, rate_hz * 1000)),
        Happening(round(seconds * 1e6) - 1_000_000, lambda _, __: send(Code.STOP, 0)),
    ]
    simulation = Simulation(image, chip, link, seconds, "--patient", happenings=happenings)
    with ThreadPoolExecutor() as pool, simulation as running:
        received = pool.submit(read)
        stats = running.wait(60 + seconds / _SPEED)
        messages = Decoder().feed(received.result())
    batches = [message for message in messages if isinstance(message, Batch)]
    total = [message.index for message in messages if isinstance(message, Hello)][-1]
    sent = sum(map(len, batches))
    index, t_us = list[int](), list[int]()
    for batch in batches[_SETTLED:]:
        dt_us = np.frombuffer(batch.samples, SAMPLE)["dt_us"]
        index += range(batch.index, batch.index + len(batch))
        t_us += (batch.time_us + np.cumsum(dt_us, dtype=np.int64)).tolist()
    off_us = np.array(t_us) - np.polyval(np.polyfit(index, t_us, 1), np.array(index))
    return (
        f"| {rate_hz} Hz | {total - sent:,} of {total:,} | {np.abs(off_us).max():.1f} µs"
        f" | {stats['awake']:.1%} | {stats['wakes_hz']:,.0f}/s | {stats['stack_bytes']:.0f} bytes |"
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
