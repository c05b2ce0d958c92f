"""A run folder is complete or absent, and its model can be scored again."""

import logging
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from convert import run_folder
from firmware_bridge.errors import InputError
from tests.train.fitting.test_fit import toy
from train.fitting import runs
from train.fitting.experiment import run
from train.fitting.fit import probabilities
from train.networks.recipes import PAPER
from train.waist.data import Data
from train.waist.windows import LabelledWindows

LOG = logging.getLogger("train")


def data() -> Data:
    train = LabelledWindows.joined([toy(30, person) for person in (1, 3, 5)])
    return Data("uci", train, toy(30, 2), "0" * 64, None)


@pytest.mark.slow
def test_a_run_reads_back(tmp_path: Path) -> None:
    LOG.setLevel(logging.INFO)
    recipe = replace(PAPER, epochs=2, validation_people=1)
    done = run(data(), recipe, seed=5)
    out = tmp_path / "run"
    with run_folder.new(out, LOG) as part:
        LOG.info("a line")
        runs.save(part, done, data())
        assert not out.exists()
    back, model = runs.load(out)
    x = data().test.x
    np.testing.assert_array_equal(probabilities(model, x), probabilities(done.fitted.model, x))
    assert back.config["seed"] == 5
    assert back.config["recipe"]["learning_rate"] == PAPER.learning_rate
    people = back.config["people"]
    assert sorted(people["train"] + people["validation"]) == [1, 3, 5]
    assert people["test"] == [2]
    assert set(back.config["tools"]) == {"edgehar", "keras", "numpy", "tensorflow"}
    assert set(back.metrics) == {"validation", "test"}
    assert np.sum(back.metrics["test"]["confusion"]) == 30
    assert "a line" in (out / "log").read_text(encoding="utf-8")
    for picture in ("confusion.png", "curves.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="exists"), run_folder.new(out, LOG):
        pass


def test_a_failed_run_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), run_folder.new(tmp_path / "run", LOG):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with run_folder.new(tmp_path / "run", LOG):
        pass
    assert (tmp_path / "run").is_dir()


@pytest.mark.parametrize("damage", ["config.json", "metrics.json", "model.keras", "test.npz"])
def test_the_error_for_a_damaged_run_is_one_line(tmp_path: Path, damage: str) -> None:
    model = keras.Sequential([keras.Input((128, 9)), keras.layers.Flatten()])
    config = {"labels": ["a"], "data": {"sha256": "0" * 64}}
    x, y = data().test.x, data().test.y
    run_folder.fill(tmp_path, model=model, config=config, metrics={}, representative=x, x=x, y=y)
    assert runs.load(tmp_path)[0].config == config
    (tmp_path / damage).write_bytes(b"{")
    with pytest.raises(InputError, match=r"run folder.*train again") as caught:
        runs.load(tmp_path)
    assert "\n" not in str(caught.value)
