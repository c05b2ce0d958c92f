"""The README's two commands in bare Debian roots, with python3, git and make only."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.board import BUILD, PATIENCE_S, REPOSITORY
from tests.system.debian import mirror, needs

pytestmark = pytest.mark.system

PACKAGES = ("ca-certificates", "git", "make", "python3", "python3-venv")
PASSED_ON = ("PIP_CERT", "PIP_FIND_LINKS", "PIP_INDEX_URL", "SSL_CERT_FILE", "http_proxy",
             "https_proxy", "no_proxy")  # fmt: skip
"""Variables that pip may need to reach its packages; the rest of the environment is dropped."""
FILES_OF_PIP = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
TEST_S = 1500.0


def make_root(release: str) -> Path:
    """Return a bare root of a Debian release, which is built once."""
    root = BUILD / f"debian-{release}"
    if not root.exists():
        part = root.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}",
             release, str(part), mirror(release)],
            check=True, timeout=PATIENCE_S,
        )  # fmt: skip
        part.rename(root)
    return root


@contextmanager
def checkout(root: Path) -> Iterator[None]:
    """Clone the commit into /src of a root."""
    source = root / "src"
    shutil.rmtree(source, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, source], check=True)
    try:
        yield
    finally:
        shutil.rmtree(source)


def run(root: Path, command: str) -> str:
    """Run a command in /src of a root, in a clean environment; return its output."""
    cache = BUILD / "pip-cache"
    cache.mkdir(exist_ok=True)
    binds = [f"--bind={cache}:/root/.cache/pip"]
    binds += [f"--bind-ro={path}" for path in FILES_OF_PIP if Path(path).exists()]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    for folder in environment.get("PIP_FIND_LINKS", "").split():
        if Path(folder).is_dir():
            binds.append(f"--bind-ro={folder}")
    variables = [f"--setenv={name}={value}" for name, value in environment.items()]
    done = subprocess.run(
        ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe",
         f"--directory={root}", "--chdir=/src", "--resolv-conf=off", *binds, *variables,
         "/bin/sh", "-c", command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        check=False, timeout=TEST_S,
    )  # fmt: skip
    assert done.returncode == 0, f"`{command}` gives {done.returncode}:\n{done.stdout[-8000:]}"
    return done.stdout


@pytest.mark.timeout(2 * TEST_S)
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_the_readmes_commands_in_a_bare_debian(release: str) -> None:
    needs("mmdebstrap", "systemd-container")
    root = make_root(release)
    with checkout(root):
        out = run(root, "make demo")
        assert "synthetic" in out
        if release == "trixie":
            print(run(root, "make test-fast"))
