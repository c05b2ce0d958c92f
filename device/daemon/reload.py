"""Reload: settings read again while the daemon runs. Keys that need a restart are named."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from device.config.load import Config
from device.daemon.systemd_notify import Notifier
from firmware_bridge.errors import EdgeharError

log = logging.getLogger(__name__)

_FIXED: Final = {"source": "source", "calibration": "calibration.file"}


def reread(
    settings: Callable[[], Config],
    now: Config,
    check: Callable[[Config], object],
    notifier: Notifier,
) -> Config:
    """Return the new settings, or the present ones if the new ones cannot be used."""
    try:
        new = settings()
        check(new)
    except EdgeharError as error:
        report_refused(error, notifier)
        return now
    changed = [key for name, key in _FIXED.items() if getattr(new, name) != getattr(now, name)]
    notifier.note = ""
    if changed:
        what = " and ".join(changed)
        log.warning("settings: %s can change only at a restart: systemctl restart edgehar", what)
        notifier.note = f"; {what} will change at a restart"
    log.info("settings read again")
    return replace(new, source=now.source, calibration=now.calibration)


def report_refused(error: EdgeharError, notifier: Notifier) -> None:
    """Report why the new settings are not used."""
    log.error("settings not taken: %s; the previous ones stay in use", error)
    notifier.note = f"; settings not taken: {error}"
