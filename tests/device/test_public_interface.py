import re
import subprocess
import sys
from pathlib import Path

import pytest

import device
from device import InputError, Recognizer, Samples, load_bundle
from device.model.classifier import Classifier
from device.pipeline.pipeline import Pipeline
from firmware_bridge.simulator.wearer import Wearer


def wearer(seconds: float = 20.0) -> Samples:
    return Wearer(0).samples([("walking", seconds)])[0]


def test_every_public_name_is_there_and_nothing_else() -> None:
    assert set(device.__all__) == set(device._HOME)
    for name in device.__all__:
        assert getattr(device, name).__name__ in {name, "read_blocks"}
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        getattr(device, "nope")  # noqa: B009 -- that is the test


def test_decisions_are_those_of_the_pipeline_however_the_samples_are_cut() -> None:
    bundle, samples = load_bundle("waist"), wearer()
    whole = Pipeline(bundle, Classifier(bundle).probabilities).push(samples)
    recognizer = Recognizer("waist")
    cuts = range(0, len(samples), 37)
    parts = [decision for at in cuts for decision in recognizer.push(samples[at : at + 37])]
    assert len(whole) > 10
    assert parts == whole
    assert recognizer.counts["ok"] == sum(one.state == "ok" for one in whole)


def test_a_bad_model_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"not a model")
    for model in ("nope", tmp_path / "bad.tflite"):
        with pytest.raises(InputError):
            Recognizer(model)


@pytest.mark.parametrize(
    ("code", "others"),
    [
        ("import device", r"device\.|numpy"),
        ("import device.config.load", r"device\.(?!config)"),
        ("from device import cli; cli._exit_code(['--help'])",
         "numpy|rich|serial|tensorflow|device.commands"),
    ],
)  # fmt: skip
def test_imports_and_help_load_no_other_rooms(code: str, others: str) -> None:
    probe = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert "device" in loaded
    assert [module for module in loaded if re.match(others, module)] == []
