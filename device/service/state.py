"""The state of the service in words, as systemd reports it."""

from collections.abc import Mapping
from typing import Final

from device.host import systemd
from device.service.install_steps import NAME
from firmware_bridge.errors import EdgeharError

_PROPERTIES: Final = (
    "LoadState", "ActiveState", "SubState", "StateChangeTimestamp", "StatusText", "Result",
    "NRestarts", "UnitFileState", "ExecMainStatus",
)  # fmt: skip


def asked() -> dict[str, str]:
    """Ask systemd; raises EdgeharError where there is none."""
    return systemd.show(NAME, _PROPERTIES)


def watchdog_kills() -> int:
    """Count how often in this boot the daemon hung and was killed, by systemd's journal."""
    match = ("_PID=1", f"UNIT={NAME}.service")
    said = systemd.ask("journalctl", "--boot", "--quiet", "--no-pager", "--output=cat", *match)
    return sum("Watchdog timeout" in line for line in said.splitlines())


def version() -> int:
    """Return systemd's version; raises EdgeharError where there is none."""
    said = systemd.ask("systemctl", "--version").split()
    if len(said) < 2 or not said[1].isdecimal():
        raise EdgeharError("systemctl does not say its version; this needs a board with systemd")
    return int(said[1])


def in_words(state: Mapping[str, str], kills: int) -> list[str]:
    """Return the lines of `edgehar service status`. Pure."""
    if state.get("LoadState") != "loaded":
        return ["edgehar is not installed as a service: sudo edgehar service install"]
    restarts = f"{state.get('NRestarts', '0')} since it was started"
    lines = [
        f"state: {state['ActiveState']} ({state['SubState']})"
        + (f" since {since}" if (since := state.get("StateChangeTimestamp")) else ""),
        f"says: {state.get('StatusText') or 'nothing yet'}",
        f"at boot: {'starts' if state.get('UnitFileState') == 'enabled' else 'does not start'}",
        f"restarts: {restarts}; hung and killed in this boot: {kills}",
    ]
    if state["ActiveState"] == "failed":
        what = "bad settings" if state.get("ExecMainStatus") == "2" else state.get("Result", "")
        lines.append(f"failed: {what}; more in: journalctl -u {NAME}")
    return lines
