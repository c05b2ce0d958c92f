"""The README's two commands in bare Debian roots, with python3, git and make only."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

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


def run(root: Path, source: str, command: str) -> str:
    """Run a command in a root and a clean environment, in /src; return its output."""
    cache = BUILD / "pip-cache"
    cache.mkdir(exist_ok=True)
    binds = [f"--bind={cache}:/root/.cache/pip", f"--bind={source}:/src"]
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
    with TemporaryDirectory(dir=BUILD) as source:
        clone = ["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), source]
        subprocess.run(clone, check=True)
        assert "synthetic" in run(root, source, "make demo")
        if release == "trixie":
            print(run(root, source, "make test-fast"))
