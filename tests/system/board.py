"""File systems of boards with other processors: Debian 12, unpacked, with edgehar's wheels.

Only Python runs under qemu-user meanwhile, to compile the packages. `python -m tests.system.board`
makes both boards in build/system, and keeps them while their recipe does not change.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from tests.system.debian import mirror

REPOSITORY = Path(__file__).parents[2]
BUILD = REPOSITORY / "build" / "system"
PYTHON = "3.11"
"""The version of Debian 12."""
PATIENCE_S = 600.0
"""The longest time for a download."""
SITE = f"usr/local/lib/python{PYTHON}/dist-packages"
"""Debian's folder for Python packages that are not from Debian."""

_WHEELS = (
    "click", "markdown-it-py", "mdurl", "numpy", "Pygments", "pyserial", "rich", "smbus2",
    "tflite-runtime",
)  # fmt: skip
"""edgehar's dependencies on a board, except those that are among a board's Debian packages."""
_UNWANTED = (
    "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/perl/*",
    "/usr/lib/*/perl/*", "/usr/lib/*/gconv/*", "/usr/lib/udev/hwdb.d/*", "/usr/lib/linux-image-*",
    "/lib/udev/hwdb.d/*", "/lib/modules/*/kernel/*",
)  # fmt: skip
_MODULES = ("char", "i2c", "usb", "virtio")
"""Kinds of kernel modules that a guest may load."""
_MERGED = 'mkdir -p "$1"/usr/bin "$1"/usr/sbin "$1"/usr/lib && ln -s usr/bin usr/sbin usr/lib "$1"'


@dataclass(frozen=True, slots=True)
class Board:
    """A kind of processor, and the file system for it."""

    machine: str
    """Name in the kernel and in wheels."""
    architecture: str
    """Name in Debian."""
    qemu: str
    packages: tuple[str, ...]
    alternatives: tuple[tuple[str, str], ...] = ()
    """Links that packages make during configuration: path, target."""

    @property
    def root(self) -> Path:
        """The root of its file system."""
        return BUILD / self.machine / "root"

    def command(self, *arguments: str) -> list[str]:
        """Return a command that runs its Python here, under qemu-user."""
        return [self.qemu, "-L", str(self.root), str(self.root / f"usr/bin/python{PYTHON}"),
                *arguments]  # fmt: skip


AARCH64 = Board(
    "aarch64", "arm64", "qemu-aarch64",
    ("base-files", "base-passwd", "bash", "coreutils", "dbus", "i2c-tools", "kmod", "libc-bin",
     "libpython3-stdlib", "libstdc++6", "linux-image-arm64", "login", "mount", "passwd", "procps",
     "python3-minimal", "systemd", "systemd-sysv", "udev", "util-linux"),
)  # fmt: skip
ARMV7L = Board(
    "armv7l", "armhf", "qemu-arm",
    ("libpython3-stdlib", "libstdc++6", "python3-minimal", "python3-numpy"),
    tuple((f"usr/lib/arm-linux-gnueabihf/lib{name}.so.3", f"{name}/lib{name}.so.3")
          for name in ("blas", "lapack")),
)  # fmt: skip


def make(board: Board) -> Board:
    """Make the board's root file system, unless it exists with the same recipe."""
    recipe = Path(__file__).read_bytes() + (REPOSITORY / "constraints.txt").read_bytes()
    stamp = BUILD / board.machine / "recipe"
    name = hashlib.sha256(recipe).hexdigest()
    if not stamp.exists() or stamp.read_text() != name:
        shutil.rmtree(stamp.parent, ignore_errors=True)
        board.root.mkdir(parents=True)
        _unpack_debian(board)
        _unpack_wheels(board)
        _compile(board)
        stamp.write_text(name)
    return board


def install(wheels: list[str], folder: Path, *options: str) -> None:
    """Unpack wheels into a folder for another machine's Python."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    into = ["--target", str(folder), "--no-deps", "--no-compile", "--only-binary=:all:"]
    subprocess.run([*pip, *into, *options, *wheels], check=True, timeout=PATIENCE_S)


def _unpack_debian(board: Board) -> None:
    tar = board.root.with_suffix(".tar")
    files = [f"path-exclude={path}" for path in _UNWANTED]
    files += [f"path-include=/lib/modules/*/kernel/drivers/{kind}/*" for kind in _MODULES]
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=extract", f"--architectures={board.architecture}",
         f"--include={','.join(board.packages)}", f"--setup-hook={_MERGED}",
         *(f"--dpkgopt={option}" for option in files), "bookworm", str(tar), mirror()],
        check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    subprocess.run(["tar", "-xf", tar, "-C", board.root, "--exclude=./dev/*"], check=True)
    tar.unlink()
    for path, target in board.alternatives:
        (board.root / path).symlink_to(target)


def _unpack_wheels(board: Board) -> None:
    exact = []
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pinned = Requirement(line)
            if not pinned.marker or pinned.marker.evaluate({"python_version": PYTHON}):
                exact.append(f"{pinned.name}{pinned.specifier}\n")
    constraints = board.root.with_name("constraints.txt")
    constraints.write_text("".join(exact))
    tags = [f"--platform={kind}_{board.machine}" for kind in ("manylinux2014", "manylinux_2_34")]
    wanted = [name for name in _WHEELS if f"python3-{name}" not in board.packages]
    install(
        wanted, board.root / SITE,
        "--python-version", PYTHON, "--constraint", str(constraints), *tags,
    )  # fmt: skip


def _compile(board: Board) -> None:
    """Compile all Python modules, which saves an emulated processor half a minute at each start.

    Unchecked, because file times are lost on the way into a guest's memory.
    """
    libraries = (f"usr/lib/python{PYTHON}", "usr/lib/python3", SITE)
    folders = [str(board.root / one) for one in libraries if (board.root / one).is_dir()]
    subprocess.run(
        [*board.command("-m", "compileall"), "-q", "--invalidation-mode", "unchecked-hash",
         *folders],
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    for one in (AARCH64, ARMV7L):
        make(one)
        print(one.root)
