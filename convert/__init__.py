"""A trained Keras model becomes a quantised, verified bundle."""

import contextlib

# Both define the same C++ symbols, and tflite_runtime's models fail to load where TensorFlow came
# first ("vector::reserve"), so whoever is about to load TensorFlow through here loads this first.
with contextlib.suppress(ImportError):
    import tflite_runtime.interpreter  # noqa: F401
