"""Other processors under qemu-user: the shipped models give the results of this machine.

The model's input and the runtime's reference kernels are bit-identical. The fast kernels are not:
x86 and Arm round some values differently, which changes a probability by up to 8 steps of 1/256
(wrist). Two classes of nearly equal probability may change places. The self-test's tolerance limits
the difference.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.model.classifier import SELF_TEST_TOLERANCE
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.wearer import Wearer
from tests.system import board
from tests.system.debian import needs

pytestmark = pytest.mark.system

MODELS = ("waist", "wrist")
EDGEHAR = "from device.cli import main; main()"
OUTPUTS = Path(__file__).parent / "on_board" / "outputs.py"
SCRIPT = [("walking", 40.0), ("sitting", 20.0), ("walking_upstairs", 40.0), ("lying", 20.0)]
HERE = None


@pytest.fixture(scope="module", params=[board.AARCH64, board.ARMV7L], ids=lambda one: one.machine)
def there(request: pytest.FixtureRequest) -> board.Board:
    needs("mmdebstrap", "qemu-user")
    one: board.Board = request.param
    return board.make(one)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A wearer, then noise as strong as blows, which uses the whole int8 range."""
    worn, _ = Wearer(seed=4).samples(SCRIPT)
    random = np.random.default_rng(4)
    t_s = worn.t_s[-1] + 0.02 * np.arange(1, 1001)
    blows = Samples(t_s, random.normal(0, 1, (1000, 3)), random.normal(0, 3, (1000, 3)))
    path = tmp_path_factory.mktemp("worn") / "recording.csv"
    with RecordingWriter(path) as writer:
        writer.write(worn)
        writer.write(blows)
    return str(path)


@cache
def python(on: board.Board | None, *arguments: str) -> str:
    command = [sys.executable, *arguments] if on is None else on.command(*arguments)
    # The board's packages and this checkout; no other package of the host.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(board.REPOSITORY)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def outputs(on: board.Board | None, recording: str) -> dict[str, Any]:
    by_model: dict[str, Any] = json.loads(python(on, str(OUTPUTS), recording, *MODELS))
    return by_model


def decisions(on: board.Board | None, recording: str, model: str) -> list[dict[str, Any]]:
    text = python(on, "-c", EDGEHAR, "classify", recording, "--model", model)
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("model", MODELS)
def test_the_self_test_passes(there: board.Board, model: str) -> None:
    report = python(there, "-c", EDGEHAR, "bundle", "check", model)
    assert "undamaged; self-test on tflite_runtime gives" in report


def test_windows_and_reference_outputs_are_the_same_bits(
    there: board.Board, recording: str
) -> None:
    x86, arm = (outputs(on, recording) for on in (HERE, there))
    for model in MODELS:
        classes = np.argmax(x86[model]["reference"], axis=1)
        assert len(classes) > 80
        assert len(set(classes)) >= 3, "windows of one class prove little"
        assert arm[model]["windows"] == x86[model]["windows"]
        assert arm[model]["reference"] == x86[model]["reference"]


def test_classes_are_the_same_except_near_a_tie(there: board.Board, recording: str) -> None:
    x86, arm = (outputs(on, recording) for on in (HERE, there))
    for model in MODELS:
        here, far = (np.array(every[model]["probabilities"]) for every in (x86, arm))
        assert np.abs(far - here).max() <= SELF_TEST_TOLERANCE
        best = np.sort(here, axis=1)
        clear = best[:, -1] - best[:, -2] > 2 * SELF_TEST_TOLERANCE
        assert clear.mean() > 0.5
        assert (far.argmax(axis=1) == here.argmax(axis=1))[clear].all()


@pytest.mark.parametrize("model", MODELS)
def test_decisions_are_the_same(there: board.Board, recording: str, model: str) -> None:
    here, far = (decisions(on, recording, model) for on in (HERE, there))
    assert len(here) > 80
    assert len({one["activity"] for one in here}) > 2
    keys = ("start_s", "end_s", "state", "activity", "reason", "lost", "model")
    for one, other in zip(here, far, strict=True):
        assert [one[key] for key in keys] == [other[key] for key in keys]


@pytest.mark.parametrize("model", MODELS)
def test_64_and_32_bit_agree_to_the_last_bit(recording: str, model: str) -> None:
    needs("mmdebstrap", "qemu-user")
    boards = [board.make(one) for one in (board.AARCH64, board.ARMV7L)]
    first, second = (decisions(one, recording, model) for one in boards)
    assert first == second
