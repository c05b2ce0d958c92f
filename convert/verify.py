"""Is a converted model still the trained one? Checked on a whole test set, on every runtime."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convert import runtime_process
from convert.converter import Converted
from convert.errors import ConvertError

LEAST_AGREEMENT: Final = {"float32": 0.999, "float16": 0.999, "dynamic": 0.985, "int8": 0.985}
"""Share of windows that must keep their class, by form."""
MOST_LOST: Final = {"float32": 0.001, "float16": 0.001, "dynamic": 0.005, "int8": 0.005}
"""How much accuracy may be lost, by form; shares of 1."""
MOST_BYTES: Final = {"int8": 600_000}
"""By form; manifest and model card may add 20 kB."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One runtime against Keras, on the same windows; shares of 1."""

    version: str
    agreement: float
    accuracy: float
    largest_difference: float
    """Of any class's probability."""
    rms_difference: float


@dataclass(frozen=True, slots=True)
class Check:
    """What a bundle's manifest says of its conversion."""

    form: str
    windows: int
    keras_accuracy: float
    runtimes: dict[str, Agreement]
    """Those that were checked."""
    operations: dict[str, int]
    """TFLite operations with their versions."""
    input_range: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as the manifest keeps it."""
        return asdict(self)


def verify(
    converted: Converted,
    reference: NDArray[np.float64],
    x: NDArray[np.float32],
    y: NDArray[np.int64],
) -> Check:
    """Check a conversion on test windows x (n, window, channels) of true classes y (n,).

    `reference` (n, classes) is what Keras says of them. Raises ConvertError if the model is too
    large, differs too much, or a runtime refuses it.
    """
    form, most_bytes = converted.form, MOST_BYTES.get(converted.form)
    size = len(converted.flatbuffer)
    if most_bytes is not None and size > most_bytes:
        raise ConvertError(f"the {form} model has {size} bytes; at most {most_bytes} can ship")
    runtimes = runtime_process.installed()
    if not runtimes:
        raise ConvertError("no TFLite runtime is installed to check the conversion on")
    truth, accuracy = reference.argmax(1), float((reference.argmax(1) == y).mean())
    found = {}
    for name, version in runtimes.items():
        probabilities, _ = runtime_process.classify(converted.flatbuffer, x, name)
        classes, difference = probabilities.argmax(1), probabilities - reference
        found[name] = Agreement(
            version=version,
            agreement=float((classes == truth).mean()),
            accuracy=float((classes == y).mean()),
            largest_difference=float(np.abs(difference).max()),
            rms_difference=float(np.sqrt((difference**2).mean())),
        )
    check = Check(form, len(x), accuracy, found, converted.operations, converted.input_range)
    for name, one in found.items():
        lost = accuracy - one.accuracy
        if one.agreement < LEAST_AGREEMENT[form] or lost > MOST_LOST[form] + 1e-9:
            raise ConvertError(
                f"{form} on {name} gives {one.agreement:.2%} of {len(x)} windows the class that "
                f"Keras gives (at least {LEAST_AGREEMENT[form]:.1%} must be) and loses "
                f"{lost * 100:.2f} points of accuracy (at most {MOST_LOST[form] * 100:.1f} may be)"
                "; try another --input-range or --form"
            )
    return check
