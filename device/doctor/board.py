"""Checks of the board: Python, the model, disk and folders, the clock, the service."""

import contextlib
import errno
import os
import platform
import shutil
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from device.config.load import Config
from device.doctor.finding import Finding, Level
from device.host import systemd
from firmware_bridge.errors import EdgeharError

LITTLE_BYTES, NONE_BYTES = 200_000_000, 10_000_000
"""A year of decisions takes about 8 GB, a day 20 MB."""
_ADVICE: Final = {
    errno.ENOENT: "create that folder",
    errno.ENOSPC: "the disk is full: remove old files",
    errno.EROFS: "the disk is read-only: mount it writable; after a power cut, check it (fsck)",
}
SERVICE: Final = "edgehar"


def python() -> Finding:
    """Return the versions of Python and numpy."""
    import numpy as np  # noqa: PLC0415 -- only its version is needed

    text = f"{platform.python_version()}, numpy {np.__version__}, {platform.machine()}"
    return Finding("ok", "python", text)


def model(config: Config) -> Finding:
    """Load the model of `run` and check its self-test."""
    from device.factory import open_bundle  # noqa: PLC0415 -- loads the whole pipeline
    from device.model.classifier import Classifier, self_test  # noqa: PLC0415

    try:
        bundle = open_bundle(config.model, config)
        runtime = Classifier(bundle).runtime
        off = self_test(bundle)
    except EdgeharError as error:
        return Finding("fail", "model", str(error), "see edgehar models; or reinstall edgehar")
    text = f"{bundle.id} in {runtime}: self-test passed, largest difference {off:.4f}"
    return Finding("ok", "model", text)


def folder(path: Path, what: str, *, needed: bool = True) -> list[Finding]:
    """Check that a file can be written in a folder, and how much space is free.

    Without permission for a folder that is not `needed`, the level is only `warn`.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".edgehar-doctor-") as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(path).free
    except OSError as error:
        level: Level = "fail" if needed or error.errno != errno.EACCES else "warn"
        advice = _ADVICE.get(error.errno or 0, "let this user write there, or name another folder")
        return [Finding(level, what, f"{path}: {error.strerror or error}", advice)]
    return [Finding("ok", what, f"{path}: writable"), _free_space(path, free)]


def _free_space(path: Path, free: int) -> Finding:
    if free >= LITTLE_BYTES:
        return Finding("ok", "disk", f"{free / 1e9:.1f} GB free")
    level: Level = "fail" if free < NONE_BYTES else "warn"
    return Finding(level, "disk", f"{path}: {free / 1e6:.0f} MB free", "remove old files")


def database(path: Path) -> list[Finding]:
    """Check that decisions can be written to a database, without a change to it."""
    findings = folder(path.parent, "sqlite folder")
    if not path.exists():
        return findings
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
            (count,) = opened.execute("SELECT count(*) FROM decisions").fetchone()
    except (sqlite3.Error, UnicodeError) as error:
        return [*findings, Finding("fail", "sqlite", f"{path}: {error}", "give another file")]
    if not os.access(path, os.W_OK):
        text = f"{path}: not writable"
        return [*findings, Finding("fail", "sqlite", text, "look at its owner: ls -l")]
    return [*findings, Finding("ok", "sqlite", f"{path}: {count} decisions")]


def calibration(path: Path) -> Finding:
    """Read the calibration that the settings name."""
    from device.calibration.file import read  # noqa: PLC0415 -- only if there is a calibration

    try:
        content = read(path)
    except EdgeharError as error:
        return Finding("fail", "calibration", str(error), "make it with: edgehar calibrate")
    return Finding("ok", "calibration", f"{path}: of {content.source}, {content.date}")


def clock() -> Finding:
    """Check that the date is later than that of this program's files."""
    installed_s = Path(__file__).stat().st_mtime
    now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
    if time.time() >= installed_s:
        return Finding("ok", "date", now)
    return Finding("warn", "date", f"{now}: before this program was installed", "set the clock")


def service() -> Finding:
    """Ask systemd for the state of the service."""
    try:
        state = systemd.show(SERVICE, ("LoadState", "ActiveState", "SubState", "NRestarts"))
    except EdgeharError:
        state = {}
    return judge_service(state)


def judge_service(state: dict[str, str]) -> Finding:
    """Judge the service by systemd's properties of it, empty without systemd. Pure."""
    name, active = "service", state.get("ActiveState", "unknown")
    if "LoadState" not in state:
        return Finding("skipped", name, "no systemd here")
    if state["LoadState"] != "loaded":
        return Finding("skipped", name, f"no {SERVICE}.service is installed")
    text = f"{active} ({state.get('SubState', '')}), {state.get('NRestarts', '0')} restarts"
    if active == "active":
        return Finding("ok", name, text)
    advice = f"journalctl -u {SERVICE} -n 20; systemctl start {SERVICE}"
    return Finding("fail" if active == "failed" else "warn", name, text, advice)
