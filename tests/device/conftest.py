from functools import partial
from pathlib import Path

import pytest

from firmware_bridge.recording import RecordingWriter
from firmware_bridge.simulator.wearer import Wearer
from tests.device.commands import Call, called


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of a synthetic wearer."""
    path = tmp_path_factory.mktemp("recording") / "wearer.csv"
    script = [("walking", 40.0), ("sitting", 30.0), ("standing", 20.0), ("lying", 30.0)]
    samples, labels = Wearer(seed=3).samples(script)
    with RecordingWriter(path) as writer:
        writer.write(samples, labels)
    return path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command in this process."""
    return partial(called, capsys)
