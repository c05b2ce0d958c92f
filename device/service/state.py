"""The state of the service, as systemd reports it."""

from collections.abc import Mapping
from typing import Final

from device.host import systemd
from device.service.install_steps import NAME
from firmware_bridge.errors import EdgeharError

_PROPERTIES: Final = (
    "LoadState", "ActiveState", "SubState", "StateChangeTimestamp", "StatusText", "Result",
    "NRestarts", "UnitFileState", "ExecMainStatus",
)  # fmt: skip


def properties() -> dict[str, str]:
    """Return the properties of the unit; raises EdgeharError without systemd."""
    return systemd.show(NAME, _PROPERTIES)


def watchdog_kills() -> int:
    """Count from the journal how often the watchdog has killed the daemon in this boot."""
    match = ("_PID=1", f"UNIT={NAME}.service")
    journal = systemd.ask("journalctl", "--boot", "--quiet", "--no-pager", "--output=cat", *match)
    return sum("Watchdog timeout" in line for line in journal.splitlines())


def version() -> int:
    """Return systemd's version; raises EdgeharError without systemd."""
    words = systemd.ask("systemctl", "--version").split()
    if len(words) < 2 or not words[1].isdecimal():
        raise EdgeharError("systemctl prints no version; this needs a board with systemd")
    return int(words[1])


def in_words(state: Mapping[str, str], kills: int) -> list[str]:
    """Return the lines of `edgehar service status`. Pure."""
    if state.get("LoadState") != "loaded":
        return ["edgehar is not installed as a service: sudo edgehar service install"]
    restarts = f"{state.get('NRestarts', '0')} since it was started"
    lines = [
        f"state: {state['ActiveState']} ({state['SubState']})"
        + (f" since {since}" if (since := state.get("StateChangeTimestamp")) else ""),
        f"status: {state.get('StatusText') or 'none yet'}",
        f"at boot: {'starts' if state.get('UnitFileState') == 'enabled' else 'does not start'}",
        f"restarts: {restarts}; killed by the watchdog in this boot: {kills}",
    ]
    if state["ActiveState"] == "failed":
        what = "bad settings" if state.get("ExecMainStatus") == "2" else state.get("Result", "")
        lines.append(f"failed: {what}; more in: journalctl -u {NAME}")
    return lines
