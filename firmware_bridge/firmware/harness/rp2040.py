#!/usr/bin/python3
# Copyright (C) 2026 the edgehar authors
#
# This program is free software: you can redistribute it and/or modify it under the terms of the GNU
# General Public License as published by the Free Software Foundation, either version 2 of the
# License, or (at your option) any later version. It is distributed in the hope that it will be
# useful, but WITHOUT ANY WARRANTY. See <https://www.gnu.org/licenses/>.
#
# This file alone, because it uses Unicorn, which is under that licence.
"""Runs an RP2040 image with a sensor on its bus and its UART on a pseudo-terminal.

rp2040.py --image UF2 --chip SOCKET --link PATH --seconds S [--patient] [--no-int] [--hang T]

Needs Debian's python3-unicorn and the standard library. Shows how the code behaves, not how long
instructions take. Prints one line of JSON at the end.
"""

import argparse
import json
import re
import struct
from pathlib import Path

# A program for Debian's python3, outside the package: its imports exist at run time only.
import unicorn  # type: ignore[import-not-found]
from registers_rp2040 import Registers  # type: ignore[import-not-found]
from unicorn import arm_const as arm
from wire import Line, Sensor  # type: ignore[import-not-found]

FLASH, RAM = 0x10000000, 0x20000000
BOOT2, BOOT2_BYTES = 0x20041F00, 252
"""Address and length of the second boot stage, which the ROM copies (data sheet, 2.8.1)."""
RETURN = 0x08000000
"""Return address of a handler, in place of the core's EXC_RETURN."""
TRAP = FLASH + (1 << 20)
SLICE = 2000
"""The most instructions run at a time."""
INSTRUCTIONS_PER_US = 8
WFI, HANG = b"\x30\xbf", b"\xfe\xe7"
REGISTERS = ((0x18000000, 0x1000), (0x40000000, 0x80000), (0xD0000000, 0x1000),
             (0xE000E000, 0x1000))  # fmt: skip
PUSHED = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3,
          arm.UC_ARM_REG_R12, arm.UC_ARM_REG_LR)  # fmt: skip
UF2 = (0x0A324655, 0x9E5D5157, 0x2000, 0xE48BFF56)


def unpacked(uf2: bytes) -> bytes:
    """Return the image in UF2 blocks; exits if a block or the CRC of the boot stage is wrong."""
    image = bytearray()
    for at in range(0, len(uf2), 512):
        begin, second, flags, address, size, _, _, family = struct.unpack_from("<8I", uf2, at)
        if (begin, second, flags, family, address) != (*UF2, FLASH + len(image)):
            raise SystemExit(f"not a UF2 image for an RP2040: block at byte {at}")
        image += uf2[at + 32 : at + 32 + size]
    crc = 0xFFFFFFFF
    for byte in image[:252]:
        for bit in range(7, -1, -1):
            top = crc >> 31 ^ byte >> bit & 1
            crc = (crc << 1 ^ 0x04C11DB7 * top) & 0xFFFFFFFF
    if crc != int.from_bytes(image[252:256], "little"):
        raise SystemExit("the ROM would refuse the image: wrong CRC of the second boot stage")
    return bytes(image)


class Core:
    """A Cortex-M0+, its memory and its exceptions."""

    def __init__(self, image: bytes, sensor: Sensor, line: Line, wired: bool) -> None:
        self._image, self._line = image, line
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M0)
        self.registers = Registers(sensor, line, wired, uc.emu_stop)
        uc.mem_map(FLASH, 2 << 20)
        uc.mem_write(FLASH, image)
        uc.mem_write(TRAP, HANG)
        uc.mem_map(RAM, 272 << 10)
        uc.mem_map(RETURN, 0x1000)
        for base, size in REGISTERS:
            uc.mmio_map(
                base, size,
                lambda _, at, __, base: self.registers.read(base + at), base,
                lambda _, at, __, value, base: self.registers.write(base + at, value), base,
            )  # fmt: skip
        for match in re.finditer(WFI, image):  # a constant with this value never runs
            at = FLASH + match.start()
            uc.hook_add(unicorn.UC_HOOK_CODE, self._sleep, begin=at, end=at)
        self._uc = uc
        self._reset()

    def _reset(self) -> None:
        """Set the state in which the ROM starts the second boot stage."""
        self._asleep = False
        self._frames: list[int] = []
        self._uc.mem_write(BOOT2, self._image[:BOOT2_BYTES])
        self._uc.reg_write(arm.UC_ARM_REG_SP, BOOT2)
        self._uc.reg_write(arm.UC_ARM_REG_PRIMASK, 0)
        self._pc = BOOT2 | 1

    def hang(self) -> None:
        """Put the program into an endless loop until the next reset."""
        self._pc = TRAP | 1
        self._asleep = False

    def _sleep(self, uc: unicorn.Uc, at: int, size: int, data: object) -> None:  # noqa: ARG002
        self._asleep = True
        uc.emu_stop()

    def _enter(self, number: int) -> None:
        """Push the core's exception frame, and jump to the handler."""
        uc, sp = self._uc, self._uc.reg_read(arm.UC_ARM_REG_SP)
        frame = [uc.reg_read(one) for one in PUSHED]
        below = (sp - 32) & ~7
        uc.mem_write(below, struct.pack("<8I", *frame, self._pc, uc.reg_read(arm.UC_ARM_REG_XPSR)))
        self._frames.append(sp)
        uc.reg_write(arm.UC_ARM_REG_SP, below)
        uc.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        (self._pc,) = struct.unpack("<I", uc.mem_read(self.registers.vector(number), 4))

    def _leave(self) -> None:
        uc, below = self._uc, self._uc.reg_read(arm.UC_ARM_REG_SP)
        *frame, self._pc, flags = struct.unpack("<8I", uc.mem_read(below, 32))
        for one, value in zip(PUSHED, frame, strict=True):
            uc.reg_write(one, value)
        uc.reg_write(arm.UC_ARM_REG_XPSR, flags)
        uc.reg_write(arm.UC_ARM_REG_SP, self._frames.pop())

    def run(self, until_us: int) -> None:
        """Run until `until_us`."""
        registers, worked_us = self.registers, 0
        while registers.now_us < until_us:
            if registers.process_events():
                self._reset()
            pending = registers.pending()
            if self._asleep and pending is None:
                self._line.work()
                if not self._line.received:
                    registers.now_us = max(registers.due_us(), registers.now_us + 1)
                continue
            if self._asleep:
                self._asleep = False
                self._pc += len(WFI)
            self._step(pending)
            if registers.now_us - worked_us > 1000:
                self._line.work()
                worked_us = registers.now_us

    def _step(self, pending: int | None) -> None:
        """Run until an event, or at most SLICE instructions."""
        uc, before_us = self._uc, self.registers.now_us
        masked = False
        if pending is not None and not self._frames:
            masked = bool(uc.reg_read(arm.UC_ARM_REG_PRIMASK))
            if not masked:
                self._enter(pending)
        # Up to the next interrupt. A masked interrupt needs single steps: it is due once unmasked.
        left_us = max(self.registers.due_us() - before_us, 1)
        count = 1 if masked else min(SLICE, left_us * INSTRUCTIONS_PER_US)
        try:
            uc.emu_start(self._pc | 1, RETURN, count=count)
        except unicorn.UcError as error:
            at = uc.reg_read(arm.UC_ARM_REG_PC)
            raise SystemExit(f"{error} at {at:#x}, after {self._pc:#x}") from error
        self._pc = uc.reg_read(arm.UC_ARM_REG_PC) | 1
        if self._pc & ~1 == RETURN:
            self._leave()
        elif not (self._asleep or masked) and self.registers.now_us == before_us:
            self.registers.now_us += count // INSTRUCTIONS_PER_US


def main() -> None:
    """Run the image as the arguments describe."""
    parser = argparse.ArgumentParser()
    for name in ("image", "chip", "link"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--hang", type=float)
    for name in ("patient", "no-int"):
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args()
    image = unpacked(options.image.read_bytes())
    line = Line(options.link, options.patient)
    while options.patient and not line.received:
        line.work(0.1)
    sensor = Sensor(str(options.chip))
    sensor.ask(b"T", 0)
    core = Core(image, sensor, line, not options.no_int)
    if options.hang is not None:
        core.run(round(options.hang * 1e6))
        core.hang()
    core.run(round(options.seconds * 1e6))
    line.work()
    line.drain()
    options.link.unlink()
    summary = {
        "interrupts": core.registers.interrupts,
        "sent_bytes": line.sent,
        "dropped_bytes": line.dropped,
        "watchdog_resets": core.registers.watchdog_resets,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
