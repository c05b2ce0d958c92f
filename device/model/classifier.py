"""Classifies windows with a bundle's model, and runs the bundle's self-test."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from device.model.bundle import Bundle, BundleError
from device.model.manifest import CHANNELS, decode_window
from device.model.runtime import Model, ModelError, Tensor

SELF_TEST_TOLERANCE: Final = 0.05
"""Runtimes differ in rounding by a few int8 steps of 1/256; a wrong model differs by far more."""


class Classifier:
    """Runs a bundle's model, one window at a time, on one thread."""

    def __init__(self, bundle: Bundle, runtime: str | None = None) -> None:
        """Load the model into `runtime` (device.model.runtime.RUNTIMES) or the installed one.

        Raises BundleError if runtime or manifest do not match the model, EdgeharError without a
        runtime.
        """
        try:
            self._model = Model(bundle.flatbuffer, runtime)
        except ModelError as error:
            raise BundleError(f"{bundle.id}: {error}") from error
        model, stated = self._model, bundle.manifest["quantisation"]
        self.runtime = model.runtime
        for tensor, shape, expected in (
            (model.input, (1, bundle.spec.window, len(CHANNELS)), stated["input"]),
            (model.output, (1, bundle.decision.outputs(bundle.labels)), stated["output"]),
        ):
            if tensor.shape != shape or quantisation(tensor) != expected:
                raise BundleError(
                    f"{bundle.id}: the model's inputs or outputs do not match its manifest;"
                    " convert it again"
                )

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return probabilities (n, outputs) of windows (n, window, 9) in g and rad/s."""
        return self._model.run(x)


def quantisation(tensor: Tensor) -> dict[str, str | float | int]:
    """Return the quantisation of a model's input or output in the form of the manifest."""
    return {"dtype": tensor.dtype, "scale": tensor.scale, "zero_point": tensor.zero_point}


def self_test(bundle: Bundle, runtime: str | None = None) -> float:
    """Classify the manifest's window; return the largest difference from its probabilities.

    Raises BundleError if the best label differs or a probability differs by more than
    SELF_TEST_TOLERANCE, and the errors of Classifier.
    """
    test = bundle.manifest["self_test"]
    window = decode_window(test["x"]).reshape(1, bundle.spec.window, len(CHANNELS))
    probabilities = Classifier(bundle, runtime=runtime).probabilities(window)[0]
    activity = bundle.labels[int(probabilities[: len(bundle.labels)].argmax())]
    difference = float(np.abs(probabilities - test["probabilities"]).max())
    if activity != test["activity"] or not difference <= SELF_TEST_TOLERANCE:
        raise BundleError(
            f"{bundle.id}: the self-test gives {activity}, not {test['activity']}, or a probability"
            f" that is off by {difference:.3f}; update this machine's TFLite runtime"
        )
    return difference
