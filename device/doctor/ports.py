"""The port or bus that a sensor hangs on: is it there, may we use it, who else does."""

import errno
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from device.doctor.finding import Finding
from device.doctor.holders import holders, is_pty

IN_USE: Final = "in use"
"""The name of a finding that says so: then listening would disturb."""
_HEADER: Final = Path("/dev/serial0")
"""The UART on the header of a Raspberry Pi, where it is switched on."""
_ENABLE_I2C: Final = "enable I2C (raspi-config, Interface Options), or plug its adapter in"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the system says of a device file."""

    path: str
    problem: str
    """Why it cannot be used at all: `not there`, `not a serial port`; '' if nothing says so."""
    permitted: bool
    group: str
    """That owns it."""
    member: bool
    """Of that group this process is."""
    entered: bool
    """The group file says that this user is a member."""
    users: tuple[str, ...] = ()
    """Programs that would be disturbed, as far as we may look: `minicom (4711)`."""
    others: tuple[str, ...] = ()
    """What could be meant instead, where it is not there."""


def judge(facts: Facts) -> Finding:
    """Say whether the device file can be used. Pure."""
    name = "bus" if "i2c" in facts.path else "port"
    if facts.problem:
        advice = _ENABLE_I2C if name == "bus" else "plug it in; dmesg -w shows whether it is seen"
        if facts.others:
            advice = f"there is {', '.join(facts.others)}; or {advice}"
        return Finding("fail", name, f"{facts.path}: {facts.problem}", advice)
    if not facts.permitted:
        text = f"{facts.path}: no permission (it belongs to group {facts.group})"
        if facts.entered and not facts.member:
            advice = f"log in again: you are in group {facts.group} since your last login"
        else:
            advice = f"sudo usermod -aG {facts.group} $USER, then log in again"
        return Finding("fail", name, text, advice)
    if facts.users:
        text = f"{facts.path} is open in {', '.join(facts.users)}"
        return Finding(
            "warn", IN_USE, text, "stop that program first, and the sensor is looked at too"
        )
    return Finding("ok", name, f"{facts.path}: there, and permitted")


def serial_port(path: str) -> list[Finding]:
    """Look at a serial port without opening it: that would reset many a board."""
    finding = judge(_facts(Path(path), tty=True, others=serial_ports()))
    console = Path(path).resolve().name
    if finding.level == "ok" and f"console={console}" in _kernel_command_line():
        advice = "raspi-config, Interface Options, Serial Port: no login shell over serial"
        return [Finding("warn", "port", f"{path} is the kernel's console", advice)]
    return [finding]


def i2c_bus(number: int, address: int) -> list[Finding]:
    """Look at a bus, and whether a driver of the kernel's has the chip."""
    path = Path(f"/dev/i2c-{number}")
    finding = judge(_facts(path, tty=False, others=tuple(f"i2c:{bus}" for bus in i2c_buses())))
    driver = Path(f"/sys/bus/i2c/devices/{number}-{address:04x}/driver")
    if not driver.exists():
        return [finding]
    module = driver / "module"
    advice = f"sudo modprobe -r {(module if module.exists() else driver).resolve().name}"
    text = f"the kernel's {driver.resolve().name} has the chip"
    return [finding, Finding("fail", "driver", text, f"{advice}; for good: blacklist it")]


def serial_ports() -> tuple[str, ...]:
    """Name the serial ports that have a device, the ones with a lasting name by that."""
    from serial.tools.list_ports import comports  # noqa: PLC0415 -- only where it is asked for

    header = [_HEADER] if _HEADER.exists() else []
    links = [*sorted(Path("/dev/serial/by-id").glob("*")), *header]
    lasting = {link.resolve(): str(link) for link in links}
    # Of some kernels pyserial thinks that they have no UART on the header.
    found = {Path(port.device) for port in comports()} | {link.resolve() for link in header}
    return tuple(lasting.get(port.resolve(), str(port)) for port in sorted(found))


def i2c_buses() -> tuple[int, ...]:
    """List the numbers of the I2C buses."""
    numbers = [path.name.removeprefix("i2c-") for path in Path("/dev").glob("i2c-*")]
    return tuple(sorted(int(number) for number in numbers if number.isdecimal()))


def chips(number: int) -> list[tuple[int, int, str]]:
    """Name the chips of the family on a bus: (bus, address, model).

    Their two addresses are asked for WHO_AM_I and nothing else is touched.
    """
    from device.sources import SourceError  # noqa: PLC0415 -- with smbus2, which a line needs not
    from device.sources.mpu.bus import Bus  # noqa: PLC0415
    from device.sources.mpu.registers import ADDRESSES  # noqa: PLC0415

    found = []
    for address in ADDRESSES:
        try:
            with Bus(number, address) as bus:
                found.append((number, address, bus.identify()[1].name))
        except (OSError, SourceError):
            continue
    return found


def _facts(path: Path, *, tty: bool, others: tuple[str, ...]) -> Facts:
    try:
        status = path.stat()
    except OSError as error:
        if not tty and _opens(path):  # an adapter that no file stands for
            return Facts(str(path), "", True, "", True, True)
        problem = "not there" if error.errno == errno.ENOENT else error.strerror or str(error)
        return Facts(str(path), problem, False, "", False, False, others=others)
    group = _group_name(status.st_gid)
    problem = ""
    if not stat.S_ISCHR(status.st_mode) or (tty and not _is_tty(path, status)):
        problem = "not a serial port" if tty else "not an I2C bus"
    return Facts(
        path=str(path),
        problem=problem,
        permitted=os.access(path, os.R_OK | os.W_OK) or (not tty and _opens(path)),
        group=group,
        member=status.st_gid in {os.getegid(), *os.getgroups()},
        entered=_user_name() in _members(group),
        users=() if problem else holders(status, any_program=tty),
        others=others if problem else (),
    )


def _is_tty(path: Path, status: os.stat_result) -> bool:
    known = Path("/sys/class/tty")
    pty = is_pty(status)
    return pty or not known.is_dir() or (known / path.resolve().name).exists()


def _opens(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError:
        return False
    return True


def _kernel_command_line() -> str:
    try:
        return Path("/proc/cmdline").read_text("utf-8")
    except OSError:
        return ""


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _members(group: str) -> list[str]:
    try:
        return grp.getgrnam(group).gr_mem
    except KeyError:
        return []


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
