"""Runs a TFLite model in the installed runtime: windows in, probabilities out."""

import importlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import EdgeharError, InputError

RUNTIMES: Final = ("tflite_runtime", "ai_edge_litert")
"""In order of preference; the first is smaller, but has no wheels for Python after 3.11."""


class ModelError(InputError):
    """The runtime cannot run this model."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A model's input or output; for int8, value = (step - zero_point) * scale."""

    index: int
    shape: tuple[int, ...]
    dtype: str
    """int8 or float32."""
    scale: float
    zero_point: int


class Model:
    """An interpreter on one thread, with conversion from and to int8."""

    def __init__(self, flatbuffer: bytes, runtime: str | None = None) -> None:
        """Load a model into `runtime`, one of RUNTIMES; raises ModelError, EdgeharError without."""
        self.runtime, module = _import(RUNTIMES if runtime is None else (runtime,))
        try:
            with _silence():
                self._interpreter = module.Interpreter(model_content=flatbuffer, num_threads=1)
                self._interpreter.allocate_tensors()
            inputs = self._interpreter.get_input_details()
            outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            reason = (str(error).strip() or "no reason given").splitlines()[0]
            raise ModelError(f"{self.runtime} cannot run this model: {reason}") from error
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError("the model must have one input and one output")
        self.input, self.output = _tensor(inputs[0]), _tensor(outputs[0])

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return probabilities (n, classes) of windows (n, window, channels) in g and rad/s."""
        windows: NDArray[np.float32] | NDArray[np.int8] = x
        if self.input.dtype == "int8":
            windows = to_steps(x, self.input.scale, self.input.zero_point)
        interpreter = self._interpreter
        raw = np.empty((len(x), self.output.shape[-1]), self.output.dtype)
        for row, window in enumerate(windows):
            interpreter.reset_all_variables()  # else a fused LSTM keeps the last window's state
            interpreter.set_tensor(self.input.index, window[np.newaxis])
            interpreter.invoke()
            raw[row] = interpreter.get_tensor(self.output.index)[0]
        probabilities = raw.astype(np.float64)
        if self.output.dtype == "int8":
            return (probabilities - self.output.zero_point) * self.output.scale
        return probabilities


@contextmanager
def _silence() -> Generator[None]:
    """Hide the messages of the runtime's C++ code on standard error; its errors are exceptions."""
    try:
        standard_error = os.dup(2)
    except OSError:  # a daemon may have no standard error
        yield
        return
    with open(os.devnull, "wb") as null:  # noqa: PTH123 -- a device
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)


def to_steps(x: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Round windows (n, window, channels) to int8 steps, each error carried to the next sample.

    This is first-order noise shaping, as in a sigma-delta converter: the sum over any stretch is
    correct to one step. Rounding each sample alone shifts a constant signal by up to half a step,
    and sitting differs from standing by little more than one step.
    """
    within = np.clip(x / np.float32(scale), -128 - zero_point, 127 - zero_point)
    sums = np.rint(np.cumsum(within, axis=1, dtype=np.float64))
    steps = np.diff(sums, axis=1, prepend=0) + zero_point
    return np.clip(steps, -128, 127).astype(np.int8)


def _tensor(detail: dict[str, Any]) -> Tensor:
    scale, zero_point = detail["quantization"]
    shape = tuple(int(size) for size in detail["shape"])
    dtype = np.dtype(detail["dtype"]).name
    if dtype not in {"int8", "float32"} or shape[0] != 1:
        raise ModelError(f"the model's input or output is {dtype} {shape}, not that of one window")
    return Tensor(int(detail["index"]), shape, dtype, float(scale), int(zero_point))


def _import(names: tuple[str, ...]) -> tuple[str, Any]:
    for name in names:
        try:
            return name, importlib.import_module(f"{name}.interpreter")
        except ImportError:
            continue
    raise EdgeharError(
        f"no TFLite runtime ({' or '.join(names)}) is installed; "
        "run: pip install tflite-runtime (Python up to 3.11) or ai-edge-litert"
    )
