# Copyright (C) 2026 the edgehar authors
#
# This program is free software: you can redistribute it and/or modify it under the terms of the GNU
# General Public License as published by the Free Software Foundation, either version 2 of the
# License, or (at your option) any later version. It is distributed in the hope that it will be
# useful, but WITHOUT ANY WARRANTY. See <https://www.gnu.org/licenses/>.
#
# This file alone, because it uses Unicorn, which is under that licence.
"""The RP2040's registers, as far as the firmware uses them. Its UART sends without delay."""

from collections.abc import Callable

from wire import Line, Sensor  # type: ignore[import-not-found]  # in this folder at run time

POLL_US, BYTE_US = 3, 25
SDA, SCL, INT = 1 << 4, 1 << 5, 6
IRQ_TIMER, IRQ_GPIO, IRQ_UART = 0, 13, 20
ATOMIC = 0x3000
"""Alias of a register by these address bits: 1 flips, 2 sets, 3 clears bits (data sheet, 2.1.2)."""

CHIP_RESET = 0x40064008
CLK_REF_CTRL, CLK_REF_SELECTED = 0x40008030, 0x40008038
XOSC_STATUS, RESETS_DONE = 0x40024004, 0x4000C008
GPIO_INTR, GPIO_INTE = 0x400140F0, 0x40014100
UART_DR, UART_FR, UART_IMSC = 0x40034000, 0x40034018, 0x40034038
I2C_TAR, I2C_DATA_CMD, I2C_RAW_INTR = 0x40044004, 0x40044010, 0x40044034
I2C_ENABLE, I2C_RXFLR, I2C_ABORT = 0x4004406C, 0x40044078, 0x40044080
ALARM0, TIMER_RAWH, TIMER_RAWL = 0x40054010, 0x40054024, 0x40054028
TIMER_INTR, TIMER_INTE = 0x40054034, 0x40054038
WATCHDOG_CTRL, WATCHDOG_LOAD, WATCHDOG_REASON = 0x40058000, 0x40058004, 0x40058008
GPIO_IN, GPIO_OE_SET, GPIO_OE_CLR = 0xD0000004, 0xD0000024, 0xD0000028
NVIC_ISER, VTOR = 0xE000E100, 0xE000ED08


class Registers:
    """The registers, and the time in µs."""

    def __init__(self, sensor: Sensor, line: Line, wired: bool, due: Callable[[], None]) -> None:
        """Call `due` when an interrupt becomes due while the program waits."""
        self._sensor, self._line, self._wired, self._due = sensor, line, wired, due
        self.now_us = self.interrupts = self.watchdog_resets = 0
        self._reads: dict[int, Callable[[], int]] = {
            CLK_REF_SELECTED: lambda: 1 << self._values.get(CLK_REF_CTRL, 0),
            XOSC_STATUS: lambda: 1 << 31,
            RESETS_DONE: lambda: 0xFFFFFFFF,
            UART_FR: lambda: 0 if line.received else 1 << 4,
            UART_DR: lambda: line.received.pop(0) if line.received else 0,
            I2C_DATA_CMD: lambda: self._answer.pop(0) if self._answer else 0,
            I2C_RAW_INTR: lambda: (self.now_us >= self._stop_us) << 9 | self._abort << 6,
            I2C_RXFLR: lambda: len(self._answer),
            I2C_ABORT: lambda: self._abort,
            TIMER_RAWH: lambda: self._time() >> 32,
            TIMER_RAWL: lambda: self._time() & 0xFFFFFFFF,
            GPIO_IN: lambda: (SDA | SCL) & ~self._low & ~(SDA if sensor.sda_low else 0),
        }
        self._writes: dict[int, Callable[[int], None]] = {
            UART_DR: lambda value: line.out.append(value & 0xFF),
            I2C_DATA_CMD: self._command,
            I2C_ENABLE: lambda _: self._begin(),
            TIMER_INTR: lambda _: setattr(self, "_alarm", False),
            GPIO_INTR: lambda _: setattr(self, "_edge", False),
            WATCHDOG_LOAD: lambda _: setattr(self, "_kicked_us", self.now_us),
            GPIO_OE_SET: lambda value: setattr(self, "_low", self._low | value),
            GPIO_OE_CLR: self._release,
        }
        self.reset()

    def reset(self) -> None:
        """Set power-on values. The time continues; the timer restarts at 0."""
        self._values = {CHIP_RESET: 1 << 8}
        self._alarm = self._edge = False
        self._kicked_us = self._began_us = self._stop_us = self.now_us
        self._low = self._abort = 0
        self._commands: list[int] = []
        self._answer = bytearray()

    def read(self, at: int) -> int:
        """Return the value of a register."""
        return self._reads[at]() if at in self._reads else self._values.get(at, 0)

    def write(self, at: int, value: int) -> None:
        """Write to a register, or to an alias of it."""
        if at >> 28 == 4:
            at, how = at & ~ATOMIC, at & ATOMIC
            old = self._values.get(at, 0)
            value = (value, old ^ value, old | value, old & ~value)[how >> 12]
        self._values[at] = value
        if at in self._writes:
            self._writes[at](value)

    # ---- I2C and pins

    def _begin(self) -> None:
        self._abort = 0
        self._answer.clear()
        self._commands.clear()

    def _command(self, value: int) -> None:
        self._commands.append(value)
        if not value & 1 << 9:
            return
        self._take_interrupts()
        commands, self._commands = self._commands, []
        written = bytes(one & 0xFF for one in commands if not one & 1 << 8)
        count = len(commands) - len(written)
        self._stop_us = self.now_us + BYTE_US * (1 + len(commands) + (count > 0))
        here = self._values.get(I2C_TAR) == 0x68
        good = here and self._sensor.ask(b"W", self.now_us, written)[0]
        for number in range(count if good else 0):
            good, byte = self._sensor.ask(b"C" if number else b"R", self.now_us, count=1)
            self._answer += byte
        self._abort = 0 if good else 1

    def _release(self, value: int) -> None:
        if self._low & value & SCL and self._sensor.sda_low:
            self._take_interrupts()
            self._sensor.ask(b"K", self.now_us)
        self._low &= ~value

    # ---- time and interrupts

    def _time(self) -> int:
        self.now_us += POLL_US
        if self.now_us >= self.due_us():
            self._due()
        return self.now_us - self._began_us

    def due_us(self) -> int:
        """Return when the next event is due; at most 10 ms from now."""
        due = [self.now_us + 10_000]
        if self._sensor.due_us >= 0:
            due.append(self._sensor.due_us)
        if ALARM0 in self._values and self._values.get(TIMER_INTE):
            due.append(self._began_us + self._values[ALARM0])
        return min(due)

    def _take_interrupts(self) -> None:
        while 0 <= self._sensor.due_us <= self.now_us:
            self.interrupts += 1
            self._edge |= self._wired
            self._sensor.ask(b"T", self._sensor.due_us)

    def process_events(self) -> bool:
        """Process the events that are due; return whether the watchdog has reset the chip."""
        self._take_interrupts()
        if ALARM0 in self._values and self._began_us + self._values[ALARM0] <= self.now_us:
            del self._values[ALARM0]
            self._alarm = True
        # The counter decreases by two each microsecond (RP2040-E1).
        patience_us = self._values.get(WATCHDOG_LOAD, 0) // 2
        bites = self.now_us - self._kicked_us > patience_us
        if not (self._values.get(WATCHDOG_CTRL, 0) >> 30 and bites):
            return False
        self.watchdog_resets += 1
        self.reset()
        self._values[WATCHDOG_REASON] = 1
        return True

    def pending(self) -> int | None:
        """Return the next interrupt to handle."""
        raised = {
            IRQ_TIMER: self._alarm,
            IRQ_GPIO: self._edge and self._values.get(GPIO_INTE, 0) & 8 << 4 * INT,
            IRQ_UART: self._line.received and self._values.get(UART_IMSC, 0),
        }
        on = self._values.get(NVIC_ISER, 0)
        return next(
            (number for number, is_up in raised.items() if is_up and on >> number & 1), None
        )

    def vector(self, number: int) -> int:
        """Return the location of the address of an interrupt's handler."""
        return self._values[VTOR] + 4 * (16 + number)
