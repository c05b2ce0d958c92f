from hypothesis import given
from hypothesis import strategies as st

from device.sources.device_status import DeviceStatus
from firmware_bridge.protocol import Reset, Status, Trouble


def status(
    overflowed: int = 0, restarts: int = 0, trouble: int = 0, reset: Reset = Reset.POWER
) -> Status:
    return Status(0, 0, 0, overflowed, 0, restarts, 20.0, reset, Trouble(trouble))


@given(st.lists(st.lists(st.integers(0, 1000), max_size=5), max_size=5))
def test_counters_add_up_over_reboots(boots: list[list[int]]) -> None:
    heard = DeviceStatus()
    heard.booted(0)
    heard.hear(status(overflowed=5))  # before we listened
    for boot, lost in enumerate(boots, 1):
        heard.booted(boot)
        count = 0
        for more in lost:
            count += more
            heard.hear(status(overflowed=count))
            heard.booted(boot)
    assert heard.totals["overflowed"] == sum(map(sum, boots))


def test_each_change_is_said_once() -> None:
    heard = DeviceStatus()
    assert heard.hear(status()) == []
    (line,) = heard.hear(status(trouble=Trouble.NO_ANSWER))
    assert "SDA" in line
    assert heard.problems == ("bus errors",)
    assert heard.hear(status(trouble=Trouble.NO_ANSWER)) == []
    lines = heard.hear(status(overflowed=7, restarts=1))
    assert lines == [
        "7 samples overflowed in the sensor",
        "1 times the sensor was set up again",
        "the sensor works again",
    ]
    assert not heard.problems


def test_a_reset_that_nobody_asked_for_is_said() -> None:
    heard = DeviceStatus()
    heard.booted(1)
    assert heard.hear(status(reset=Reset.WATCHDOG)) == []  # long ago, for all we know
    heard.booted(2)
    assert heard.hear(status(reset=Reset.WATCHDOG)) == ["its watchdog reset it"]
    heard.booted(3)
    assert heard.hear(status(reset=Reset.BROWN_OUT)) == ["a dip of its supply reset it"]
    heard.booted(4)
    assert heard.hear(status(reset=Reset.BROWN_OUT | Reset.POWER)) == []
