"""Power cuts at any moment: unflushed data are lost, torn or complete, in any combination.

The test records a daemon's system calls and rebuilds possible states of the disk.
"""

import itertools
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from device.sinks.sqlite import Sqlite
from tests.device.history.killing import decision
from tests.system.debian import needs

pytestmark = pytest.mark.system

DECISIONS = 4000
CUTS = 2000
FOLDER = "traced"
_SECTOR = 512
_WRITER = f"""
import os, sys, struct
from pathlib import Path
from tests.device.history import killing
os_write = os.write
killing.os.write = lambda file, number: (
    os_write(file, number), struct.unpack("<I", number)[0] >= {DECISIONS} and os._exit(0))
killing.write_on(Path(sys.argv[1]), 1, 100)
"""
_CALL = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)")
_QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Call:
    """A call that changes a file, or reports that a decision was stored."""

    kind: str
    name: str = ""
    offset: int = 0
    data: bytes = b""


@dataclass(slots=True)
class OnDisk:
    """One file: its certain content, and the calls not flushed yet."""

    certain: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)

    def flush(self) -> None:
        """Make the whole content certain."""
        for call in self.pending:
            _apply(self.certain, call)
        self.pending.clear()

    def flush_name(self) -> None:
        """Make a removal certain."""
        removed = [at for at, call in enumerate(self.pending) if call.kind == "unlink"]
        if removed:
            self.certain.clear()
            del self.pending[: removed[-1] + 1]

    def after_cut(self, random: np.random.Generator) -> bytes:
        """Return a possible content: of each write all, nothing, or some sectors."""
        content = bytearray(self.certain)
        for call in self.pending:
            luck = random.integers(3)
            if luck == 0:
                _apply(content, call)
            elif luck == 1 and call.kind == "write":
                first = _SECTOR - call.offset % _SECTOR
                ends = [*range(first, len(call.data), _SECTOR), len(call.data)]
                for at, end in itertools.pairwise([0, *ends]):
                    if random.integers(2):
                        part = Call("write", call.name, call.offset + at, call.data[at:end])
                        _apply(content, part)
        return bytes(content)


def _apply(content: bytearray, call: Call) -> None:
    if call.kind == "truncate":
        del content[call.offset :]
    elif call.kind == "unlink":
        content.clear()
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data


def calls_of(trace: Path, folder: Path) -> Iterator[Call]:
    names: dict[str, str] = {}
    with trace.open() as lines:
        for line in lines:
            match = _CALL.match(line)
            if match is None or match[3].startswith("-"):
                continue
            kind, arguments, result = match.groups()
            quoted = _QUOTED.search(arguments)
            text = bytes.fromhex(quoted[1].replace("\\x", "")) if quoted else b""
            file, *rest = arguments.split(", ")
            if kind == "openat":
                names[result] = Path(text.decode()).name if str(folder) in text.decode() else ""
            elif kind == "unlink":
                yield Call("unlink", Path(text.decode()).name)
            elif kind == "write" and file == "1":
                yield Call("stored")
            elif not names.get(file):
                continue
            elif kind == "pwrite64":
                assert len(text) == int(rest[-2]), "strace truncated the data"
                yield Call("write", names[file], int(rest[-1]), text)
            elif kind == "ftruncate":
                yield Call("truncate", names[file], int(rest[0]))
            elif kind in {"fsync", "fdatasync"}:
                yield Call("flush", names[file])


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    needs("strace")
    folder = tmp_path_factory.mktemp("power") / FOLDER
    folder.mkdir()
    trace = folder.with_name("trace")
    only = "trace=openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink"
    subprocess.run(
        ["strace", "-f", "-xx", "-s", "70000", "-e", only, "-o", trace,
         sys.executable, "-c", _WRITER, folder / "d.db"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    recorded = list(calls_of(trace, folder))
    assert sum(call.kind == "stored" for call in recorded) == DECISIONS
    assert sum(call.kind == "flush" for call in recorded) > 8  # several checkpoints
    return recorded


def test_a_power_cut_at_any_moment(calls: list[Call], tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    cuts = set(random.choice(len(calls), CUTS, replace=False).tolist())
    # The most can be lost around a flush.
    flushes = [at for at, call in enumerate(calls) if call.kind == "flush"]
    cuts |= {at + step for at in flushes for step in range(-3, 4) if 0 <= at + step < len(calls)}
    disk: dict[str, OnDisk] = {}
    stored = certain = 0
    lost = []
    for at, call in enumerate(calls):
        if call.kind == "stored":
            stored += 1
        elif call.kind == "flush" and call.name == FOLDER:
            for file in disk.values():
                file.flush_name()
        elif call.kind == "flush":
            disk.setdefault(call.name, OnDisk()).flush()
            certain = stored if call.name == "d.db-wal" else certain
        else:
            disk.setdefault(call.name, OnDisk()).pending.append(call)
        if at in cuts:
            latest = last_stored_after(disk, tmp_path, random)
            # Every decision stored before the last flush of the log exists, and no other.
            assert certain <= latest <= stored + 1, at
            lost.append(stored - latest)
    assert max(lost) > 10  # more than a killed process loses


def last_stored_after(disk: dict[str, OnDisk], folder: Path, random: np.random.Generator) -> int:
    """Start a daemon after the cut; return the last decision stored before the cut."""
    shutil.rmtree(folder)
    folder.mkdir()
    for name, file in disk.items():
        if content := file.after_cut(random):
            (folder / name).write_bytes(content)
    path = folder / "d.db"
    sink = Sqlite(path, "after")
    sink.write(decision(1))
    sink.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (new,) = database.execute("SELECT max(run) FROM runs").fetchone()
        rows = database.execute(
            "SELECT number, start_s FROM decisions WHERE run < ? ORDER BY number", (new,)
        ).fetchall()
    numbers = [number for number, _ in rows]
    assert all(start_s == number for number, start_s in rows)
    assert numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else True
    return numbers[-1] if numbers else 0
