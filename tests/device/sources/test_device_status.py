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
    device = DeviceStatus()
    device.booted(0)
    device.hear(status(overflowed=5))  # before the first status
    for boot, lost in enumerate(boots, 1):
        device.booted(boot)
        count = 0
        for more in lost:
            count += more
            device.hear(status(overflowed=count))
            device.booted(boot)
    assert device.totals["overflowed"] == sum(map(sum, boots))


def test_each_change_is_logged_once() -> None:
    device = DeviceStatus()
    assert device.hear(status()) == []
    (line,) = device.hear(status(trouble=Trouble.NO_ANSWER))
    assert "SDA" in line
    assert device.problems == ("bus errors",)
    assert device.hear(status(trouble=Trouble.NO_ANSWER)) == []
    lines = device.hear(status(overflowed=7, restarts=1))
    assert lines == [
        "7 samples overflowed in the sensor",
        "1 times the sensor was set up again",
        "the sensor works again",
    ]
    assert not device.problems


def test_an_unwanted_reset_is_logged() -> None:
    device = DeviceStatus()
    device.booted(1)
    assert device.hear(status(reset=Reset.WATCHDOG)) == []  # perhaps long ago
    device.booted(2)
    assert device.hear(status(reset=Reset.WATCHDOG)) == ["its watchdog reset it"]
    device.booted(3)
    assert device.hear(status(reset=Reset.BROWN_OUT)) == ["a dip of its supply reset it"]
    device.booted(4)
    assert device.hear(status(reset=Reset.BROWN_OUT | Reset.POWER)) == []
