"""The trial of a new model: what counts against it, what ends it, and the rollback."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from device.decision.decision import Decision
from device.model.bundle import BundleError
from device.model.ledger import CRASHES, CUTS, Ledger, Trial, short
from device.model.store import Store, StoreError
from device.model.trial import ENOUGH, active, take_active
from firmware_bridge.errors import EdgeharError
from tests.device.model.bundles import failing, installed, put_by_hand

NEW = 0.61
"""Threshold of the model on trial, which tells it from the shipped ones."""


@pytest.fixture
def store(store: Store) -> Store:
    """A store with a model on trial."""
    store.activate(installed(store, NEW))
    return store


class UnexpectedError(Exception):
    """Raised nowhere in the daemon."""


def run(store: Store, end: BaseException | None = None) -> float:
    """Start and end a daemon; return the threshold of its model."""
    threshold = 0.0
    with suppress(UnexpectedError, EdgeharError, KeyboardInterrupt), take_active(store) as taken:
        threshold = taken.bundle.decision.unknown_threshold
        if end is not None:
            raise end
    return threshold


@pytest.mark.parametrize("end", [None, EdgeharError("no port"), KeyboardInterrupt()])
def test_a_normal_end_is_no_crash(store: Store, end: BaseException | None) -> None:
    assert {run(store, end) for _ in range(2 * CUTS)} == {NEW}
    assert store.ledger().trial == Trial()


def test_the_second_crash_rolls_back_even_with_good_runs_between(store: Store) -> None:
    key = store.ledger().active
    for _ in range(CRASHES):
        assert run(store) == NEW
        assert run(store, UnexpectedError()) == NEW
    reason = "the daemon crashed 2 times with this model"
    with take_active(store) as taken:
        assert taken.bundle.decision.unknown_threshold != NEW
        assert taken.why == f"{short(str(key))} was rolled back: {reason}"
        assert taken.proof is None
    assert store.ledger().active == "wrist"
    assert store.ledger().failed == {key: reason}


@pytest.mark.parametrize("end", [BundleError("its filter cannot be made"), UnexpectedError()])
def test_a_bundle_error_counts_as_a_crash(store: Store, end: Exception) -> None:
    assert [run(store, end) for _ in range(CRASHES)] == [NEW] * CRASHES
    assert run(store) != NEW


def test_five_power_cuts_roll_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for boot in range(CUTS):
        monkeypatch.setattr("device.host.clock.boot_id", lambda boot=boot: f"boot {boot}")
        assert run(store, UnexpectedError()) == NEW
    monkeypatch.setattr("device.host.clock.boot_id", lambda: "the next boot")
    assert run(store) != NEW
    assert "went down 5 times" in store.ledger().why


def test_a_failed_model_can_be_activated_again(store: Store) -> None:
    key = str(store.ledger().active)
    while run(store, UnexpectedError()) == NEW:
        pass
    store.activate(key)
    assert store.ledger().failed == {}
    assert store.ledger().trial == Trial()
    assert run(store) == NEW


def decision(probabilities: dict[str, float] | None) -> Decision:
    return Decision(0.0, 1.0, None, "unknown", None, "unsure", 0.2, probabilities, 0, "wrist@0")


def test_enough_windows_end_the_trial_and_silence_does_not(store: Store) -> None:
    with take_active(store) as taken:
        assert taken.proof is not None
        for _ in range(ENOUGH - 1):
            taken.proof.write(decision({"walking": 1.0}))
        for _ in range(ENOUGH):
            taken.proof.write(decision(None))
        assert store.ledger().trial is not None
        taken.proof.write(decision({"walking": 1.0}))
    assert store.ledger().trial is None
    # After the trial, crashes roll nothing back.
    assert [run(store, UnexpectedError()) for _ in range(4)] == [NEW] * 4


def test_a_daemon_changes_nothing_for_a_model_activated_meanwhile(store: Store) -> None:
    with take_active(store) as taken:
        assert taken.proof is not None
        store.activate(installed(store, 0.35))
        for _ in range(ENOUGH):
            taken.proof.write(decision({"walking": 1.0}))
    assert store.ledger().trial == Trial()
    assert store.ledger().previous == "wrist"


def test_a_second_daemon_beside_the_first_is_no_crash(store: Store) -> None:
    with take_active(store) as first:
        for _ in range(3):
            with take_active(Store(store.folder)) as second:
                assert second.bundle == first.bundle
                assert second.proof is None
    assert store.ledger().trial == Trial()


def test_a_failed_self_test_at_the_start_rolls_back(store: Store, tmp_path: Path) -> None:
    """For example after an update of the runtime."""
    good, bad = store.ledger().active, put_by_hand(failing(tmp_path / "bad"), store.folder)
    store.change(lambda ledger: ledger.proved().activated(bad, "wrist"))
    with take_active(store) as taken:
        assert taken.bundle.decision.unknown_threshold == NEW
        assert "self-test" in taken.why
    assert store.ledger().active == good
    assert "self-test" in store.ledger().failed[bad]


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-9])]
)
def test_a_damaged_model_is_rolled_back(
    store: Store, damage: Callable[[Path], object], *, proven: bool
) -> None:
    if proven:
        store.change(Ledger.proved)
    damage(store.folder / f"{store.ledger().active}.tflite")
    assert active(store).decision.unknown_threshold != NEW
    assert run(store) != NEW
    assert store.ledger().active == "wrist"
    assert "rolled back" in store.ledger().why


def test_two_damaged_models_leave_the_shipped_default(store: Store, tmp_path: Path) -> None:
    store.change(Ledger.proved)
    store.activate(installed(store, 0.35))
    for path in store.folder.glob("*.tflite"):
        path.write_bytes(b"")
    with take_active(store) as taken:
        assert taken.bundle.decision == active(Store(tmp_path / "none")).decision
    assert store.ledger().active is None
    assert len(store.ledger().failed) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 500, b"[]", b'{"schema": 9}', b"\xff"])
def test_an_unusable_ledger_leaves_the_shipped_default(store: Store, content: bytes) -> None:
    (store.folder / "state.json").write_bytes(content)
    with take_active(store) as taken:
        assert taken.bundle.decision.unknown_threshold != NEW
        assert "state.json cannot be used" in taken.why
    store.activate(next(entry.key for entry in store.entries() if not entry.shipped))
    assert run(store) == NEW


def test_without_a_noted_start_there_is_no_trial(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a read-only card, crashes could not be counted."""

    def read_only(_: object) -> None:
        raise StoreError("cannot write to /models: Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(store, "change", read_only)
        assert run(store) != NEW
    assert "Read-only" in caplog.text
    assert run(store) == NEW


def test_a_missing_runtime_is_no_crash(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("device.model.runtime.RUNTIMES", ("none",))
        with pytest.raises(EdgeharError, match="no TFLite runtime") as caught, take_active(store):
            pass
        assert not isinstance(caught.value, BundleError)
    assert store.ledger().trial == Trial()


def test_a_failing_shipped_default_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shipped").mkdir()
    shutil.copy(failing(tmp_path / "bad"), tmp_path / "shipped" / "wrist.tflite")
    monkeypatch.setattr("device.model.bundle.MODELS", tmp_path / "shipped")
    with pytest.raises(BundleError, match="self-test"), take_active(Store(tmp_path / "none")):
        pass


def test_an_unknown_boot_is_the_same_boot(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.host.clock.boot_id", lambda: None)
    run(store, UnexpectedError())
    run(store)
    assert store.ledger().trial == Trial(crashes=1)


@pytest.mark.parametrize("key", ["../waist", "waist/../../etc", "a" * 33, "wrist@..", "W", ""])
def test_a_ledger_cannot_name_a_path(store: Store, key: str) -> None:
    whole = {**json.loads(store.ledger().to_json()), "active": key}
    (store.folder / "state.json").write_text(json.dumps(whole))
    assert store.ledger().active is None
    with pytest.raises(BundleError, match="not the name of a model"):
        store.load(key)


def test_the_lock_of_a_trial_is_released(store: Store) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for end in (None, UnexpectedError(), None, EdgeharError(), UnexpectedError(), None):
        run(store, end)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
