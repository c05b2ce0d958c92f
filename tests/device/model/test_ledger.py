"""The ledger: what a rollback goes back to, and which files are refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from device.model.ledger import Ledger, LedgerError, is_key

KEYS = ["waist", "wrist", *(f"wrist@{digit * 64}" for digit in "abc")]
STEPS = st.sampled_from(["prove", "back", "fail", "begin", "end", *KEYS])


@given(st.lists(STEPS, max_size=40))
@example(["waist", "back", "fail", "waist"])
def test_a_rollback_goes_back_only_to_a_model_that_passed_its_trial(steps: list[str]) -> None:
    ledger, proven = Ledger(), {"wrist", None}
    for step in steps:
        if step in KEYS and step != (ledger.active or "wrist"):
            ledger = ledger.activated(step, "wrist")
        elif step == "prove":
            ledger = ledger.proved()
        elif step == "back" and ledger.previous:
            ledger = ledger.went_back()
        elif step == "fail" and ledger.active:
            proven -= {ledger.active} - {"wrist"}  # the shipped default is always possible
            ledger = ledger.fell_back("a failure")
        elif step == "begin" and ledger.trial:
            ledger = replace(ledger, trial=ledger.trial.begun("boot"))
        elif step == "end" and ledger.trial:
            ledger = replace(ledger, trial=replace(ledger.trial, boot=None))
        if ledger.trial is None:
            proven.add(ledger.active)
            assert ledger.active not in ledger.failed
        assert ledger.previous in proven
        assert ledger.previous != ledger.active or ledger.active is None
        assert ledger.previous not in ledger.failed
        assert Ledger.from_json(ledger.to_json()) == ledger


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(json.loads(Ledger().to_json()))), JSON)
def test_a_ledger_with_any_value_in_a_field_is_refused_or_valid(field: str, value: object) -> None:
    whole = {**json.loads(Ledger().to_json()), field: value}
    try:
        ledger = Ledger.from_json(json.dumps(whole).encode())
    except LedgerError:
        return
    assert all(key is None or is_key(key) for key in (ledger.active, ledger.previous))
    assert Ledger.from_json(ledger.to_json()) == ledger


@pytest.mark.parametrize(
    "fields",
    [
        {"active": None},
        {"trial": {"crashes": -1}},
        {"trial": {"crashes": 0, "lives": 9}},
        {"trial": {"boot": 5}},
        {"trial": {"boot": 0}},
        {"installed": {KEYS[2]: {"path": "a", "date": "b", "signed_by": "me"}}},
        {"installed": {KEYS[2]: {"path": "a", "date": 5, "signed_by": None}}},
        {"installed": {"../x": {"path": "a", "date": "b", "signed_by": None}}},
        {"failed": {"wrist": None}},
        {"more": 1},
    ],
)
def test_an_impossible_ledger_is_refused(fields: dict[str, object]) -> None:
    whole = json.loads(Ledger().activated("waist", "wrist").to_json())
    Ledger.from_json(json.dumps(whole).encode())
    with pytest.raises(LedgerError, match="damaged"):
        Ledger.from_json(json.dumps({**whole, **fields}).encode())
