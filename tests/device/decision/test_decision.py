import json
from dataclasses import replace
from typing import Any

import pytest

from device.decision.decision import Decision, to_json

OK = Decision(
    2.56, 5.12, None, "ok", "walking", None, 0.9, {"walking": 0.9, "sitting": 0.1}, 3,
    "waist@1a2b3c4d",
)  # fmt: skip


def test_one_line_in_the_order_of_the_contract() -> None:
    assert to_json(OK) == (
        '{"start_s": 2.56, "end_s": 5.12, "time": null, "state": "ok", "activity": "walking", '
        '"reason": null, "confidence": 0.9, "probabilities": {"walking": 0.9, "sitting": 0.1}, '
        '"lost": 3, "model": "waist@1a2b3c4d"}'
    )


def test_floats_have_six_decimals() -> None:
    probabilities = {"walking": 2 / 3, "sitting": 1e-9}
    long = replace(OK, start_s=1e5 + 1 / 3, confidence=2 / 3, probabilities=probabilities)
    line = json.loads(to_json(long))
    assert line["start_s"] == 100000.333333
    assert line["confidence"] == 0.666667
    assert line["probabilities"] == {"walking": 0.666667, "sitting": 0.0}


def test_fields_without_a_window_are_null() -> None:
    names = ("start_s", "end_s", "time", "activity", "reason", "confidence", "probabilities")
    nulls: dict[str, Any] = dict.fromkeys(names)
    line = json.loads(to_json(replace(OK, state="no_data", **nulls)))
    assert [name for name, value in line.items() if value is None] == list(names)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json(replace(OK, confidence=float("nan")))
