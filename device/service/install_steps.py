"""The steps of install and uninstall, each with the line that is printed before it is done."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from device.config.paths import STATE
from device.service.unit import MARK
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.whole_file import write_whole

NAME: Final = "edgehar"
UNIT: Final = Path("/etc/systemd/system/edgehar.service")
DASHBOARD: Final = Path("/etc/systemd/system/edgehar-dashboard.service")
RULES: Final = Path("/etc/udev/rules.d/70-edgehar.rules")
USERS: Final = Path("/etc/sysusers.d/edgehar.conf")
MODULES: Final = Path("/etc/modules-load.d/edgehar.conf")
SECRETS: Final = Path("/etc/edgehar")
"""ConfigurationDirectory of the unit, for passwords and keys."""
FILES: Final = (DASHBOARD, UNIT, RULES, USERS, MODULES)
_LOADER: Final = "systemd-modules-load"
_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    words: str
    """The step as it is printed: a command that a user could type, or the change of a file."""
    do: Callable[[], None]


def file(path: Path, content: str) -> Step:
    """Write a file that all users may read, and its folder if needed."""
    try:
        same = path.read_text(encoding="utf-8") == content
    except (OSError, UnicodeDecodeError):
        same = False

    def write() -> None:
        if not same:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content.encode())
            path.chmod(0o644)

    return Step(f"{'leave' if same else 'write'} {path}", write)


def command(*argv: str, needed: bool = True) -> Step:
    """Run a command; if it is not `needed`, it may fail or be missing."""

    def call() -> None:
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            if needed:
                raise EdgeharError(f"cannot run {' '.join(argv)}: {error}") from error
            return
        if done.returncode and needed:
            why = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise EdgeharError(f"{' '.join(argv)} failed: {why}")

    return Step(" ".join(argv), call)


def install(
    units: Mapping[Path, str], rules: str | None, users: str, modules: str, settings: Step | None
) -> list[Step]:
    """Return the steps that install the service, the settings first if they are new.

    Raises InputError if a file of the same name was not made by edgehar.
    """
    _ours()
    steps = [settings] if settings else []
    steps += [file(USERS, users), command("systemd-sysusers", str(USERS))]
    steps += [file(MODULES, modules), command("systemctl", "restart", _LOADER, needed=False)]
    if rules is not None:
        steps += [file(RULES, rules), *_udev()]
    elif RULES.exists():
        steps += [_removed(RULES), *_udev()]
    if DASHBOARD.exists() and DASHBOARD not in units:
        steps += [_disable(DASHBOARD), _removed(DASHBOARD)]
    steps += [file(path, unit) for path, unit in units.items()]
    steps.append(command("systemctl", "daemon-reload"))
    for path in units:
        steps.append(command("systemctl", "enable", "--quiet", path.stem))
        steps.append(command("systemctl", "restart", path.stem))
    return steps


def uninstall(settings: Path, *, purge: bool) -> list[Step]:
    """Return the steps that remove the service; InputError as in `install`."""
    there = _ours()
    steps: list[Step] = []
    units = [path for path in there if path in {DASHBOARD, UNIT}]
    steps += [_disable(path) for path in units]
    groups = _created_groups() if USERS in there else []
    steps += [_removed(path) for path in there]
    if units:
        steps.append(command("systemctl", "daemon-reload"))
    steps += [command("systemctl", "reset-failed", path.stem, needed=False) for path in units]
    steps += _udev() if RULES in there else []
    if USERS in there:
        steps.append(command("userdel", NAME))
        steps += [command("groupdel", group) for group in groups]
    if purge:
        steps += [_removed(path) for path in (STATE, SECRETS, settings)
                  if path.exists()]  # fmt: skip
    return steps


def missing_groups(exists: Callable[[str], bool]) -> list[str]:
    """Return the groups that the service needs and that install creates, or created before."""
    created = _created_groups() if USERS.exists() else []
    return [group for group in ("dialout", "i2c") if group in created or not exists(group)]


def _ours() -> list[Path]:
    there = [path for path in FILES if path.exists()]
    for path in there:
        if not path.read_text(encoding="utf-8", errors="replace").startswith(MARK):
            raise InputError(f"{path} was not made by edgehar; move it away and try again")
    return there


def _created_groups() -> list[str]:
    lines = USERS.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.split()[1] for line in lines if line.startswith("g ")]


def _disable(path: Path) -> Step:
    return command("systemctl", "disable", "--quiet", "--now", path.stem)


def _udev() -> list[Step]:
    return [
        command("udevadm", "control", "--reload", needed=False),
        command("udevadm", "trigger", "--action=add", "--subsystem-match=tty",
                "--subsystem-match=i2c-dev", needed=False),
        command("udevadm", "settle", "--timeout=10", needed=False),
    ]  # fmt: skip


def _removed(path: Path) -> Step:
    def remove() -> None:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise EdgeharError(f"cannot remove {path}: {error.strerror}") from error

    return Step(f"remove {path}", remove)


def as_root() -> None:
    """Raise InputError unless this is root."""
    if os.geteuid():
        raise InputError("this changes the system: run it as root (sudo), or with --dry-run")
