"""Data sets, models, fitting, evaluation and reports."""

import convert  # noqa: F401 -- loads tflite_runtime, which fails where TensorFlow came first
