"""Converts a trained Keras model to a quantised, verified bundle."""

import contextlib

# tflite_runtime and TensorFlow define the same C++ symbols. If TensorFlow is imported first,
# tflite_runtime cannot load a model ("vector::reserve"). So import tflite_runtime first.
with contextlib.suppress(ImportError):
    import tflite_runtime.interpreter  # noqa: F401
