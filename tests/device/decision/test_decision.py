import json
from dataclasses import replace

import pytest

from device.decision.decision import Decision, to_json

OK = Decision(
    start_s=2.56,
    end_s=5.12,
    time=None,
    state="ok",
    activity="walking",
    reason=None,
    confidence=0.9,
    probabilities={"walking": 0.9, "sitting": 0.1},
    lost=3,
    model="waist@1a2b3c4d",
)


def test_one_line_in_the_order_of_the_contract() -> None:
    assert to_json(OK) == (
        '{"start_s": 2.56, "end_s": 5.12, "time": null, "state": "ok", "activity": "walking", '
        '"reason": null, "confidence": 0.9, "probabilities": {"walking": 0.9, "sitting": 0.1}, '
        '"lost": 3, "model": "waist@1a2b3c4d"}'
    )


def test_floats_have_six_decimals() -> None:
    said = json.loads(
        to_json(
            replace(
                OK,
                start_s=1e5 + 1 / 3,
                confidence=2 / 3,
                probabilities={"walking": 2 / 3, "sitting": 1e-9},
            )
        )
    )
    assert said["start_s"] == 100000.333333
    assert said["confidence"] == 0.666667
    assert said["probabilities"] == {"walking": 0.666667, "sitting": 0.0}


def test_without_a_window_there_is_nothing_to_weigh() -> None:
    quiet = replace(
        OK, start_s=None, end_s=None, state="no_data", activity=None, confidence=None,
        probabilities=None,
    )  # fmt: skip
    said = json.loads(to_json(quiet))
    assert [key for key, value in said.items() if value is None] == [
        "start_s", "end_s", "time", "activity", "reason", "confidence", "probabilities",
    ]  # fmt: skip


def test_no_json_that_others_cannot_read() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json(replace(OK, confidence=float("nan")))
