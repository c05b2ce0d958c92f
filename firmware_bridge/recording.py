"""Recordings: samples in a CSV file, plain or gzipped, read and written in blocks."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64, Samples

HEADER = "t_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rad_s,gyro_y_rad_s,gyro_z_rad_s"
LABEL = ",label"
MAX_LINE = 4096
"""Bytes: a file without line ends must not be read into memory whole."""

_COLUMNS = HEADER.count(",") + 1
_BYTES_PER_ROW = 128
_MAX_CHUNK = 8 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class RecordingError(InputError):
    """A recording cannot be read; the message gives the file, the line and the fault."""


def read_blocks(path: str | Path, rows: int = 65536) -> Iterator[Samples]:
    """Yield a recording's samples in blocks of at most `rows`, holding only a few blocks in memory.

    Values may be infinite or NaN. A file with only a header yields nothing.
    Raises RecordingError.
    """
    for samples, _ in _blocks(Path(path), rows):
        yield samples


def read(path: str | Path) -> tuple[Samples, list[str] | None]:
    """Return a whole recording and its labels ('' if unlabelled; None without a label column).

    Raises RecordingError.
    """
    blocks = list(_blocks(Path(path), 65536))
    samples = Samples.joined([block for block, _ in blocks])
    if not blocks or blocks[0][1] is None:
        return samples, None
    return samples, [label for _, labels in blocks for label in labels or ()]


def _samples(table: Float64) -> Samples:
    # Copies: the signal path needs contiguous columns.
    return Samples(table[:, 0].copy(), table[:, 1:4].copy(), table[:, 4:7].copy())


def _blocks(path: Path, rows: int) -> Iterator[tuple[Samples, list[str] | None]]:
    labelled = None
    for number, text in _whole_lines(path, min(rows * _BYTES_PER_ROW, _MAX_CHUNK)):
        body, skipped = text, 0
        if labelled is None:
            body, labelled, skipped = _after_header(path, text, number)
        table, labels = _parse(path, body, number + skipped, labelled)
        for start in range(0, len(table), rows):
            part = slice(start, start + rows)
            yield _samples(table[part]), labels[part] if labelled else None
    if labelled is None:
        raise RecordingError(f"{path}: empty, not a recording; its first line must be {HEADER}")


def _whole_lines(path: Path, chunk: int) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the first line, whole lines) in pieces of about `chunk` bytes."""
    number, rest = 1, b""
    try:
        with path.open("rb") as file:
            plain = file.peek(2)[:2] != _GZIP_MAGIC
            stream = file if plain else gzip.open(file)  # noqa: SIM115 - closes nothing
            while data := stream.read(chunk):
                end = data.rfind(b"\n") + 1
                text, rest = (rest + data[:end], data[end:]) if end else (b"", rest + data)
                if len(rest) > MAX_LINE:
                    line = number + text.count(b"\n")
                    raise RecordingError(f"{path}:{line}: line too long, not a recording")
                if text:
                    yield number, text
                    number += text.count(b"\n")
    except FileNotFoundError as error:
        raise RecordingError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise RecordingError(f"{path}: a folder, not a recording") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RecordingError(f"{path}: gzip data damaged or cut short ({error})") from error
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error})") from error
    if rest:
        yield number, rest


def _after_header(path: Path, text: bytes, number: int) -> tuple[bytes, bool | None, int]:
    """Return the text after the header, whether it has labels (None: no header), lines skipped."""
    body, skipped = text.removeprefix(_BOM), 0
    while body:
        line, _, body = body.partition(b"\n")
        skipped += 1
        header = line.strip()
        if header in {HEADER.encode(), (HEADER + LABEL).encode()}:
            return body, header.endswith(LABEL.encode()), skipped
        if header and not header.startswith(b"#"):
            shown = header[:60].decode("utf-8", "replace")
            raise RecordingError(
                f"{path}:{number + skipped - 1}: header is {shown!r}, must be {HEADER}"
                f" (and {LABEL} if labelled)"
            )
    return b"", None, skipped


def _parse(
    path: Path, text: bytes, number: int, labelled: bool | None
) -> tuple[Float64, list[str]]:
    """Parse whole lines into (n, 7) and labels; `number` is the first line's number."""
    labels: list[str] = []
    lines: list[bytes] | io.BytesIO = io.BytesIO(text)
    if labelled or b"#" in text or not text.strip():
        rows = [row for row in text.splitlines() if row.strip() and not row.startswith(b"#")]
        if labelled:
            split = [row.rpartition(b",") for row in rows]
            rows = [values for values, _, _ in split]
            labels = [label.strip().decode("utf-8", "replace") for _, _, label in split]
        if not rows:
            return np.empty((0, _COLUMNS)), []
        lines = rows
    try:
        table: NDArray[np.float64] = np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        raise _fault(path, text, number, labelled) from error
    if table.shape[1] != _COLUMNS:
        raise _fault(path, text, number, labelled)
    return table, labels


def _fault(path: Path, text: bytes, number: int, labelled: bool | None) -> RecordingError:
    """Find the line that np.loadtxt refused, and return the error."""
    columns = _COLUMNS + bool(labelled)
    for line, row in enumerate(text.splitlines(), number):
        if not row.strip() or row.startswith(b"#"):
            continue
        cells = row.split(b",")
        if len(cells) != columns:
            return RecordingError(f"{path}:{line}: {len(cells)} columns, must be {columns}")
        for name, cell in zip(HEADER.split(","), cells, strict=False):
            try:
                float(cell)
            except ValueError:
                shown = cell[:40].decode("utf-8", "replace")
                return RecordingError(f"{path}:{line}: {name} is {shown!r}, must be a number")
    return RecordingError(
        f"{path}:{number}: this line or one soon after it is not {columns} numbers"
    )


def check_new(path: Path, remedy: str = "give another name", *, force: bool = False) -> None:
    """Raise RecordingError if a new recording cannot have this name.

    The name must end in .csv or .csv.gz; a file of that name is replaced only with `force`.
    """
    if not path.name.endswith((".csv", ".csv.gz")):
        raise RecordingError(f"{path}: the name of a recording ends in .csv or .csv.gz")
    if path.exists() and not (force and path.is_file()):
        raise RecordingError(f"{path} already exists; {remedy}")


class RecordingWriter:
    """Writes a recording (gzipped if its name ends in .gz); a context manager.

    On a clean end the whole file appears under its name; until then, and after an exception, the
    data are in NAME.part. Values read back bit for bit; t_s is rounded to 1 µs.
    Raises RecordingError if the file cannot be created; OSError while writing (a full disk).
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._part = self._path.with_name(self._path.name + ".part")
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise RecordingError(f"cannot write {self._part}: {error.strerror}") from error
        zipped = self._path.suffix == ".gz"
        # Without a name and a time inside, equal recordings are equal files.
        self._out: gzip.GzipFile | io.BufferedWriter = (
            gzip.GzipFile("", "wb", 6, self._file, mtime=0) if zipped else self._file
        )
        self._labelled: bool | None = None

    def __enter__(self) -> "RecordingWriter":
        return self

    def write(self, samples: Samples, labels: Sequence[str] | None = None) -> None:
        """Append a block. Its labels are written only if the first block has labels.

        Raises ValueError if labels begin after the first block.
        """
        if self._labelled is None:
            self._begin(labels is not None)
        columns = [[f"{t:.6f}" for t in samples.t_s.tolist()]]
        for values in (samples.acc_g, samples.gyro_rad_s):
            columns += [list(map(repr, column)) for column in values.T.tolist()]
        if self._labelled:
            columns.append(list(labels) if labels is not None else [""] * len(samples))
        elif labels is not None:
            raise ValueError("labels must begin with the first block")
        rows = zip(*columns, strict=True)
        self._out.write("".join([",".join(row) + "\n" for row in rows]).encode())

    def comment(self, text: str) -> None:
        """Add a line that readers skip."""
        self._out.write(f"# {text}\n".encode())

    def flush(self) -> None:
        """Write all data to the disk, so that they survive a power cut."""
        self._out.flush()
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def _begin(self, labelled: bool) -> None:
        self._labelled = labelled
        self._out.write((HEADER + (LABEL if labelled else "") + "\n").encode())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if self._labelled is None:
                self._begin(False)
            if self._out is not self._file:
                self._out.close()
            self._file.flush()
            os.fsync(self._file.fileno())
        if kind is None:
            self._part.replace(self._path)
