"""Debian packages of the system tests; a test without its packages is skipped with a reason."""

import subprocess
from pathlib import Path

import pytest

PACKAGES = Path(__file__).with_name("packages.txt")
"""All packages, one a line, for `make test-system`."""


def missing(*packages: str) -> list[str]:
    """Return those that are not installed."""
    try:
        listed = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${Status}\n", *packages],
            capture_output=True, text=True, check=False,
        ).stdout.splitlines()  # fmt: skip
    except FileNotFoundError:  # no Debian
        listed = []
    installed = {line.split()[0] for line in listed if line.endswith("ok installed")}
    return [package for package in packages if package not in installed]


def needs(*packages: str) -> None:
    """Skip the test, with the reason, if a package is not installed."""
    unlisted = set(packages) - set(PACKAGES.read_text().split())
    assert not unlisted, f"{PACKAGES} lacks {unlisted}"
    if lacking := missing(*packages):
        pytest.skip(f"needs Debian's {' '.join(lacking)}: make test-system installs them")


def mirror(suite: str = "bookworm") -> str:
    """Return a line for apt's sources with this machine's mirror."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN) $(RELEASE)"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for line in targets.splitlines():
        site, origin, release = line.rsplit(" ", 2)
        if origin == "Debian" and not release.endswith("-security"):
            return f"deb {site} {suite} main"
    raise LookupError("apt knows no Debian mirror: run apt-get update")
