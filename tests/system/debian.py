"""The Debian packages that the system tests need; a test that lacks one says which."""

import subprocess
from pathlib import Path

import pytest

PACKAGES = Path(__file__).with_name("packages.txt")
"""All of them, one a line, for `make test-system`."""


def missing(*packages: str) -> list[str]:
    """Return those that are not installed."""
    found = []
    for package in packages:
        try:
            said = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Status}", package],
                capture_output=True, text=True, check=False,
            ).stdout  # fmt: skip
        except FileNotFoundError:  # no Debian
            said = ""
        if "ok installed" not in said:
            found.append(package)
    return found


def needs(*packages: str) -> None:
    """Skip what follows, with the reason, where a package is not installed."""
    unlisted = set(packages) - set(PACKAGES.read_text().split())
    assert not unlisted, f"{PACKAGES} lacks {unlisted}"
    if lacking := missing(*packages):
        pytest.skip(f"needs Debian's {' '.join(lacking)}: make test-system installs them")


def mirror(suite: str = "bookworm") -> str:
    """Return the line of apt's sources for a release, from the mirror that this machine uses."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN) $(RELEASE)"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for line in said.splitlines():
        site, origin, release = line.rsplit(" ", 2)
        if origin == "Debian" and not release.endswith("-security"):
            return f"deb {site} {suite} main"
    raise LookupError("apt knows no Debian mirror: run apt-get update")
