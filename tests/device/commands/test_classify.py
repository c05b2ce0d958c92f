import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from device.commands import classify as command
from device.decision.decision import to_json
from device.factory import open_bundle
from device.model.classifier import Classifier
from device.pipeline.parallel import read_ahead, workers
from device.pipeline.pipeline import Pipeline
from firmware_bridge.errors import EdgeharError
from firmware_bridge.recording import HEADER, RecordingError, RecordingWriter, read
from firmware_bridge.samples import Samples
from tests.device.commands import Call, edgehar, lines


def expected(path: Path) -> list[str]:
    """Decisions of the pipeline, from one block in this process."""
    bundle = open_bundle(None)
    samples, _ = read(path)
    pipeline = Pipeline(bundle, Classifier(bundle).probabilities)
    return [to_json(decision) for decision in pipeline.push(samples)]


def test_decisions_equal_those_of_the_pipeline(recording: Path) -> None:
    done = edgehar("classify", recording)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == expected(recording)
    decisions = lines(done.stdout)
    assert decisions[0]["state"] == "warming_up"
    assert {decision["time"] for decision in decisions} == {None}
    assert len(decisions) == 1 + (6000 - 256) // 64 + 1
    waist = lines(edgehar("classify", recording, "--model", "waist").stdout)
    right = [d["activity"] for d in waist if d["start_s"] > 5 and d["end_s"] < 38]
    assert right == ["walking"] * len(right)


def test_each_recording_is_a_separate_stream(recording: Path) -> None:
    done = edgehar("classify", recording, recording)
    assert done.stdout.splitlines() == 2 * expected(recording)
    assert done.stderr == 2 * f"edgehar: {recording}\n"


@pytest.mark.slow
def test_a_long_recording_is_the_same_on_all_cores(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    short, _ = read(recording)
    path = tmp_path / "long.csv"
    with RecordingWriter(path) as writer:
        for n in range(24):  # several blocks
            writer.write(Samples(short.t_s + 120.0 * n, short.acc_g, short.gyro_rad_s))
    monkeypatch.setattr(command, "LONG_BYTES", 0)
    assert command.command.callback is not None
    command.command.callback((path,), None, None, None)
    assert capsys.readouterr().out.splitlines() == expected(path)


def test_an_error_in_the_reading_process_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(f"{HEADER}\n0,0,0,1,0,0,0\n0.02,0,0,1,x,0,0\n")
    with pytest.raises(RecordingError, match=r"bad\.csv:3: gyro_x_rad_s"):
        list(read_ahead(path))


def test_a_worker_that_dies_raises_one_error() -> None:
    x = np.zeros((4, 128, 9), np.float32)
    died = pytest.raises(EdgeharError, match="died")
    with died, workers(open_bundle("waist")) as classify:
        assert classify(x).shape == (4, 6)
        assert classify(x[:1]).shape == (1, 6)
        for process in multiprocessing.active_children():
            process.kill()
            process.join()
        classify(x)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(("text", "words"), [(None, "no such file"), (HEADER, "no samples")])
def test_a_bad_recording_is_one_line_and_exit_2(
    call: Call, tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "what.csv"
    if text is not None:
        path.write_text(text)
    code, out, err = call("classify", path)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith(f"edgehar: {path}")
    assert err.count("\n") == 1
