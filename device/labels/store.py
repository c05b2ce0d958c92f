"""Stores each label in a file with the raw samples of its time and of a short time before.

A file is a line of JSON, then the chunks of the ring, unchanged: samples that two labels share are
equal bytes in both files, and the newer label wins.
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
"""Time before the label whose samples are stored too, so that the filters settle."""
_SCHEMA: Final = 1
_MOST_LINE: Final = 64 * 1024
_MOST_SPANS: Final = 200
_MOST_UTC_S: Final = 1e11


@dataclass(frozen=True, slots=True)
class Correction:
    """A label given by the wearer for a time span."""

    label: str
    made: str
    """The time of the correction: UTC, ISO 8601."""
    spans: Sequence[Span]
    samples: int
    missing_s: float
    """Seconds of the time span without stored samples."""

    def covers(self, one: Chunk, taken_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which samples of a chunk, taken at taken_s (n,), have this label."""
        inside = np.zeros(len(taken_s), bool)
        for span in self.spans:
            if span.boot == one.boot:
                inside |= (span.from_s <= taken_s) & (taken_s < span.until_s)
        return inside


def overlaps(spans: Sequence[Span], one: Chunk) -> bool:
    """Return whether a chunk has samples of these spans, or of the LEAD_S before."""
    return any(
        span.boot == one.boot and span.from_s - LEAD_S <= one.end_s and one.start_s < span.until_s
        for span in spans
    )


def add(folder: Path, made: Correction, chunks: Sequence[Chunk], most_bytes: int) -> int:
    """Store a label and flush it to the disk; return its number.

    Raises InputError if the folder would exceed most_bytes or cannot be written.
    """
    content = _line(made) + b"".join(one.content for one in chunks)
    try:
        with _locked(folder):
            files = layout.files(folder)
            if sum(map(layout.on_disk, files)) + layout.blocks_bytes(len(content)) > most_bytes:
                raise InputError(
                    f"{folder} would exceed {most_bytes // 1_000_000} MB; save the labels with"
                    " edgehar label --export FILE, then remove some with edgehar label --remove"
                    " NUMBER, or raise labels.max_mb"
                )
            number = int(files[-1].stem) + 1 if files else 1
            path = folder / f"{number}{layout.ENDING}"
            whole_file.write(path, content, layout.FILE_MODE)
            with suppress(PermissionError):  # so that the folder's group can read it
                os.chown(path, -1, folder.stat().st_gid)
    except OSError as error:
        raise InputError(f"cannot store the label in {folder}: {why(error)}") from error
    return number


def remove(folder: Path, number: int) -> None:
    """Remove a label and its samples. Raises InputError."""
    try:
        with _locked(folder):
            (folder / f"{number}{layout.ENDING}").unlink()
    except FileNotFoundError as error:
        raise InputError(f"there is no label {number}; edgehar label --list shows all") from error
    except OSError as error:
        raise InputError(f"cannot remove label {number}: {why(error)}") from error


def read(folder: Path) -> tuple[dict[int, Correction], list[Path]]:
    """Return all labels by number, and the damaged files. Raises InputError."""
    by_number, damaged = {}, list[Path]()
    try:
        for path in layout.files(folder):
            line, _, _ = layout.content(path, _MOST_LINE).partition(b"\n")
            try:
                by_number[int(path.stem)] = _correction(line)
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                damaged.append(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"cannot read {folder}: {why(error)}") from error
    return by_number, damaged


def shared(one: Correction, other: Correction) -> bool:
    """Return whether two labels overlap in time."""
    return any(
        a.boot == b.boot and a.from_s < b.until_s and b.from_s < a.until_s
        for a in one.spans
        for b in other.spans
    )


def chunks_of(folder: Path, number: int) -> Iterator[Chunk]:
    """Yield the chunks of a label. Raises OSError."""
    yield from chunk.read(layout.content(folder / f"{number}{layout.ENDING}"))


def why(error: OSError) -> str:
    """Return the text of an error, with advice if access was denied."""
    advice = "; join the group edgehar, or use sudo" if isinstance(error, PermissionError) else ""
    return f"{error.strerror}{advice}"


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Lock the folder, so that one process at a time chooses numbers and counts bytes."""
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
        raise InputError("the board was started too often in that time; label it in parts")
    return line


def _correction(line: bytes) -> Correction:
    """Read a line of `_line`; anything else raises one of the errors that `read` catches."""
    values = json.loads(line)
    label, made = cleaned(str(values["label"]).encode()), str(values["made"])[:40]
    spans, missing_s = [_span(span) for span in values["spans"]], float(values["missing_s"])
    if values["schema"] != _SCHEMA or not (label and spans and math.isfinite(missing_s)):
        raise ValueError("not a label")
    if not made.isprintable():
        raise ValueError("not a time")
    return Correction(label, made, spans, int(values["samples"]), missing_s)


def _span(values: dict[str, Any]) -> Span:
    from_s, until_s, offset_s = (float(values[name]) for name in ("from_s", "until_s", "offset_s"))
    if not 0 <= offset_s + from_s <= offset_s + until_s <= _MOST_UTC_S:
        raise ValueError("not a time span")
    return Span(bytes.fromhex(values["boot"]), from_s, until_s, offset_s)
