"""All states of a disk after a power cut at any file call of the store.

The file calls are recorded. After a power cut POSIX guarantees a file's bytes only up to its last
fsync, and a folder's entries only up to the folder's last fsync. Any combination of the later
changes may be on the disk.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from pathlib import Path
from typing import Any

Tree = dict[Path, bytes]


class Calls:
    """Replaces the module `os` in the modules under test; records the calls that change files."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self._open: dict[int, tuple[str, Any]] = {}
        self._files = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: str | Path, flags: int, mode: int = 0o777) -> int:
        new = not Path(path).exists()
        descriptor = os.open(path, flags, mode)
        if flags & os.O_DIRECTORY:
            self._open[descriptor] = ("folder", Path(path))
        elif flags & os.O_CREAT and new:
            self._files += 1
            self.log.append(("link", Path(path), self._files))
            self._open[descriptor] = ("file", self._files)
        else:
            self._open.pop(descriptor, None)  # the number was that of another, closed file
        return descriptor

    def write(self, descriptor: int, content: bytes) -> int:
        # A disk may accept only a part.
        written = os.write(descriptor, content[: max(1, len(content) // 2)])
        self.log.append(("write", self._open[descriptor][1], bytes(content[:written])))
        return written

    def fsync(self, descriptor: int) -> None:
        self.log.append(("sync", *self._open[descriptor]))

    def replace(self, old: str | Path, new: str | Path) -> None:
        os.replace(old, new)  # noqa: PTH105 -- the recorded call, as below
        self.log.append(("rename", Path(old), Path(new)))

    def unlink(self, path: str | Path) -> None:
        os.unlink(path)  # noqa: PTH108
        self.log.append(("unlink", Path(path)))

    def mkdir(self, path: str | Path, mode: int = 0o777) -> None:
        os.mkdir(path, mode)  # noqa: PTH102
        self.log.append(("link", Path(path), None))


@dataclass
class Disk:
    """The state after some calls, and the states that a power cut could leave."""

    entries: dict[Path, int | None] = field(default_factory=dict)
    """Number of the file by path; None for a folder."""
    content: dict[int, bytes] = field(default_factory=dict)
    safe: dict[int, bytes] = field(default_factory=dict)
    """Synced content by file number."""
    safe_entries: dict[Path, int | None] = field(default_factory=dict)
    pending: list[tuple[Path, dict[Path, Any]]] = field(default_factory=list)
    """Changes of a folder's entries since its last fsync."""
    folders: set[Path] = field(default_factory=set)

    def take(self, call: tuple[Any, ...]) -> None:
        what, *rest = call
        if what == "write":
            self.content[rest[0]] = self.content.get(rest[0], b"") + rest[1]
        elif what == "sync" and rest[0] == "file":
            self.safe[rest[1]] = self.content.get(rest[1], b"")
        elif what == "sync":
            for folder, changes in self.pending:
                if folder == rest[1]:
                    _apply(self.safe_entries, changes)
            self.pending = [one for one in self.pending if one[0] != rest[1]]
        else:
            changes = self._changes(what, rest)
            _apply(self.entries, changes)
            self.pending.append((rest[0].parent, changes))

    def _changes(self, what: str, rest: list[Any]) -> dict[Path, Any]:
        if what == "link":
            if rest[1] is None:
                self.folders.add(rest[0])
            return {rest[0]: rest[1]}
        renamed = {rest[1]: self.entries[rest[0]]} if what == "rename" else {}
        return {**renamed, rest[0]: GONE}

    def now(self) -> Tree:
        return self._tree(self.entries, self.content)

    def after_a_cut(self) -> Iterator[Tree]:
        numbers = range(len(self.pending))
        subsets = chain.from_iterable(combinations(numbers, n) for n in range(len(numbers) + 1))
        halves = {n: self.safe.get(n, b"") or whole[: len(whole) // 2]
                  for n, whole in self.content.items()}  # fmt: skip
        zeros = {n: self.safe.get(n, b"") or bytes(len(w)) for n, w in self.content.items()}
        for subset in subsets:
            entries = dict(self.safe_entries)
            for number in subset:
                _apply(entries, self.pending[number][1])
            for content in (self.safe, halves, zeros, self.content):
                yield self._tree(entries, content)

    def _tree(self, entries: dict[Path, int | None], content: dict[int, bytes]) -> Tree:
        lost = {path for path in self.folders if path not in entries}
        return {
            path: content.get(number, b"")
            for path, number in entries.items()
            if number is not None and not lost & set(path.parents)
        }


GONE = object()


def _apply(entries: dict[Path, int | None], changes: dict[Path, Any]) -> None:
    for path, number in changes.items():
        if number is GONE:
            entries.pop(path, None)
        else:
            entries[path] = number


def tree(folder: Path) -> Tree:
    """Read all files in a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put(state: Tree, old: Path, new: Path) -> None:
    """Write a state of the folder `old` to the folder `new`."""
    for path, content in state.items():
        copy = new / path.relative_to(old)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
