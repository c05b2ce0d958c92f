"""The board: Python, the model in its runtime, disk, folders, the clock, the service."""

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
"""A year of decisions takes some 8 GB, a day 20 MB."""
_ADVICE: Final = {
    errno.ENOENT: "make that folder",
    errno.ENOSPC: "the disk is full: remove old files",
    errno.EROFS: "the disk is read-only: mount it writable; after a power cut, check it (fsck)",
}
SERVICE: Final = "edgehar"


def python() -> Finding:
    """Name the interpreter."""
    import numpy as np  # noqa: PLC0415 -- here to be named

    text = f"{platform.python_version()}, numpy {np.__version__}, {platform.machine()}"
    return Finding("ok", "python", text)


def model(config: Config) -> Finding:
    """Load the bundle that `run` would take and have it classify its own test window."""
    from device.factory import open_bundle  # noqa: PLC0415 -- loads all of the model path
    from device.model.classifier import Classifier, self_test  # noqa: PLC0415

    try:
        bundle = open_bundle(config.model, config)
        runtime = Classifier(bundle).runtime
        off = self_test(bundle)
    except EdgeharError as error:
        return Finding("fail", "model", str(error), "see edgehar models; or install edgehar anew")
    text = f"{bundle.id} in {runtime}: self-test passed, off by {off:.4f} at most"
    return Finding("ok", "model", text)


def folder(path: Path, what: str, *, needed: bool = True) -> list[Finding]:
    """See whether a file can be written in a folder, and how much room there is.

    One that is not needed may lack permission; a disk that is full or broken matters all the same.
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
    return [Finding("ok", what, f"{path}: may be written to"), _room(path, free)]


def _room(path: Path, free: int) -> Finding:
    if free >= LITTLE_BYTES:
        return Finding("ok", "disk", f"{free / 1e9:.1f} GB free")
    level: Level = "fail" if free < NONE_BYTES else "warn"
    return Finding(level, "disk", f"{path}: {free / 1e6:.0f} MB free", "remove old files")


def database(path: Path) -> list[Finding]:
    """See whether decisions can go into a database; what is in it is left as it is."""
    findings = folder(path.parent, "sqlite folder")
    if not path.exists():
        return findings
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
            (count,) = opened.execute("SELECT count(*) FROM decisions").fetchone()
    except (sqlite3.Error, UnicodeError) as error:
        return [*findings, Finding("fail", "sqlite", f"{path}: {error}", "give another file")]
    if not os.access(path, os.W_OK):
        text = f"{path}: may not be written to"
        return [*findings, Finding("fail", "sqlite", text, "whose file is it? ls -l")]
    return [*findings, Finding("ok", "sqlite", f"{path}: {count} decisions")]


def calibration(path: Path) -> Finding:
    """Read the calibration that the settings name."""
    from device.calibration.file import read  # noqa: PLC0415 -- where there is one

    try:
        found = read(path)
    except EdgeharError as error:
        return Finding("fail", "calibration", str(error), "make it: edgehar calibrate")
    return Finding("ok", "calibration", f"{path}: of {found.source}, {found.date}")


def clock() -> Finding:
    """See whether the board knows the date: it must be later than this program's files."""
    made = Path(__file__).stat().st_mtime
    now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
    if time.time() >= made:
        return Finding("ok", "date", now)
    return Finding("warn", "date", f"{now}: before this program was installed", "set the clock")


def service() -> Finding:
    """Ask systemd for the daemon's state."""
    name = "service"
    try:
        state = systemd.show(SERVICE, ("LoadState", "ActiveState", "SubState", "NRestarts"))
    except EdgeharError:
        return Finding("skipped", name, "no systemd here")
    if "LoadState" not in state:
        return Finding("skipped", name, "no systemd here")
    return judge_service(state)


def judge_service(state: dict[str, str]) -> Finding:
    """Judge what systemd says of the service. Pure."""
    name, active = "service", state.get("ActiveState", "unknown")
    if state["LoadState"] != "loaded":
        return Finding("skipped", name, f"no {SERVICE}.service is installed")
    text = f"{active} ({state.get('SubState', '')}), {state.get('NRestarts', '0')} restarts"
    if active == "active":
        return Finding("ok", name, text)
    advice = f"journalctl -u {SERVICE} -n 20; systemctl start {SERVICE}"
    return Finding("fail" if active == "failed" else "warn", name, text, advice)
