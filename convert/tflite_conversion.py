"""Runs TensorFlow and its converter in a child process, because the converter can crash.

`python -m convert.tflite_conversion FOLDER` reads the job of convert.conversion_process from FOLDER
and writes the answers there.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # the converter uses no GPU

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

from convert.activation_ranges import peaks, spans
from convert.emitters import EMITTERS
from convert.errors import ConvertError
from convert.graph import Plan, rebuild
from convert.representative import clipped, held_out
from convert.topology import clip_of_window, nodes
from device.model.runtime import Model, ModelError

GATE_LIMIT: Final = 8.0
"""There a sigmoid differs from 0 or 1 by 1/2900; int8 output has steps of 1/256."""


def main(folder: Path) -> None:
    """Do the job in the folder; raises ConvertError."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    try:
        model = keras.models.load_model(job["model"], compile=False)  # safe mode: runs no code
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise ConvertError("Keras cannot load the .keras file; train again") from error
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.input_shape) != 3:
        raise ConvertError(
            "the model must have one input (time, channels) and one output (classes)"
        )
    if (windows := folder / "test.npy").exists():
        predicted = model.predict(np.load(windows), batch_size=512, verbose=0)
        np.save(folder / "reference.npy", predicted.astype(np.float64))
    representative = np.load(folder / "representative.npy")
    for number, variant in enumerate(job["variants"]):
        form, lstm, limit = variant["form"], variant["lstm"], None
        if form == "int8":
            own = clip_of_window(nodes(model))
            ranges = job["ranges"] if own is None else [own.limit]
            flatbuffer, limit = best_int8(model, lstm, representative, ranges)
        else:
            flatbuffer = convert(model, form, lstm, representative)
        (folder / f"{number}.tflite").write_bytes(flatbuffer)
        answer = {"operations": operations(flatbuffer), "input_range": limit}
        (folder / f"{number}.json").write_text(json.dumps(answer), "utf-8")


def best_int8(
    model: Any, lstm: str, representative: NDArray[np.float32], ranges: list[float]
) -> tuple[bytes, float]:
    """Convert with each input range; return the flatbuffer nearest to Keras and its range.

    The difference is the mean square over probabilities of windows that set no scale.
    Raises ConvertError if the runtime refuses a flatbuffer.
    """
    windows = held_out(representative)
    expected = model.predict(windows, batch_size=512, verbose=0)
    tried = []
    for limit in ranges:
        flatbuffer = convert(model, "int8", lstm, clipped(representative, limit))
        difference = 0.0
        if len(ranges) > 1:
            try:
                probabilities = Model(flatbuffer).run(windows)
            except ModelError as error:
                raise ConvertError(str(error)) from error
            difference = float(np.square(probabilities - expected).mean())
        tried.append((difference, limit, flatbuffer))
    _, limit, flatbuffer = min(tried)
    return flatbuffer, limit


def convert(model: Any, form: str, lstm: str, windows: NDArray[np.float32]) -> bytes:
    """Return the flatbuffer of a Keras model in this form; the windows set the int8 scales."""
    plan = Plan(lstm)
    if form == "int8":
        plan = Plan(lstm, GATE_LIMIT, peaks(model, windows), spans(model, windows))
    function = rebuild(model, plan, EMITTERS)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if form != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == "dynamic":
        # A scale for each row needs FULLY_CONNECTED version 12, which tflite-runtime 2.14 lacks.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if form == "int8":
        converter.representative_dataset = lambda: _one_by_one(windows)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def operations(flatbuffer: bytes) -> dict[str, int]:
    """Return the highest version of each operation; raises ConvertError on a custom operation."""
    model = schema.Model.GetRootAs(flatbuffer)
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    versions: dict[str, int] = {}
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        if name == "CUSTOM" or code.CustomCode() is not None:
            raise ConvertError(f"the model needs a custom operation: {code.CustomCode()!r}")
        versions[name] = max(versions.get(name, 0), code.Version())
    return dict(sorted(versions.items()))


def _one_by_one(windows: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    for window in windows:
        yield [window[np.newaxis]]


if __name__ == "__main__":
    job_folder = Path(sys.argv[1])
    try:
        main(job_folder)
    except ConvertError as error:
        (job_folder / "error").write_text(str(error), "utf-8")
        sys.exit(1)
