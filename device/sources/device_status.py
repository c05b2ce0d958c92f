"""What a microcontroller says of its sensor: counted over its reboots, put into words. Pure."""

from firmware_bridge.protocol import Reset, Status, Trouble

ADVICE = {
    Trouble.NO_ANSWER: "the sensor does not answer; check its supply, SDA and SCL",
    Trouble.BUS_STUCK: "the sensor's bus is held low; check SDA and SCL, or switch off and on",
    Trouble.WRONG_CHIP: "the sensor is of a kind that the firmware does not know",
    Trouble.NO_INTERRUPT: "no interrupt from the sensor: times are estimated; wire its INT",
}
PROBLEMS = {
    Trouble.NO_ANSWER: "bus errors",
    Trouble.BUS_STUCK: "bus errors",
    Trouble.WRONG_CHIP: "unknown chip",
    Trouble.NO_INTERRUPT: "no interrupt",
}
"""In a word, for a source's health."""
_CAUSES = {Reset.WATCHDOG: "its watchdog", Reset.BROWN_OUT: "a dip of its supply"}
_COUNTED = {
    "overflowed": "samples overflowed in the sensor",
    "chip_restarts": "times the sensor was set up anew",
}


class DeviceStatus:
    """The latest status, and its counters since the first one heard."""

    def __init__(self) -> None:
        self.totals = {"overflowed": 0, "bus_faults": 0, "chip_restarts": 0}
        self.temperature_c: float | None = None
        self._last: Status | None = None
        self._boot: int | None = None
        self._new_boot = False
        self._trouble = Trouble(0)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong at this moment, in a word each."""
        return tuple(dict.fromkeys(PROBLEMS[one] for one in PROBLEMS if one in self._trouble))

    def booted(self, boot: int) -> None:
        """Note a hello's boot counter: at a new boot the device's own counters begin at 0."""
        if self._boot not in {None, boot}:
            self._last, self._new_boot = None, True
            self._trouble = Trouble(0)
        self._boot = boot

    def hear(self, status: Status) -> list[str]:
        """Take a status; return what is new in it, a line each for the log."""
        last, new_boot = self._last, self._new_boot
        self._last, self._new_boot = status, False
        self.temperature_c = status.temperature_c
        said = []
        if new_boot and Reset.POWER not in status.reset:  # which sets others too
            said += [f"{who} reset it" for cause, who in _CAUSES.items() if cause in status.reset]
        if last is not None or new_boot:  # what was before we heard of it is not ours to count
            said += self._count(status, last)
        came, went = status.trouble & ~self._trouble, self._trouble & ~status.trouble
        said += [words for one, words in ADVICE.items() if one in came]
        if went and not status.trouble:
            said.append("the sensor is well again")
        self._trouble = status.trouble
        return said

    def _count(self, status: Status, last: Status | None) -> list[str]:
        said = []
        for name in self.totals:
            new = getattr(status, name) - (getattr(last, name) if last else 0)
            self.totals[name] += max(new, 0)
            if new > 0 and name in _COUNTED:
                said.append(f"{new} {_COUNTED[name]}")
        return said
