"""The classifier: windows in, probabilities out, by whichever TFLite runtime the board has."""

import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from device.model.bundle import Bundle, BundleError
from device.model.manifest import CHANNELS, decode_window
from firmware_bridge.errors import EdgeharError

RUNTIMES: Final = {
    "tflite_runtime": "tflite_runtime.interpreter",
    "ai_edge_litert": "ai_edge_litert.interpreter",
}
"""By preference: the first is smaller, but has no wheels for Python above 3.11."""

SELF_TEST_TOLERANCE: Final = 0.05
"""Runtimes round int8 differently by a few steps of 1/256; a wrong model is off by far more."""


class Classifier:
    """Runs a bundle's model, one window at a time, with `threads` interpreters side by side."""

    def __init__(self, bundle: Bundle, threads: int = 1, runtime: str | None = None) -> None:
        """Load the model; raises BundleError if the runtime refuses it, EdgeharError if none is.

        `runtime` names one of RUNTIMES; without it the board's own is taken.
        """
        self.runtime, module = _import(tuple(RUNTIMES) if runtime is None else (runtime,))
        self._models = [_Model(module, self.runtime, bundle) for _ in range(threads)]

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, classes) of windows (n, window, 9) in g and rad/s, in their order."""
        parts = np.array_split(x, min(len(self._models), max(len(x), 1)))
        if len(parts) == 1:
            return self._models[0].run(x)
        with ThreadPoolExecutor(len(parts)) as pool:  # invoke() lets go of the interpreter lock
            return np.concatenate(list(pool.map(_Model.run, self._models, parts)))


def self_test(bundle: Bundle, runtime: str | None = None) -> float:
    """Classify the manifest's window; the largest difference from the probabilities it states.

    Raises BundleError if the class is another one or a probability is off by more than
    SELF_TEST_TOLERANCE.
    """
    test = bundle.manifest["self_test"]
    window = decode_window(test["x"]).reshape(1, bundle.spec.window, len(CHANNELS))
    found = Classifier(bundle, runtime=runtime).probabilities(window)[0]
    activity = bundle.labels[int(found.argmax())]
    difference = float(np.abs(found - test["probabilities"]).max())
    if activity != test["activity"] or not difference <= SELF_TEST_TOLERANCE:
        raise BundleError(
            f"{bundle.id}: self-test gives {activity} (off by {difference:.3f}), not "
            f"{test['activity']}: this runtime does not run this model right; update it"
        )
    return difference


class _Model:
    """One interpreter with its input and output scaling."""

    def __init__(self, module: Any, runtime: str, bundle: Bundle) -> None:
        try:
            self._interpreter = module.Interpreter(model_content=bundle.flatbuffer, num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
            raise BundleError(f"{bundle.id}: {runtime} cannot run this model: {reason}") from error
        shapes = ((1, bundle.spec.window, len(CHANNELS)), (1, len(bundle.labels)))
        stated = bundle.manifest["quantisation"]
        self._input, self._in_scale, self._in_zero, self._in_type = _tensor(
            self._interpreter.get_input_details(), shapes[0], stated["input"], bundle.id
        )
        self._output, self._out_scale, self._out_zero, self._out_type = _tensor(
            self._interpreter.get_output_details(), shapes[1], stated["output"], bundle.id
        )
        self._classes = len(bundle.labels)

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, window, 9) to (n, classes)."""
        if self._in_type == np.int8:
            steps = np.rint(x / np.float32(self._in_scale)) + self._in_zero
            x = np.clip(steps, -128, 127).astype(np.int8)
        interpreter = self._interpreter
        raw = np.empty((len(x), self._classes), self._out_type)
        for row, window in enumerate(x):
            interpreter.set_tensor(self._input, window[np.newaxis])
            interpreter.invoke()
            raw[row] = interpreter.get_tensor(self._output)[0]
        found = raw.astype(np.float64)
        return (found - self._out_zero) * self._out_scale if self._out_type == np.int8 else found


def _tensor(
    details: Sequence[dict[str, Any]], shape: tuple[int, ...], stated: dict[str, Any], model: str
) -> tuple[int, float, int, Any]:
    """Index, scale, zero point and type of the one tensor, which must be what the manifest says."""
    if len(details) != 1 or tuple(details[0]["shape"]) != shape:
        raise BundleError(f"{model}: the model's input or output is not of shape {shape}")
    detail = details[0]
    scale, zero_point = detail["quantization"]
    found = (np.dtype(detail["dtype"]).name, float(np.float32(scale)), int(zero_point))
    if found != (stated["dtype"], float(np.float32(stated["scale"])), stated["zero_point"]):
        raise BundleError(f"{model}: the model's quantisation is not what its manifest says")
    return int(detail["index"]), found[1], found[2], detail["dtype"]


def _import(names: Sequence[str]) -> tuple[str, Any]:
    for name in names:
        try:
            return name, importlib.import_module(RUNTIMES[name])
        except ImportError:
            continue
    raise EdgeharError(
        f"no TFLite runtime ({' or '.join(names)}) is installed; "
        "run: pip install 'tflite-runtime' (Python up to 3.11) or 'ai-edge-litert'"
    )
