"""The firmware's core for this machine, compiled once."""

import shutil
from pathlib import Path

import pytest

from firmware_bridge.simulator.chip import Chip
from tests.firmware_bridge.firmware import core as firmware_core


@pytest.fixture(scope="session")
def library() -> Path:
    if not (shutil.which("cc") and shutil.which("make")):
        pytest.skip("no C compiler (Debian packages: gcc libc6-dev make)")
    return firmware_core.built()


@pytest.fixture
def core(library: Path) -> firmware_core.Core:
    """The firmware with a chip whose samples show their index."""
    return firmware_core.Core(library, Chip(firmware_core.NUMBERED))
