"""A microcontroller's reports on its sensor: totals over reboots, and log lines. Pure."""

from firmware_bridge.protocol import Reset, Status, Trouble

_PROBLEMS = (
    (Trouble.NO_ANSWER, "bus errors", "the sensor does not answer; check its supply, SDA and SCL"),
    (Trouble.BUS_STUCK, "bus errors", "SDA or SCL is held low; check both, or switch off and on"),
    (Trouble.WRONG_CHIP, "unknown chip", "the firmware does not know this kind of sensor"),
    (Trouble.NO_INTERRUPT, "no interrupt", "no interrupt: times are estimated; wire its pin INT"),
)
"""Trouble, its name in a source's health, and the log line."""
_CAUSES = {Reset.WATCHDOG: "its watchdog", Reset.BROWN_OUT: "a dip of its supply"}
_COUNTED = {
    "overflowed": "samples overflowed in the sensor",
    "chip_restarts": "times the sensor was set up again",
}


class DeviceStatus:
    """Takes each status; `totals` counts since the first status."""

    def __init__(self) -> None:
        self.totals = {"overflowed": 0, "bus_faults": 0, "chip_restarts": 0}
        self.temperature_c: float | None = None
        self._last: Status | None = None
        self._boot: int | None = None
        self._new_boot = False
        self._trouble = Trouble(0)

    @property
    def problems(self) -> tuple[str, ...]:
        """Names of the present problems."""
        return tuple(dict.fromkeys(name for one, name, _ in _PROBLEMS if one in self._trouble))

    def booted(self, boot: int) -> None:
        """Take a hello's boot counter. After a new boot the device's own counters begin at 0."""
        if self._boot not in {None, boot}:
            self._last, self._new_boot = None, True
            self._trouble = Trouble(0)
        self._boot = boot

    def hear(self, status: Status) -> list[str]:
        """Take a status; return its changes as lines for the log."""
        last, new_boot = self._last, self._new_boot
        self._last, self._new_boot = status, False
        self.temperature_c = status.temperature_c
        lines = []
        if new_boot and Reset.POWER not in status.reset:  # power-on sets other causes too
            lines += [f"{by} reset it" for cause, by in _CAUSES.items() if cause in status.reset]
        if last is not None or new_boot:  # events before the first status are not counted
            lines += self._count(status, last)
        added, ended = status.trouble & ~self._trouble, self._trouble & ~status.trouble
        lines += [line for one, _, line in _PROBLEMS if one in added]
        if ended and not status.trouble:
            lines.append("the sensor works again")
        self._trouble = status.trouble
        return lines

    def _count(self, status: Status, last: Status | None) -> list[str]:
        lines = []
        for name in self.totals:
            new = getattr(status, name) - (getattr(last, name) if last else 0)
            self.totals[name] += max(new, 0)
            if new > 0 and name in _COUNTED:
                lines.append(f"{new} {_COUNTED[name]}")
        return lines
