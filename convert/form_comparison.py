"""Which way of converting is best? `edgehar report conversion RUN_FOLDER` writes the answer.

Every form with the LSTM unrolled and fused, on every runtime of this machine: size, agreement
with Keras on the run's test windows, and processor time a window.
"""

import hashlib
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from convert import run_folder, runtime_process
from convert.converter import FORMS, LSTMS, convert
from device.bench import machine

_TIMED_WINDOWS = 300
_INPUT_RANGES = (1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
HEAD = ["form", "LSTM", "runtime", "bytes", "µs a window", "same class as Keras", "accuracy"]


def measure(run: Path) -> dict[str, Any]:
    """Measure all conversions of a run's model; raises InputError, ConvertError."""
    read = run_folder.read(run)
    variants = [(form, lstm) for form in FORMS for lstm in LSTMS]
    converted, reference = convert(read.model, read.representative, variants, test=read.x)
    # Real windows with a little noise; never zeros, which LSTM kernels skip.
    rng = np.random.default_rng(0)
    timed = read.x[rng.choice(len(read.x), min(len(read.x), _TIMED_WINDOWS), replace=False)]
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
                    **_agreement(one.flatbuffer, read.x, read.y, reference, runtime),
                }
            )
    ranges = []
    for limit in _INPUT_RANGES:
        tried, _ = convert(read.model, read.representative, input_range=limit)
        if tried[0].input_range != limit:
            break  # the model clips by itself, and that is its range
        runtime = next(iter(runtime_process.installed()))
        figures = _agreement(tried[0].flatbuffer, read.x, read.y, reference, runtime)
        ranges.append({"input_range": limit, **figures})
    return {
        "machine": asdict(machine()),
        "timing": f"processor time a window, one thread, {len(timed)} windows a run, 9 runs",
        "model_sha256": hashlib.sha256(read.model.read_bytes()).hexdigest(),
        "windows": len(read.x),
        "keras_accuracy": round(float((reference.argmax(1) == read.y).mean()), 4),
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
    found, _ = runtime_process.classify(flatbuffer, x, runtime)
    return {
        "agreement": round(float((found.argmax(1) == reference.argmax(1)).mean()), 4),
        "accuracy": round(float((found.argmax(1) == y).mean()), 4),
        "rms_difference": round(float(np.sqrt(((found - reference) ** 2).mean())), 5),
        "largest_difference": round(float(np.abs(found - reference).max()), 4),
    }
