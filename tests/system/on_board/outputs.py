"""Runs on a board: prints the windows of a recording and the exact outputs of each model.

By model: the windows' digest, the probabilities, and the outputs in int8 steps from the runtime's
reference kernels, which are plain C++ and equal on every processor.
"""

import hashlib
import json
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter, OpResolverType

from device.model.bundle import load, locate
from device.model.classifier import Classifier
from device.model.runtime import to_steps
from device.signal.path import SignalPath, Window
from firmware_bridge.recording import read

samples, _ = read(sys.argv[1])
outputs = {}
for name in sys.argv[2:]:
    bundle = load(locate(name))
    x = np.array(
        [one.x for one in SignalPath(bundle.spec).push(samples) if isinstance(one, Window)]
    )
    plain = Interpreter(
        model_content=bundle.flatbuffer,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    plain.allocate_tensors()
    (end,), (start,) = plain.get_output_details(), plain.get_input_details()
    reference = []
    for window in to_steps(x, *start["quantization"]):
        plain.reset_all_variables()
        plain.set_tensor(start["index"], window[np.newaxis])
        plain.invoke()
        reference.append(plain.get_tensor(end["index"])[0].tolist())
    outputs[name] = {
        "windows": hashlib.sha256(x.tobytes()).hexdigest(),
        "probabilities": Classifier(bundle, "tflite_runtime").probabilities(x).tolist(),
        "reference": reference,
    }
print(json.dumps(outputs))
