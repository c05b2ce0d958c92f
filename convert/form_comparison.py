"""Compares all forms of a converted model, for `edgehar report conversion RUN_FOLDER`.

Every form, with unrolled and with fused LSTM, on every installed runtime: size, agreement with
Keras on the run's test windows, and processor time per window.
"""

import hashlib
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from convert import run_folder, runtime_process
from convert.conversion_process import FORMS, LSTMS, convert
from convert.verify import Agreement
from device.bench import machine

_TIMED_WINDOWS = 300
_INPUT_RANGES = (1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
_DIGITS = {"agreement": 4, "accuracy": 4, "rms_difference": 5, "largest_difference": 4}
HEAD = ["form", "LSTM", "runtime", "bytes", "µs a window", "same class as Keras", "accuracy"]


def measure(run: Path) -> dict[str, Any]:
    """Measure all conversions of a run's model; raises InputError, ConvertError."""
    content = run_folder.read(run)
    x, y = content.x, content.y
    variants = [(form, lstm) for form in FORMS for lstm in LSTMS]
    converted, reference = convert(content.model, content.representative, variants, test=x)
    # Real windows with a little noise; never zeros, which LSTM kernels skip.
    rng = np.random.default_rng(0)
    timed = x[rng.choice(len(x), min(len(x), _TIMED_WINDOWS), replace=False)]
    timed = (timed + rng.normal(0, 0.02, timed.shape)).astype(np.float32)
    rows: list[dict[str, Any]] = []
    for one in converted:
        for runtime, version in runtime_process.installed().items():
            times = runtime_process.latency_us(one.flatbuffer, timed, runtime)
            rows.append(
                {
                    "form": one.form,
                    "lstm": one.lstm,
                    "runtime": f"{runtime} {version}",
                    "bytes": len(one.flatbuffer),
                    "median_us": round(statistics.median(times), 1),
                    "fastest_us": round(min(times), 1),
                    **_agreement(one.flatbuffer, x, y, reference, runtime),
                }
            )
    ranges = []
    for limit in _INPUT_RANGES:
        tried, _ = convert(content.model, content.representative, input_range=limit)
        if tried[0].input_range != limit:
            break  # the model has a Clip layer, which sets the range
        runtime = next(iter(runtime_process.installed()))
        figures = _agreement(tried[0].flatbuffer, x, y, reference, runtime)
        ranges.append({"input_range": limit, **figures})
    return {
        "machine": asdict(machine()),
        "timing": f"processor time a window, one thread, {len(timed)} windows a run, 9 runs",
        "model_sha256": hashlib.sha256(content.model.read_bytes()).hexdigest(),
        "windows": len(x),
        "keras_accuracy": round(float((reference.argmax(1) == y).mean()), 4),
        "chosen_input_range": next(one.input_range for one in converted if one.form == "int8"),
        "forms": rows,
        "int8_by_input_range": ranges,
        "table": {"head": HEAD, "rows": [_row(row) for row in rows]},
    }


def _row(figures: dict[str, Any]) -> list[str]:
    return [
        figures["form"],
        figures["lstm"],
        figures["runtime"],
        f"{figures['bytes']:,}",
        f"{figures['median_us']:.0f}",
        f"{figures['agreement']:.2%}",
        f"{figures['accuracy']:.2%}",
    ]


def _agreement(flatbuffer: bytes, x: Any, y: Any, reference: Any, runtime: str) -> dict[str, float]:
    probabilities, _ = runtime_process.classify(flatbuffer, x, runtime)
    figures = asdict(Agreement.of(runtime, probabilities, reference, y))
    return {name: round(figures[name], digits) for name, digits in _DIGITS.items()}
