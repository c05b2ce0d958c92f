"""The classifier: a bundle's model in a runtime, and the bundle's self-test."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from device.model.bundle import Bundle, BundleError
from device.model.manifest import CHANNELS, decode_window
from device.model.runtime import Model, ModelError, Tensor

SELF_TEST_TOLERANCE: Final = 0.05
"""Runtimes round int8 differently by a few steps of 1/256; a wrong model is off by far more."""


class Classifier:
    """Runs a bundle's model, one window at a time, on one thread."""

    def __init__(self, bundle: Bundle, runtime: str | None = None) -> None:
        """Load the model into `runtime` (device.model.runtime.RUNTIMES) or the installed one.

        Raises BundleError if the runtime refuses the model or the model is not what the manifest
        says, EdgeharError if there is no runtime.
        """
        try:
            self._model = Model(bundle.flatbuffer, runtime)
        except ModelError as error:
            raise BundleError(f"{bundle.id}: {error}") from error
        model, stated = self._model, bundle.manifest["quantisation"]
        self.runtime = model.runtime
        ends = (
            (model.input, (1, bundle.spec.window, len(CHANNELS)), stated["input"]),
            (model.output, (1, bundle.decision.outputs(bundle.labels)), stated["output"]),
        )
        for tensor, shape, said in ends:
            if tensor.shape != shape or quantisation(tensor) != said:
                raise BundleError(f"{bundle.id}: the model's ends are not what its manifest says")

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, outputs) of windows (n, window, 9) in g and rad/s, in their order.

        Outputs are the labels and, if the bundle has it, `none of these`.
        """
        return self._model.run(x)


def quantisation(tensor: Tensor) -> dict[str, str | float | int]:
    """Describe a model's input or output as its manifest does."""
    return {"dtype": tensor.dtype, "scale": tensor.scale, "zero_point": tensor.zero_point}


def self_test(bundle: Bundle, runtime: str | None = None) -> float:
    """Classify the manifest's window; the largest difference from the probabilities it states.

    Raises BundleError if the best label is another one or a probability is off by more than
    SELF_TEST_TOLERANCE, and what Classifier raises.
    """
    test = bundle.manifest["self_test"]
    window = decode_window(test["x"]).reshape(1, bundle.spec.window, len(CHANNELS))
    found = Classifier(bundle, runtime=runtime).probabilities(window)[0]
    activity = bundle.labels[int(found[: len(bundle.labels)].argmax())]
    difference = float(np.abs(found - test["probabilities"]).max())
    if activity != test["activity"] or not difference <= SELF_TEST_TOLERANCE:
        raise BundleError(
            f"{bundle.id}: its self-test gives {activity}, off by {difference:.3f}, and should "
            f"give {test['activity']}: this machine's TFLite runtime is at fault; update it"
        )
    return difference
