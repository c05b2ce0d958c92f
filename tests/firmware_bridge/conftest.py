"""The firmware's core for this machine, compiled once."""

import shutil
from pathlib import Path

import pytest

from tests.firmware_bridge.firmware import core


@pytest.fixture(scope="session")
def library() -> Path:
    if not (shutil.which("cc") and shutil.which("make")):
        pytest.skip("no C compiler (Debian packages: gcc libc6-dev make)")
    return core.built()
