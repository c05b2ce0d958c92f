"""The images of a guest: Debian's kernel, and a file system in memory.

Two cpio archives, one after the other: the board's root, which is kept, and edgehar's wheel with
the tests' units.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.system import board

OVERLAY = Path(__file__).with_name("overlay")
PACKAGES = ("cpio", "kmod", "mmdebstrap", "qemu-user")

_COPIED = ("firmware_bridge", "device", "convert", "train", "pyproject.toml", "README.md",
           "LICENSE")  # fmt: skip
_GROUPS = ("i2c", "dialout", "tty", "disk", "kmem", "input", "video", "audio", "render", "sgx",
           "kvm", "lp", "cdrom", "tape", "utmp", "systemd-journal")  # fmt: skip
_LINKS = {
    "init": "usr/lib/systemd/systemd",
    "usr/bin/sh": "bash",
    "etc/systemd/system/default.target": "tests.target",
}


@dataclass(frozen=True, slots=True)
class Images:
    """Kernel and initial RAM disk."""

    kernel: Path
    initrd: Path


def make(folder: Path) -> Images:
    """Make the images in a folder: the board's archive is kept, edgehar's wheel is always new."""
    one = board.make(board.AARCH64)
    (kernel,) = (one.root / "boot").glob("vmlinuz-*")
    base = one.root.with_name("base.cpio")
    if not base.exists():
        version = kernel.name.removeprefix("vmlinuz-")
        subprocess.run(["depmod", "-b", one.root, version], check=True)
        part = base.with_suffix(".part")
        _archive(one.root, part, leave_out="boot")
        part.replace(base)
    tree = folder / "overlay"
    shutil.copytree(OVERLAY, tree, ignore=shutil.ignore_patterns("__pycache__"))
    board.install([str(wheel(folder))], tree / board.SITE)
    for link, target in _LINKS.items():
        (tree / link).parent.mkdir(parents=True, exist_ok=True)
        (tree / link).symlink_to(target)
    (tree / "etc/machine-id").write_text("")
    (tree / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\n")
    groups = ["root", *_GROUPS]
    (tree / "etc/group").write_text("".join(f"{g}:x:{i}:\n" for i, g in enumerate(groups)))
    over = folder / "overlay.cpio"
    _archive(tree, over)
    initrd = folder / "initrd.cpio"
    with initrd.open("wb") as whole:
        for part in (base, over):
            with part.open("rb") as archive:
                shutil.copyfileobj(archive, whole)
    return Images(kernel, initrd)


def wheel(folder: Path) -> Path:
    """Build edgehar's wheel from a copy of this checkout, because setuptools leaves files."""
    with TemporaryDirectory() as copy:
        for name in _COPIED:
            source, target = board.REPOSITORY / name, Path(copy, name)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel"]
        into = ["--no-deps", "--wheel-dir", str(folder), copy]
        subprocess.run([*pip, *into], check=True, timeout=board.PATIENCE_S)
    (built,) = folder.glob("edgehar-*.whl")
    return built


def _archive(tree: Path, archive: Path, leave_out: str = "") -> None:
    paths = [
        path for path in sorted(tree.rglob("*")) if path.relative_to(tree).parts[0] != leave_out
    ]
    names = b"\0".join(bytes(path.relative_to(tree)) for path in paths)
    with archive.open("wb") as out:
        cpio = ["cpio", "--create", "--null", "--format=newc", "--owner=0:0", "--quiet"]
        subprocess.run(cpio, input=names, stdout=out, cwd=tree, check=True)
