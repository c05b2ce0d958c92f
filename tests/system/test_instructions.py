"""A count is no time: it is the same on every machine, so it may fail a test."""

import json
from pathlib import Path

import pytest

from tests.device.commands import edgehar
from tests.system import board
from tests.system.debian import needs

pytestmark = pytest.mark.system


@pytest.mark.parametrize("model", ["waist", "wrist"])
def test_a_window_takes_no_more_instructions_than_it_did(model: str, tmp_path: Path) -> None:
    needs("gcc", "mmdebstrap", "qemu-user")
    board.make(board.AARCH64)
    out = tmp_path / "bench.json"
    done = edgehar("bench", "instructions", "--model", model, "--runs", "2", "--out", out)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert len(found["figures"]) == 2, found["skipped"]
    for figure in found["figures"]:
        assert figure["within"], figure
        assert max(figure["values"]) < 1.01 * min(figure["values"]), "a count that is not one"
