"""A new model's trial: what counts against it, what proves it, and what is gone back to."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from device.decision.decision import Decision
from device.model.bundle import BundleError
from device.model.ledger import CRASHES, CUTS, Ledger, LedgerError, Trial, is_key, short
from device.model.store import Store, StoreError
from device.model.trial import ENOUGH, Proof, active, take_active
from firmware_bridge.errors import EdgeharError
from tests.device.model.bundles import failing, put_by_hand, variant

NEW = 0.61  # that no shipped model has
"""The threshold of the model on trial, by which it is known."""
OTHER_BOOT = "another"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a model on trial."""
    found = Store(tmp_path / "models")
    found.activate(found.install(variant(tmp_path / "new.tflite", NEW)).key)
    return found


class UnexpectedError(Exception):
    """What no part of the daemon raises on purpose."""


def run(store: Store, end: BaseException | None = None) -> float:
    """Start and end a daemon; return which model it had."""
    used = 0.0
    with suppress(UnexpectedError, EdgeharError, KeyboardInterrupt), take_active(store) as found:
        used = found.bundle.decision.unknown_threshold
        if end is not None:
            raise end
    return used


def boots(store: Store) -> None:
    """Whatever start is noted was before the machine booted."""

    def step(ledger: Ledger) -> Ledger:
        assert ledger.trial is not None
        return replace(ledger, trial=replace(ledger.trial, boot=ledger.trial.boot and OTHER_BOOT))

    store.change(step)


@pytest.mark.parametrize("end", [None, EdgeharError("no port"), KeyboardInterrupt()])
def test_an_end_of_its_own_will_is_no_crash(store: Store, end: BaseException | None) -> None:
    assert {run(store, end) for _ in range(2 * CUTS)} == {NEW}
    assert store.ledger().trial == Trial()


def test_the_second_crash_rolls_back_even_with_good_runs_between(store: Store) -> None:
    key = store.ledger().active
    for _ in range(CRASHES):
        assert run(store) == NEW
        assert run(store, UnexpectedError()) == NEW
    with take_active(store) as found:
        assert found.bundle.decision.unknown_threshold != NEW
        assert (
            found.why
            == f"{short(str(key))} was rolled back: the daemon crashed 2 times with this model"
        )
        assert found.proof is None
    assert store.ledger().active == "wrist"
    assert store.ledger().failed == {key: "the daemon crashed 2 times with this model"}


@pytest.mark.parametrize("end", [BundleError("its filter cannot be made"), UnexpectedError()])
def test_what_the_daemon_cannot_honour_counts_as_crashes(store: Store, end: Exception) -> None:
    assert [run(store, end) for _ in range(CRASHES)] == [NEW] * CRASHES
    assert run(store) != NEW


def test_power_cuts_count_less_than_crashes_but_not_for_nothing(store: Store) -> None:
    for _ in range(CUTS):
        assert run(store, UnexpectedError()) == NEW
        boots(store)
    assert run(store) != NEW
    assert "went down 5 times" in store.ledger().why


def test_a_model_that_has_failed_may_be_tried_again(store: Store) -> None:
    key = str(store.ledger().active)
    while run(store, UnexpectedError()) == NEW:
        pass
    store.activate(key)
    assert store.ledger().failed == {}
    assert store.ledger().trial == Trial()
    assert run(store) == NEW


def decision(probabilities: dict[str, float] | None) -> Decision:
    return Decision(0.0, 1.0, None, "unknown", None, "unsure", 0.2, probabilities, 0, "wrist@0")


def proof_of(store: Store) -> Proof:
    with take_active(store) as found:
        assert found.proof is not None
        return found.proof


def test_enough_windows_prove_it_and_silence_proves_nothing(store: Store) -> None:
    proof = proof_of(store)
    for _ in range(ENOUGH - 1):
        proof.write(decision({"walking": 1.0}))
    for _ in range(ENOUGH):
        proof.write(decision(None))
    assert store.ledger().trial is not None
    proof.write(decision({"walking": 1.0}))
    assert store.ledger().trial is None
    # A crash is now no reason to go back to an older model.
    assert [run(store, UnexpectedError()) for _ in range(4)] == [NEW] * 4


def test_a_daemon_says_nothing_of_a_model_activated_meanwhile(store: Store, tmp_path: Path) -> None:
    other = store.install(variant(tmp_path / "other", 0.35)).key
    with take_active(store) as found:
        assert found.proof is not None
        store.activate(other)
        for _ in range(ENOUGH):
            found.proof.write(decision({"walking": 1.0}))
    assert store.ledger().trial == Trial()
    assert store.ledger().previous == "wrist"


def test_a_second_daemon_beside_the_first_is_no_crash(store: Store) -> None:
    with take_active(store) as first:
        for _ in range(3):
            with take_active(Store(store.folder)) as second:
                assert second.bundle == first.bundle
                assert second.proof is None
    assert store.ledger().trial == Trial()


def test_one_that_fails_its_self_test_at_the_start_is_rolled_back(
    store: Store, tmp_path: Path
) -> None:
    """As one does that another runtime made, or this one before it was updated."""
    good, bad = store.ledger().active, put_by_hand(failing(tmp_path / "bad"), store.folder)
    store.change(lambda ledger: ledger.proved().activated(bad, "wrist"))
    with take_active(store) as found:
        assert found.bundle.decision.unknown_threshold == NEW
        assert "self-test" in found.why
    assert store.ledger().active == good
    assert "self-test" in store.ledger().failed[bad]


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize(
    "spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-9])]
)
def test_one_that_rots_on_the_card_is_rolled_back(
    store: Store, spoil: Callable[[Path], object], *, proven: bool
) -> None:
    if proven:
        store.change(Ledger.proved)
    spoil(store.folder / f"{store.ledger().active}.tflite")
    assert active(store).decision.unknown_threshold != NEW
    assert run(store) != NEW
    assert store.ledger().active == "wrist"
    assert "rolled back" in store.ledger().why


def test_both_rotten_leave_the_shipped_default(store: Store, tmp_path: Path) -> None:
    store.change(Ledger.proved)
    store.activate(store.install(variant(tmp_path / "b", 0.35)).key)
    for path in store.folder.glob("*.tflite"):
        path.write_bytes(b"")
    with take_active(store) as found:
        assert found.bundle.decision == active(Store(tmp_path / "none")).decision
    assert store.ledger().active is None
    assert len(store.ledger().failed) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 500, b"[]", b'{"schema": 9}', b"\xff"])
def test_a_ledger_of_no_use_leaves_the_shipped_default_and_can_be_mended(
    store: Store, content: bytes
) -> None:
    (store.folder / "state.json").write_bytes(content)
    with take_active(store) as found:
        assert found.bundle.decision.unknown_threshold != NEW
        assert "state.json cannot be used" in found.why
    store.activate(next(entry.key for entry in store.entries() if not entry.shipped))
    assert run(store) == NEW


def test_a_start_that_cannot_be_noted_is_not_made(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A card that has turned read-only: nothing would ever stop a model that crashes."""

    def read_only(_: object) -> None:
        raise StoreError("cannot write to /models: Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(store, "change", read_only)
        assert run(store) != NEW
    assert "Read-only" in caplog.text
    assert run(store) == NEW


def test_without_a_runtime_no_model_is_to_blame(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("device.model.runtime.RUNTIMES", ("none",))
        with pytest.raises(EdgeharError, match="no TFLite runtime") as caught, take_active(store):
            pass
        assert not isinstance(caught.value, BundleError)
    assert store.ledger().trial == Trial()


def test_a_shipped_default_that_fails_is_said_and_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shipped").mkdir()
    shutil.copy(failing(tmp_path / "bad"), tmp_path / "shipped" / "wrist.tflite")
    monkeypatch.setattr("device.model.bundle.MODELS", tmp_path / "shipped")
    with pytest.raises(BundleError, match="self-test"), take_active(Store(tmp_path / "models")):
        pass


def test_an_unknown_boot_is_the_same_boot(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.host.clock.boot_id", lambda: None)
    run(store, UnexpectedError())
    run(store)
    assert store.ledger().trial == Trial(crashes=1)


KEYS = ["waist", "wrist", *(f"wrist@{digit * 64}" for digit in "abc")]
STEPS = st.sampled_from(["prove", "back", "fail", "begin", "end", *KEYS])


@given(st.lists(STEPS, max_size=40))
@example(["waist", "back", "fail", "waist"])
def test_what_is_gone_back_to_has_always_proved_itself(steps: list[str]) -> None:
    ledger, proven = Ledger(), {"wrist", None}
    for step in steps:
        if step in KEYS and step != (ledger.active or "wrist"):
            ledger = ledger.activated(step, "wrist")
        elif step == "prove":
            ledger = ledger.proved()
        elif step == "back" and ledger.previous:
            ledger = ledger.went_back()
        elif step == "fail" and ledger.active:
            proven -= {ledger.active} - {"wrist"}  # the last resort is always there
            ledger = ledger.fell_back("it did")
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
def test_a_ledger_with_anything_in_a_field_is_refused_or_makes_sense(
    field: str, value: object
) -> None:
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
        {"installed": {KEYS[2]: {"path": "a", "date": "b", "signed_by": "me"}}},
        {"installed": {KEYS[2]: {"path": "a", "date": 5, "signed_by": None}}},
        {"installed": {"../x": {"path": "a", "date": "b", "signed_by": None}}},
        {"failed": {"wrist": None}},
        {"more": 1},
    ],
)
def test_a_ledger_that_says_what_none_can_is_refused(fields: dict[str, object]) -> None:
    whole = json.loads(Ledger().activated("waist", "wrist").to_json())
    Ledger.from_json(json.dumps(whole).encode())
    with pytest.raises(LedgerError, match="damaged"):
        Ledger.from_json(json.dumps({**whole, **fields}).encode())


@pytest.mark.parametrize("key", ["../waist", "waist/../../etc", "a" * 33, "wrist@..", "W", ""])
def test_no_path_comes_out_of_a_ledger(store: Store, key: str) -> None:
    whole = {**json.loads(store.ledger().to_json()), "active": key}
    (store.folder / "state.json").write_text(json.dumps(whole))
    assert store.ledger().active is None
    with pytest.raises(BundleError, match="not the name of a model"):
        store.load(key)


def test_the_lock_of_a_trial_is_let_go(store: Store) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for end in (None, UnexpectedError(), None, EdgeharError(), UnexpectedError(), None):
        run(store, end)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
