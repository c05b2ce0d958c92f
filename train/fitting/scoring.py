"""Scores a trained model on the test people: a run folder, or a bundle in the board's runtime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.model import bundle as bundles
from device.model.classifier import Classifier
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError
from train.datasets import hapt, uci_har
from train.datasets.waist import LABELS, TEST_PEOPLE
from train.fitting.quiet_import import quiet_import
from train.results.scores import Scores, score
from train.waist.windows import LabelledWindows, by_our_path, published


def score_run_or_bundle(name: str, windows: str | None, folder: Path) -> Scores:
    """Score a run folder, a bundle's file or a shipped bundle's name on the test people.

    Raises InputError if `name` is none of these, if the model has other labels than the data, or
    if the data are missing.
    """
    if Path(name).is_dir():
        with quiet_import():
            from train.fitting import fit, runs  # noqa: PLC0415  a bundle needs no TensorFlow

        run, model = runs.load(Path(name))
        signal = run.config["signal"]
        spec = SignalSpec.from_dict(signal) if signal else SignalSpec()
        test = _test_windows(windows or run.config["windows"], spec, folder)
        return _score(test, tuple(run.config["labels"]), fit.probabilities(model, test.x))
    bundle = bundles.load(bundles.locate(name))
    test = _test_windows(windows or "hapt", bundle.spec, folder)
    return _score(test, bundle.labels, Classifier(bundle).probabilities(test.x))


def _test_windows(windows: str, spec: SignalSpec, folder: Path) -> LabelledWindows:
    if windows in {"uci", "uci+hapt"}:
        return published(uci_har.load(folder)).of(TEST_PEOPLE)
    return by_our_path(hapt.load(folder), spec).of(TEST_PEOPLE)


def _score(
    test: LabelledWindows, labels: tuple[str, ...], probabilities: NDArray[np.float64]
) -> Scores:
    if labels != LABELS:
        raise InputError(
            f"the labels of the model ({', '.join(labels)}) differ from those of the data "
            f"({', '.join(LABELS)}); `edgehar evaluate` scores waist models only"
        )
    return score(test.y, probabilities, LABELS)
