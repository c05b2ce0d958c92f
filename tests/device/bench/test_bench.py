"""Figures against budgets, and `edgehar bench` as a process."""

import json
from pathlib import Path

import pytest

from device.bench import Figure
from tests.device.commands import edgehar


def test_the_median_is_compared_with_the_budget() -> None:
    slow = Figure("x", "s", (1.0, 9.0, 2.0), budget=3.0)
    rate = Figure("x", "1/s", (1.0, 9.0, 2.0), budget=3.0, at_least=True)
    assert slow.median == rate.median == 2.0
    assert slow.within
    assert not rate.within
    assert (slow.verdict, rate.verdict) == ("held", "missed")
    assert Figure("x", "s", (1.0,), budget=None).verdict == ""


@pytest.mark.slow
def test_the_figures_are_written_and_printed(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = edgehar("bench", "help", "decode", "inference", "--runs", "1", "--out", out)
    assert done.returncode == 0, done.stderr
    written = json.loads(out.read_text())
    assert {figure["what"] for figure in written["figures"]} >= {"edgehar --help"}
    assert all(figure["median"] > 0 and figure["budget"] > 0 for figure in written["figures"])
    assert {"cpu", "vectors", "cores", "python"} <= set(written["machine"])
    assert written["model"].startswith("wrist@")
    assert all(figure["what"] in done.stdout for figure in written["figures"])


def test_an_unknown_item_is_refused() -> None:
    done = edgehar("bench", "nothing")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
