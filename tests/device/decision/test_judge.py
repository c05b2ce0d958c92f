import json

import pytest

from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec, Judge

LABELS = ("walking", "sitting", "lying")


def judge(spec: DecisionSpec, row: list[float], *, mounted: bool = True) -> tuple[object, object]:
    found = Judge(LABELS, spec, postures=("sitting", "lying")).judge(row, mounted=mounted)
    return found.activity, found.reason


def test_an_output_more_than_labels_is_unfamiliar_when_it_wins() -> None:
    spec = DecisionSpec(0.3, unknown_output=True)
    assert judge(spec, [0.5, 0.1, 0.0, 0.4]) == ("walking", None)
    assert judge(spec, [0.4, 0.1, 0.0, 0.5]) == (None, "unfamiliar")
    assert judge(spec, [0.25, 0.25, 0.25, 0.25]) == (None, "unsure")


def test_probabilities_are_the_window_s_and_sum_to_1_with_unknown() -> None:
    found = Judge(LABELS, DecisionSpec(0.3, unknown_output=True)).judge(
        [0.4, 0.1, 0.0, 0.5], mounted=True
    )
    assert found.probabilities == {"walking": 0.4, "sitting": 0.1, "lying": 0.0, "unknown": 0.5}
    assert found.confidence == 0.4


def test_before_the_mounting_is_known_only_postures_are_withheld() -> None:
    spec = DecisionSpec(0.4)
    assert judge(spec, [0.1, 0.8, 0.1], mounted=False) == (None, "mounting")
    assert judge(spec, [0.3, 0.36, 0.34], mounted=False) == (None, "mounting")
    assert judge(spec, [0.8, 0.1, 0.1], mounted=False) == ("walking", None)
    assert judge(spec, [0.1, 0.8, 0.1], mounted=True) == ("sitting", None)


def test_the_window_s_probabilities_stay_when_the_belief_is_smoothed() -> None:
    stay = tuple(tuple(0.98 if i == j else 0.01 for j in range(3)) for i in range(3))
    judges = Judge(LABELS, DecisionSpec(0.4, smoothing=HmmSpec(stay, (1 / 3,) * 3, 0.5)))
    for _ in range(10):
        judges.judge([0.9, 0.05, 0.05], mounted=True)
    found = judges.judge([0.2, 0.7, 0.1], mounted=True)
    assert found.probabilities["sitting"] == 0.7
    assert found.activity == "walking"
    assert found.confidence > 0.5


def test_a_temperature_comes_before_all_else() -> None:
    sure, calm = DecisionSpec(0.6), DecisionSpec(0.6, temperature=3.0)
    assert judge(sure, [0.8, 0.15, 0.05]) == ("walking", None)
    assert judge(calm, [0.8, 0.15, 0.05]) == (None, "unsure")


@pytest.mark.parametrize("smoothing", [None, HmmSpec(((0.9, 0.1), (0.2, 0.8)), (0.6, 0.4), 1.0)])
def test_it_survives_the_manifest(smoothing: HmmSpec | None) -> None:
    spec = DecisionSpec(0.35, True, 1.7, smoothing)
    assert DecisionSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
