"""After a power cut at any time, one valid model is active, and the next command works."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from device.files import lock
from device.model import bundle as bundles
from device.model import store as stores
from device.model import trial
from device.model.ledger import CRASHES, Ledger
from device.model.store import Store
from device.model.trial import active, take_active
from firmware_bridge import bounded_file, whole_file
from tests.device.model.bundles import sha256, variant
from tests.device.model.conftest import CARD, FLATBUFFER
from tests.device.model.powercut import Calls, Disk, put, tree

Step = tuple[str, Callable[[Store], object]]


class CrashError(Exception):
    """An exception that the daemon does not expect."""


def runs(store: Store) -> None:
    with take_active(store):
        pass


def crashes(store: Store) -> None:
    with suppress(CrashError), take_active(store):
        raise CrashError


@pytest.fixture
def files(
    tmp_path: Path, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """Small bundles without a model, one of them shipped; they keep the disk's states small."""
    monkeypatch.setattr(bundles, "MODELS", tmp_path / "shipped")
    for module in (stores, trial):
        monkeypatch.setattr(module, "self_test", lambda _: 0.0)
    written = {}
    for number, name in enumerate(("a", "b", "c", "new", "shipped/wrist")):
        decision = {**manifest["decision"], "unknown_threshold": (number + 1) / 10}
        terms = {"name": "wrist" if "/" in name else "small", "decision": decision}
        written[name] = tmp_path / f"{name}.tflite"
        written[name].parent.mkdir(exist_ok=True)
        bundles.write(written[name], FLATBUFFER, {**manifest, **terms}, CARD)
    return written


@pytest.fixture
def life(files: dict[str, Path]) -> list[Step]:
    """All commands of a store, and runs and crashes of the daemon."""

    def install(name: str) -> Step:
        return f"install {name}", lambda store: store.install(files[name])

    def activate(name: str) -> Step:
        wanted = f"small@{sha256(files[name])}"
        return f"activate {name}", lambda store: store.activate(wanted)

    run, crash = ("run", runs), ("crash", crashes)
    prove: Step = ("prove", lambda store: store.change(Ledger.proved))
    back: Step = ("rollback", lambda store: store.roll_back())
    return [
        *(install("a"), activate("a"), run, prove, run, install("b"), activate("b"), crash, run),
        *(prove, back, back, install("c"), activate("c"), *[crash] * CRASHES, run, install("c")),
    ]  # fmt: skip


def threshold(store: Store) -> float:
    """Return the threshold of the active model, which identifies it."""
    return active(store).decision.unknown_threshold


def works(store: Store, new: Path) -> None:
    store.install(new)
    store.activate(f"small@{sha256(new)}")
    with take_active(store) as taken:
        assert taken.bundle.decision.unknown_threshold == 0.4
    assert threshold(store) == 0.4


@pytest.mark.slow
def test_every_cut_leaves_a_valid_model(
    life: list[Step], files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unsynced bytes are lost, torn or zeros; unsynced folder entries are in any combination."""
    live = tmp_path / "live"
    live.mkdir()
    store, calls, disk, cuts = Store(live / "models"), Calls(), Disk(), 0
    outcomes: dict[frozenset[tuple[Path, bytes]], float] = {}
    for name, step in life:
        before = threshold(store)
        calls.log.clear()
        with monkeypatch.context() as patched:
            for module in (lock, bounded_file, stores, whole_file):
                patched.setattr(module, "os", calls)
            step(store)
        after = threshold(store)
        for call in (None, *calls.log):
            if call is not None:
                disk.take(call)
            states = [(frozenset(state.items()), state) for state in disk.after_a_cut()]
            cuts += len(states)
            for key, state in states:
                if key not in outcomes:
                    cut = tmp_path / str(len(outcomes))
                    put(state, live, cut)
                    outcomes[key] = threshold(Store(cut / "models"))
                    with monkeypatch.context() as patched:
                        for module in (lock, bounded_file, whole_file):
                            patched.setattr(module, "os", Calls())
                        works(Store(cut / "models"), files["new"])
                assert outcomes[key] in {before, after}, name
        # Every write was recorded, and the command's result was on the disk.
        assert disk.now() == tree(live), name
        assert {outcomes[key] for key, _ in states} == {after}, name
    assert cuts > 1000
    assert len(outcomes) > 100


@pytest.mark.slow
def test_a_process_killed_at_any_call_leaves_a_store_that_works(tmp_path: Path) -> None:
    """Real processes: their locks end with them, and the next process completes the change."""
    files = [variant(tmp_path / "a", 0.61), variant(tmp_path / "b", 0.4)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.device.model.killed", tmp_path / "models", *files],
        capture_output=True, text=True, check=False, timeout=120, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
    runs(Store(tmp_path / "models"))
