"""Stores corrections: one file each, with the raw samples of its time and of just before.

A file is a line of JSON, then chunks as they were in the ring; so what two corrections have in
common is the same bytes in both, and the newer one tells what was done then.
"""

import fcntl
import json
import math
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from device.labels import chunk, layout
from device.labels.boot_time import Span
from device.labels.chunk import Chunk
from device.labels.typed import cleaned
from firmware_bridge import whole_file
from firmware_bridge.errors import InputError

LEAD_S: Final = 10.0
"""Samples before the labelled time, for the filters to settle."""
_SCHEMA: Final = 1
_MOST_LINE: Final = 64 * 1024
_MOST_SPANS: Final = 200
_MOST_UTC_S: Final = 1e11


@dataclass(frozen=True, slots=True)
class Correction:
    """The activity in a time span, as the wearer gave it."""

    label: str
    made: str
    """The time of the correction: UTC, ISO 8601."""
    spans: Sequence[Span]
    samples: int
    missing_s: float
    """No samples of this time span are stored."""

    def covers(self, one: Chunk, taken_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say of samples of a chunk, taken then, which are labelled."""
        found = np.zeros(len(taken_s), bool)
        for span in self.spans:
            if span.boot == one.boot:
                found |= (span.from_s <= taken_s) & (taken_s < span.until_s)
        return found


def of(spans: Sequence[Span], one: Chunk) -> bool:
    """Say whether a chunk has samples of these times, or of just before."""
    return any(
        span.boot == one.boot and span.from_s - LEAD_S <= one.end_s and one.start_s < span.until_s
        for span in spans
    )


def add(folder: Path, made: Correction, chunks: Sequence[Chunk], most_bytes: int) -> int:
    """Keep a correction; return its number. It is on the disk when this returns.

    Raises InputError if there is no room or no permission.
    """
    content = _line(made) + b"".join(one.content for one in chunks)
    try:
        with _locked(folder):
            found = layout.files(folder)
            if sum(map(layout.on_disk, found)) + layout.blocks_bytes(len(content)) > most_bytes:
                raise InputError(
                    f"{folder} would be over {most_bytes // 1_000_000} MB; save it by edgehar label"
                    " --export FILE, then make room by edgehar label --remove NUMBER, or allow more"
                    " (labels.max_mb)"
                )
            number = int(found[-1].stem) + 1 if found else 1
            path = folder / f"{number}{layout.ENDING}"
            whole_file.write(path, content, layout.FILE_MODE)
            with suppress(PermissionError):  # the group of the folder reads what its members write
                os.chown(path, -1, folder.stat().st_gid)
    except OSError as error:
        raise InputError(f"cannot keep it in {folder}: {why(error)}") from error
    return number


def remove(folder: Path, number: int) -> None:
    """Remove a correction and its samples. Raises InputError."""
    try:
        with _locked(folder):
            (folder / f"{number}{layout.ENDING}").unlink()
    except FileNotFoundError as error:
        raise InputError(f"there is no label {number}; edgehar label --list shows them") from error
    except OSError as error:
        raise InputError(f"cannot remove {number}: {why(error)}") from error


def read(folder: Path) -> tuple[dict[int, Correction], list[Path]]:
    """Return all corrections by number, and the files that are damaged. Raises InputError."""
    found, damaged = {}, list[Path]()
    try:
        for path in layout.files(folder):
            line, _, _ = layout.content(path, _MOST_LINE).partition(b"\n")
            try:
                found[int(path.stem)] = _correction(line)
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                damaged.append(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"cannot read {folder}: {why(error)}") from error
    return found, damaged


def shared(one: Correction, other: Correction) -> bool:
    """Say whether they have some time in common."""
    return any(
        a.boot == b.boot and a.from_s < b.until_s and b.from_s < a.until_s
        for a in one.spans
        for b in other.spans
    )


def chunks_of(folder: Path, number: int) -> Iterator[Chunk]:
    """Yield the chunks of a correction. Raises OSError."""
    yield from chunk.read(layout.content(folder / f"{number}{layout.ENDING}"))


def why(error: OSError) -> str:
    """Return an error that says what failed and what to do."""
    advice = "; be of the group edgehar, or try sudo" if isinstance(error, PermissionError) else ""
    return f"{error.strerror}{advice}"


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Let one process at a time choose numbers and count bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(made: Correction) -> bytes:
    spans = [{**asdict(span), "boot": span.boot.hex()} for span in made.spans]
    line = json.dumps({"schema": _SCHEMA, **asdict(made), "spans": spans}).encode() + b"\n"
    if len(spans) > _MOST_SPANS or len(line) > _MOST_LINE:
        raise InputError("in that time the board was started too often; label it in parts")
    return line


def _correction(line: bytes) -> Correction:
    """Read what `_line` wrote; raises what Python does of anything else."""
    found = json.loads(line)
    if found["schema"] != _SCHEMA:
        raise ValueError("of another version")
    label = cleaned(str(found["label"]).encode())
    spans = [_span(span) for span in found["spans"]]
    missing_s = float(found["missing_s"])
    if not label or not spans or not math.isfinite(missing_s):
        raise ValueError("not ours")
    made = str(found["made"])[:40]
    if not made.isprintable():
        raise ValueError("not ours")
    return Correction(label, made, spans, int(found["samples"]), missing_s)


def _span(found: dict[str, Any]) -> Span:
    from_s, until_s, offset_s = (float(found[name]) for name in ("from_s", "until_s", "offset_s"))
    if not 0 <= offset_s + from_s <= offset_s + until_s <= _MOST_UTC_S:
        raise ValueError("no time")
    return Span(bytes.fromhex(found["boot"]), from_s, until_s, offset_s)
