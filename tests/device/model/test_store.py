"""What may come in, and by which name it is found again."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from device.config.paths import models_folder
from device.model import store as stores
from device.model.bundle import MODELS, BundleError
from device.model.store import Store, StoreError
from device.model.trial import active, take_active
from firmware_bridge import whole_file
from firmware_bridge.errors import InputError
from tests.device.model.bundles import failing, put_by_hand, sha256, variant


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def test_without_a_folder_the_shipped_default_is_active_and_nothing_is_made(store: Store) -> None:
    with take_active(store) as found:
        assert found.bundle.name == active(store).name == "wrist"
        assert found.why == "the shipped default"
        assert found.proof is None
    assert {entry.key for entry in store.entries()} == {path.stem for path in MODELS.iterdir()}
    assert not store.folder.exists()


def test_what_is_installed_is_the_file_itself_and_not_yet_active(
    store: Store, tmp_path: Path
) -> None:
    file = variant(tmp_path / "new.tflite", 0.61)
    entry = store.install(file)
    there = store.folder / f"wrist@{sha256(file)}.tflite"
    assert there.read_bytes() == file.read_bytes()
    assert entry.origin is not None
    assert entry.origin.path == str(file)
    assert active(store).decision.unknown_threshold != 0.61
    # Twice is the same as once, and mends what has rotted meanwhile.
    there.write_bytes(b"rot")
    assert store.entries()[-1].bundle is None
    assert store.install(file).bundle is not None
    assert len(store.entries()) == 3


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda whole: whole[:-1], "cut short"),
        (lambda whole: whole[:5000] + b"\0\1\2\3" + whole[5004:], "not the one"),
        (lambda _: b"PK", "not an edgehar bundle"),
        (lambda _: b"", "not an edgehar bundle"),
    ],
)
def test_a_damaged_file_is_not_installed(
    store: Store, tmp_path: Path, spoil: Callable[[bytes], bytes], words: str
) -> None:
    file = variant(tmp_path / "new.tflite", 0.61)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(BundleError, match=words):
        store.install(file)
    assert not store.folder.exists()


def test_one_that_fails_its_self_test_here_is_not_installed(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="self-test"):
        store.install(failing(tmp_path / "bad.tflite"))
    assert not store.folder.exists()


def test_it_is_found_by_name_and_by_either_hash_if_there_is_only_one(
    store: Store, tmp_path: Path
) -> None:
    one, other = (store.install(variant(tmp_path / str(n), n / 10)) for n in (3, 4))
    assert one.bundle is not None
    assert store.find(f"wrist@{one.sha256[:6]}").stem == one.key
    assert store.find("waist") == MODELS / "waist.tflite"
    # The same network is in three bundles, and decisions know them by the network.
    for name in ("wrist", one.bundle.id):
        with pytest.raises(InputError, match="more than one") as caught:
            store.find(name)
        assert f"wrist@{one.sha256[:8]}" in str(caught.value)
        assert f"wrist@{other.sha256[:8]}" in str(caught.value)
    for name in ("ankle", "wrist@", "wrist@zz", "../wrist", "wrist@../x", ""):
        with pytest.raises(InputError, match="no model"):
            store.find(name)


def test_a_shipped_model_that_is_installed_too_is_one_model(store: Store) -> None:
    entry = store.install(MODELS / "waist.tflite")
    assert store.activate("waist").key == entry.key


def test_what_is_active_already_is_not_put_on_trial(store: Store, tmp_path: Path) -> None:
    store.activate("wrist")
    assert store.ledger().trial is None
    key = store.install(variant(tmp_path / "a", 0.61)).key
    store.activate(key)
    before = store.ledger()
    store.activate(key)
    assert store.ledger() == before


def test_rollback_goes_back_and_back_again_only_to_what_proved_itself(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no model to go back to"):
        store.roll_back()
    first, second = (store.install(variant(tmp_path / str(n), n / 10)).key for n in (3, 4))
    store.activate(first)
    store.change(lambda ledger: ledger.proved())
    store.activate(second)
    assert store.roll_back().key == first
    assert store.ledger().trial is None
    with pytest.raises(InputError, match="no model to go back to"):
        store.roll_back()
    store.activate(second)
    store.change(lambda ledger: ledger.proved())
    assert [store.roll_back().key for _ in range(3)] == [first, second, first]


def test_rollback_does_not_go_back_to_what_has_rotted(store: Store, tmp_path: Path) -> None:
    first, second = (store.install(variant(tmp_path / str(n), n / 10)).key for n in (3, 4))
    store.activate(first)
    store.change(lambda ledger: ledger.proved())
    store.activate(second)
    (store.folder / f"{first}.tflite").write_bytes(b"rot")
    with pytest.raises(BundleError, match="damaged"):
        store.roll_back()
    assert store.ledger().active == second


def test_a_whole_bundle_under_another_s_name_is_none(store: Store, tmp_path: Path) -> None:
    file = variant(tmp_path / "a", 0.61)
    put_by_hand(file, store.folder, "ankle")
    (store.folder / f"wrist@{'0' * 64}.tflite").write_bytes(file.read_bytes())
    ankle, wrist = (entry for entry in store.entries() if not entry.shipped)
    assert ankle.bundle is wrist.bundle is None
    assert "not ankle" in ankle.damage
    assert "not as it was installed" in wrist.damage


def test_it_does_not_fill_the_disk(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MOST", 1)
    key = store.install(variant(tmp_path / "a", 0.61)).key
    store.install(tmp_path / "a")
    with pytest.raises(StoreError, match="delete"):
        store.install(variant(tmp_path / "b", 0.4))
    (store.folder / f"{key}.tflite").unlink()
    store.install(tmp_path / "b")
    assert list(store.ledger().installed) == [f"wrist@{sha256(tmp_path / 'b')}"]


def test_what_lies_about_in_the_folder_is_no_model(store: Store, tmp_path: Path) -> None:
    store.install(variant(tmp_path / "a", 0.61))
    for name in (
        "x.tflite",
        "wrist@12.tflite",
        f"Wrist@{'0' * 64}.tflite",
        "notes.part",
        "x.tflite.part",
    ):
        (store.folder / name).touch()
    os.mkfifo(store.folder / f"wrist@{'1' * 64}.tflite")
    (store.folder / f"wrist@{'2' * 64}.tflite.part").touch()
    (store.folder / f"wrist@{'3' * 64}.tflite").mkdir()
    entries = {entry.key: entry for entry in store.entries()}
    assert len(entries) == 5
    assert {key for key, entry in entries.items() if entry.damage} == {
        f"wrist@{'1' * 64}", f"wrist@{'3' * 64}",
    }  # fmt: skip
    # The next change takes away what a cut left of a bundle, and nothing else.
    store.install(tmp_path / "a")
    assert not (store.folder / f"wrist@{'2' * 64}.tflite.part").exists()
    assert (store.folder / "notes.part").exists()
    assert (store.folder / "x.tflite.part").exists()


def test_a_link_in_the_place_of_a_part_is_not_followed(store: Store, tmp_path: Path) -> None:
    """Root may write into a folder that the daemon's user owns."""
    store.folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("whole")
    (store.folder / "state.json.part").symlink_to(victim)
    store.install(variant(tmp_path / "a", 0.61))
    assert victim.read_text() == "whole"
    (store.folder / "lock").unlink()
    (store.folder / "lock").symlink_to(tmp_path / "new")
    with pytest.raises(StoreError):
        store.activate("waist")
    assert not (tmp_path / "new").exists()


def test_the_daemon_s_user_can_read_what_a_strict_umask_installs(
    store: Store, tmp_path: Path
) -> None:
    file = variant(tmp_path / "a", 0.61)
    before = os.umask(0o077)
    try:
        store.install(file)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()}
    assert {mode & 0o444 for name, mode in modes.items() if "lock" not in name} == {0o444}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_s_folder_belongs_to_whom_the_one_above_does(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    whole_file.make_folder(tmp_path / "edgehar" / "models")
    assert (tmp_path / "edgehar" / "models").stat().st_uid == 12345


def test_a_disk_that_is_full_changes_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.install(variant(tmp_path / "a", 0.61))
    before = store.ledger()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StoreError, match="No space left"):
            store.activate("waist")
    assert store.ledger() == before
    store.activate("waist")


def test_where_the_models_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")
    assert models_folder() == Path("/var/lib/a/models")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_DATA_HOME", "/home/u/data")
    assert models_folder() == Path("/home/u/data/edgehar/models")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert models_folder() == Path("/var/lib/edgehar/models")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/u")
    assert models_folder() == Path("/home/u/.local/share/edgehar/models")
