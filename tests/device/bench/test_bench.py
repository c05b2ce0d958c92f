import json
from pathlib import Path

import pytest

from device.bench import Figure
from tests.device.commands import edgehar


def test_figures_are_judged_by_their_median() -> None:
    slow = Figure("x", "s", (1.0, 9.0, 2.0), budget=3.0)
    rate = Figure("x", "1/s", (1.0, 9.0, 2.0), budget=3.0, at_least=True)
    assert slow.median == rate.median == 2.0
    assert slow.within
    assert not rate.within
    assert (slow.verdict, rate.verdict) == ("held", "missed")
    assert Figure("x", "s", (1.0,), budget=None).verdict == ""


@pytest.mark.slow
def test_it_writes_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = edgehar("bench", "help", "decode", "inference", "--runs", "1", "--out", out)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert {figure["what"] for figure in found["figures"]} >= {"edgehar --help"}
    assert all(figure["median"] > 0 and figure["budget"] > 0 for figure in found["figures"])
    assert {"cpu", "vectors", "cores", "python"} <= set(found["machine"])
    assert found["model"].startswith("wrist@")
    assert all(figure["what"] in done.stdout for figure in found["figures"])


def test_an_item_it_does_not_know() -> None:
    done = edgehar("bench", "nothing")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
