"""Compares a converted model with Keras on all test windows, on every installed runtime."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from convert import runtime_process
from convert.conversion_process import Converted
from convert.errors import ConvertError

LEAST_AGREEMENT: Final = {"float32": 0.999, "float16": 0.999, "dynamic": 0.985, "int8": 0.985}
"""Smallest share of windows with the class that Keras gives, by form."""
MOST_LOST: Final = {"float32": 0.001, "float16": 0.001, "dynamic": 0.005, "int8": 0.005}
"""Largest loss of accuracy, by form; shares of 1."""
MOST_BYTES: Final = {"int8": 600_000}
"""Largest flatbuffer, by form; manifest and model card may add 20 kB."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Comparison of one runtime with Keras on the same windows; shares of 1."""

    version: str
    agreement: float
    accuracy: float
    largest_difference: float
    """Largest and rms difference of a probability, over all classes."""
    rms_difference: float

    @classmethod
    def of(
        cls,
        version: str,
        probabilities: NDArray[np.float64],
        reference: NDArray[np.float64],
        y: NDArray[np.int64],
    ) -> Self:
        """Compare probabilities (n, classes) with those of Keras and with true classes (n,)."""
        classes, difference = probabilities.argmax(1), probabilities - reference
        return cls(
            version=version,
            agreement=float((classes == reference.argmax(1)).mean()),
            accuracy=float((classes == y).mean()),
            largest_difference=float(np.abs(difference).max()),
            rms_difference=float(np.sqrt((difference**2).mean())),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """Result of a verification, part of the manifest."""

    form: str
    windows: int
    keras_accuracy: float
    runtimes: dict[str, Agreement]
    """By name of the runtime."""
    operations: dict[str, int]
    """TFLite operations and their versions."""
    input_range: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the manifest."""
        return asdict(self)


def verify(
    converted: Converted,
    reference: NDArray[np.float64],
    x: NDArray[np.float32],
    y: NDArray[np.int64],
) -> Check:
    """Verify a conversion on test windows x (n, window, channels) with true classes y (n,).

    `reference` (n, classes) are the probabilities of Keras. Raises ConvertError if the model is
    too large, differs too much, or cannot run in one of the runtimes.
    """
    form, most_bytes = converted.form, MOST_BYTES.get(converted.form)
    size = len(converted.flatbuffer)
    if most_bytes is not None and size > most_bytes:
        raise ConvertError(
            f"the {form} model has {size} bytes, more than {most_bytes}; use fewer weights"
        )
    runtimes = runtime_process.installed()
    if not runtimes:
        raise ConvertError("no TFLite runtime is installed; run: pip install ai-edge-litert")
    accuracy = float((reference.argmax(1) == y).mean())
    checked = {}
    for name, version in runtimes.items():
        probabilities, _ = runtime_process.classify(converted.flatbuffer, x, name)
        one = checked[name] = Agreement.of(version, probabilities, reference, y)
        lost = accuracy - one.accuracy
        if one.agreement < LEAST_AGREEMENT[form] or lost > MOST_LOST[form] + 1e-9:
            raise ConvertError(
                f"{form} on {name} gives {one.agreement:.2%} of {len(x)} windows the class that "
                f"Keras gives (at least {LEAST_AGREEMENT[form]:.1%} are required) and loses "
                f"{lost * 100:.2f} points of accuracy (at most {MOST_LOST[form] * 100:.1f} are "
                "allowed); try another --input-range or --form"
            )
    return Check(form, len(x), accuracy, checked, converted.operations, converted.input_range)
