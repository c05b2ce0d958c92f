"""Boards that are not here: Debian 12 for another processor, unpacked, with edgehar's wheels.

Nothing foreign runs while one is made, but for Python itself under qemu-user to compile what the
wheels and Debian bring. `python -m tests.system.board` makes both; what is there and of the same
recipe is kept, in build/system.
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
"""Debian 12's."""
PATIENCE_S = 600.0
"""With a mirror or an index, before it is given up."""
SITE = f"usr/local/lib/python{PYTHON}/dist-packages"
"""Where Debian's Python looks for what is not Debian's."""

_WHEELS = (
    "click", "markdown-it-py", "mdurl", "numpy", "Pygments", "pyserial", "rich", "smbus2",
    "tflite-runtime",
)  # fmt: skip
"""What edgehar brings with it on a board; where Debian's numpy is among the packages, not that."""
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
    """One kind of processor."""

    machine: str
    """As the kernel and wheels call it."""
    architecture: str
    """As Debian calls it."""
    qemu: str
    packages: tuple[str, ...]
    alternatives: tuple[tuple[str, str], ...] = ()
    """Links that Debian's packages make when they are configured: path, target."""

    @property
    def root(self) -> Path:
        """The root of its file system."""
        return BUILD / self.machine / "root"

    def command(self, *arguments: str) -> list[str]:
        """Return how to run its Python here, under qemu-user."""
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
    """Make the board's root file system, unless it is there."""
    recipe = Path(__file__).read_bytes() + (REPOSITORY / "constraints.txt").read_bytes()
    made = BUILD / board.machine / "recipe"
    name = hashlib.sha256(recipe).hexdigest()
    if not made.exists() or made.read_text() != name:
        shutil.rmtree(made.parent, ignore_errors=True)
        board.root.mkdir(parents=True)
        _unpack_debian(board)
        _unpack_wheels(board)
        _compile(board)
        made.write_text(name)
    return board


def install(wheels: list[str], folder: Path, *options: str) -> None:
    """Unpack wheels, as pip does, where another machine's Python will find them."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    into = ["--target", str(folder), "--no-deps", "--no-compile", "--only-binary=:all:"]
    subprocess.run([*pip, *into, *options, *wheels], check=True, timeout=PATIENCE_S)


def _unpack_debian(board: Board) -> None:
    tar = board.root.with_suffix(".tar")
    kept = [f"path-exclude={path}" for path in _UNWANTED]
    kept += [f"path-include=/lib/modules/*/kernel/drivers/{kind}/*" for kind in _MODULES]
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=extract", f"--architectures={board.architecture}",
         f"--include={','.join(board.packages)}", f"--setup-hook={_MERGED}",
         *(f"--dpkgopt={option}" for option in kept), "bookworm", str(tar), mirror()],
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
    """Compile what is in Python: an emulated processor takes half a minute at each start else.

    Unchecked: a file's time does not survive the way into a guest's memory.
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
