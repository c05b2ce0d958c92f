"""The instructions of a window: a count is equal on every machine, so a test may depend on it."""

import json
from pathlib import Path

import pytest

from tests.device.commands import edgehar
from tests.system import board
from tests.system.debian import needs

pytestmark = pytest.mark.system


@pytest.mark.parametrize("model", ["waist", "wrist"])
def test_a_window_takes_no_more_instructions_than_its_budget(model: str, tmp_path: Path) -> None:
    needs("gcc", "mmdebstrap", "qemu-user")
    board.make(board.AARCH64)
    out = tmp_path / "bench.json"
    done = edgehar("bench", "instructions", "--model", model, "--runs", "2", "--out", out)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert len(report["figures"]) == 2, report["skipped"]
    for figure in report["figures"]:
        assert figure["within"], figure
        assert max(figure["values"]) < 1.01 * min(figure["values"]), "the count varies"
