from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec, Judge

LABELS = ("walking", "sitting", "lying")


def judge(spec: DecisionSpec, row: list[float], *, mounted: bool = True) -> tuple[object, object]:
    judgement = Judge(LABELS, spec, postures=("sitting", "lying")).judge(row, mounted=mounted)
    return judgement.activity, judgement.reason


def test_the_output_without_a_class_is_unfamiliar() -> None:
    spec = DecisionSpec(0.3, unknown_output=True)
    assert judge(spec, [0.5, 0.1, 0.0, 0.4]) == ("walking", None)
    assert judge(spec, [0.4, 0.1, 0.0, 0.5]) == (None, "unfamiliar")
    assert judge(spec, [0.25, 0.25, 0.25, 0.25]) == (None, "unsure")


def test_probabilities_include_unknown() -> None:
    judgement = Judge(LABELS, DecisionSpec(0.3, unknown_output=True)).judge(
        [0.4, 0.1, 0.0, 0.5], mounted=True
    )
    assert judgement.probabilities == {"walking": 0.4, "sitting": 0.1, "lying": 0.0, "unknown": 0.5}
    assert judgement.confidence == 0.4


def test_without_a_mounting_only_postures_are_unknown() -> None:
    spec = DecisionSpec(0.4)
    assert judge(spec, [0.1, 0.8, 0.1], mounted=False) == (None, "mounting")
    assert judge(spec, [0.3, 0.36, 0.34], mounted=False) == (None, "mounting")
    assert judge(spec, [0.8, 0.1, 0.1], mounted=False) == ("walking", None)
    assert judge(spec, [0.1, 0.8, 0.1], mounted=True) == ("sitting", None)


def test_smoothing_changes_the_activity_and_not_the_probabilities() -> None:
    stay = tuple(tuple(0.98 if i == j else 0.01 for j in range(3)) for i in range(3))
    judges = Judge(LABELS, DecisionSpec(0.4, smoothing=HmmSpec(stay, (1 / 3,) * 3, 0.5)))
    for _ in range(10):
        judges.judge([0.9, 0.05, 0.05], mounted=True)
    judgement = judges.judge([0.2, 0.7, 0.1], mounted=True)
    assert judgement.probabilities["sitting"] == 0.7
    assert judgement.activity == "walking"
    assert judgement.confidence > 0.5


def test_the_temperature_comes_before_the_threshold() -> None:
    sure, calm = DecisionSpec(0.6), DecisionSpec(0.6, temperature=3.0)
    assert judge(sure, [0.8, 0.15, 0.05]) == ("walking", None)
    assert judge(calm, [0.8, 0.15, 0.05]) == (None, "unsure")
