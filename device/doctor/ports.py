"""Checks of a sensor's port or bus: existence, permission, other programs that use it."""

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
"""Name of the finding for a port that another program uses; listening would disturb it."""
_HEADER: Final = Path("/dev/serial0")
"""The UART on the header of a Raspberry Pi, if it is enabled."""
_ENABLE_I2C: Final = "enable I2C (raspi-config, Interface Options), or plug its adapter in"


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about a device file."""

    path: str
    problem: str
    """Why it cannot be used: `not there`, `not a serial port`; '' if there is no problem."""
    permitted: bool
    group: str
    """The group that owns the file."""
    member: bool
    """Whether this process is a member of that group."""
    entered: bool
    """Whether the group file names this user as a member."""
    users: tuple[str, ...] = ()
    """Programs that have it open, as far as this user may see: `minicom (4711)`."""
    others: tuple[str, ...] = ()
    """Devices that exist, if this one does not."""


def judge(facts: Facts) -> Finding:
    """Judge whether the device file can be used. Pure."""
    name = "bus" if "i2c" in facts.path else "port"
    if facts.problem:
        advice = _ENABLE_I2C if name == "bus" else "plug it in; dmesg -w shows the kernel's view"
        if facts.others:
            advice = f"there is {', '.join(facts.others)}; or {advice}"
        return Finding("fail", name, f"{facts.path}: {facts.problem}", advice)
    if not facts.permitted:
        text = f"{facts.path}: no permission (it belongs to group {facts.group})"
        if facts.entered and not facts.member:
            advice = f"log in again: you joined group {facts.group} after your last login"
        else:
            advice = f"sudo usermod -aG {facts.group} $USER, then log in again"
        return Finding("fail", name, text, advice)
    if facts.users:
        text = f"{facts.path} is open in {', '.join(facts.users)}"
        return Finding("warn", IN_USE, text, "stop that program, then run the doctor again")
    return Finding("ok", name, f"{facts.path}: exists, and you have permission")


def serial_port(path: str) -> list[Finding]:
    """Check a serial port without opening it, because opening resets some boards."""
    finding = judge(_facts(Path(path), tty=True, others=serial_ports()))
    console = Path(path).resolve().name
    if finding.level == "ok" and f"console={console}" in _kernel_command_line():
        advice = "raspi-config, Interface Options, Serial Port: disable the login shell"
        return [Finding("warn", "port", f"{path} is the kernel's console", advice)]
    return [finding]


def i2c_bus(number: int, address: int) -> list[Finding]:
    """Check a bus, and whether a kernel driver uses the chip."""
    path = Path(f"/dev/i2c-{number}")
    finding = judge(_facts(path, tty=False, others=tuple(f"i2c:{bus}" for bus in i2c_buses())))
    driver = Path(f"/sys/bus/i2c/devices/{number}-{address:04x}/driver")
    if not driver.exists():
        return [finding]
    module = driver / "module"
    advice = f"sudo modprobe -r {(module if module.exists() else driver).resolve().name}"
    text = f"the kernel's driver {driver.resolve().name} uses the chip"
    return [finding, Finding("fail", "driver", text, f"{advice}; permanently: blacklist it")]


def serial_ports() -> tuple[str, ...]:
    """Return the serial ports that have a device, by their stable name if they have one."""
    from serial.tools.list_ports import comports  # noqa: PLC0415 -- only for a search

    header = [_HEADER] if _HEADER.exists() else []
    links = [*sorted(Path("/dev/serial/by-id").glob("*")), *header]
    stable = {link.resolve(): str(link) for link in links}
    # With some kernels, pyserial does not find the UART on the header.
    devices = {Path(port.device) for port in comports()} | {link.resolve() for link in header}
    return tuple(stable.get(device.resolve(), str(device)) for device in sorted(devices))


def i2c_buses() -> tuple[int, ...]:
    """Return the numbers of the I2C buses."""
    numbers = [path.name.removeprefix("i2c-") for path in Path("/dev").glob("i2c-*")]
    return tuple(sorted(int(number) for number in numbers if number.isdecimal()))


def chips(number: int) -> list[tuple[int, int, str]]:
    """Return the chips of the MPU-6050 family on a bus: (bus, address, model).

    Reads WHO_AM_I at the family's two addresses and nothing else.
    """
    from device.sources import SourceError  # noqa: PLC0415 -- smbus2, which a line does not need
    from device.sources.mpu.bus import Bus  # noqa: PLC0415
    from device.sources.mpu.registers import ADDRESSES  # noqa: PLC0415

    answers = []
    for address in ADDRESSES:
        try:
            with Bus(number, address) as bus:
                answers.append((number, address, bus.identify()[1].name))
        except (OSError, SourceError):
            continue
    return answers


def _facts(path: Path, *, tty: bool, others: tuple[str, ...]) -> Facts:
    try:
        status = path.stat()
    except OSError as error:
        if not tty and _opens(path):  # a bus without a device file
            return Facts(str(path), "", True, "", True, True)
        problem = "not there" if error.errno == errno.ENOENT else error.strerror or str(error)
        return Facts(str(path), problem, False, "", False, False, others=others)
    group, members = _group(status.st_gid)
    problem = ""
    if not stat.S_ISCHR(status.st_mode) or (tty and not _is_tty(path, status)):
        problem = "not a serial port" if tty else "not an I2C bus"
    return Facts(
        path=str(path),
        problem=problem,
        permitted=os.access(path, os.R_OK | os.W_OK) or (not tty and _opens(path)),
        group=group,
        member=status.st_gid in {os.getegid(), *os.getgroups()},
        entered=_user_name() in members,
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


def _group(number: int) -> tuple[str, list[str]]:
    """Return a group's name, or its number, and its members."""
    try:
        group = grp.getgrgid(number)
    except KeyError:
        return str(number), []
    return group.gr_name, group.gr_mem


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
