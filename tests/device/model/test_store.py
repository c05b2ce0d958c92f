"""What is installed, by which name it is found, and what is activated."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from device.config.paths import models_folder
from device.model import store as stores
from device.model.bundle import MODELS, BundleError
from device.model.ledger import Ledger
from device.model.store import Store, StoreError
from device.model.trial import active, take_active
from firmware_bridge import whole_file
from firmware_bridge.errors import InputError
from tests.device.model.bundles import failing, installed, put_by_hand, sha256, variant


def test_without_a_folder_the_shipped_default_is_active_and_nothing_is_written(
    store: Store,
) -> None:
    with take_active(store) as taken:
        assert taken.bundle.name == active(store).name == "wrist"
        assert taken.why == "the shipped default"
        assert taken.proof is None
    assert {entry.key for entry in store.entries()} == {path.stem for path in MODELS.iterdir()}
    assert not store.folder.exists()


def test_an_installed_bundle_is_a_copy_and_not_yet_active(store: Store, tmp_path: Path) -> None:
    file = variant(tmp_path / "new.tflite", 0.61)
    entry = store.install(file)
    copy = store.folder / f"wrist@{sha256(file)}.tflite"
    assert copy.read_bytes() == file.read_bytes()
    assert entry.origin is not None
    assert entry.origin.path == str(file)
    assert active(store).decision.unknown_threshold != 0.61
    # A second time changes nothing, except that it repairs a damaged copy.
    copy.write_bytes(b"rot")
    assert store.entries()[-1].bundle is None
    assert store.install(file).bundle is not None
    assert len(store.entries()) == 3


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: content[:5000] + b"\0\1\2\3" + content[5004:], "not the one"),
        (lambda _: b"PK", "not an edgehar bundle"),
        (lambda _: b"", "not an edgehar bundle"),
    ],
)
def test_a_damaged_file_is_not_installed(
    store: Store, tmp_path: Path, damage: Callable[[bytes], bytes], words: str
) -> None:
    file = variant(tmp_path / "new.tflite", 0.61)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BundleError, match=words):
        store.install(file)
    assert not store.folder.exists()


def test_a_bundle_that_fails_its_self_test_is_not_installed(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="self-test"):
        store.install(failing(tmp_path / "bad.tflite"))
    assert not store.folder.exists()


def test_a_model_is_found_by_name_and_by_either_hash_unless_several_match(store: Store) -> None:
    one, other = installed(store, 0.3), installed(store, 0.4)
    assert store.find(one[:12]).stem == one
    assert store.find("waist") == MODELS / "waist.tflite"
    # The same network is in three bundles, so the id in decisions matches three.
    for name in ("wrist", active(store).id):
        with pytest.raises(InputError, match="more than one") as caught:
            store.find(name)
        assert one[:14] in str(caught.value)
        assert other[:14] in str(caught.value)
    for name in ("ankle", "wrist@", "wrist@zz", "../wrist", "wrist@../x", ""):
        with pytest.raises(InputError, match="no model"):
            store.find(name)


def test_a_shipped_model_that_is_also_installed_is_one_model(store: Store) -> None:
    entry = store.install(MODELS / "waist.tflite")
    assert store.activate("waist").key == entry.key


def test_an_active_model_is_not_put_on_trial_again(store: Store) -> None:
    store.activate("wrist")
    assert store.ledger().trial is None
    key = installed(store)
    store.activate(key)
    before = store.ledger()
    store.activate(key)
    assert store.ledger() == before


def test_a_rollback_goes_back_only_to_a_model_that_passed_its_trial(store: Store) -> None:
    with pytest.raises(InputError, match="no model to go back to"):
        store.roll_back()
    first, second = installed(store, 0.3), installed(store, 0.4)
    store.activate(first)
    store.change(Ledger.proved)
    store.activate(second)
    assert store.roll_back().key == first
    assert store.ledger().trial is None
    with pytest.raises(InputError, match="no model to go back to"):
        store.roll_back()
    store.activate(second)
    store.change(Ledger.proved)
    assert [store.roll_back().key for _ in range(3)] == [first, second, first]
    (store.folder / f"{second}.tflite").write_bytes(b"rot")
    with pytest.raises(BundleError, match="damaged"):
        store.roll_back()
    assert store.ledger().active == first


def test_a_valid_bundle_under_another_name_is_damaged(store: Store, tmp_path: Path) -> None:
    file = variant(tmp_path / "a", 0.61)
    put_by_hand(file, store.folder, "ankle")
    (store.folder / f"wrist@{'0' * 64}.tflite").write_bytes(file.read_bytes())
    ankle, wrist = (entry for entry in store.entries() if not entry.shipped)
    assert ankle.bundle is wrist.bundle is None
    assert "not ankle" in ankle.damage
    assert "not as it was installed" in wrist.damage


def test_the_number_of_bundles_is_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MOST", 1)
    key = installed(store)
    installed(store)
    with pytest.raises(StoreError, match="delete"):
        installed(store, 0.4)
    (store.folder / f"{key}.tflite").unlink()
    other = installed(store, 0.4)
    assert list(store.ledger().installed) == [other]


def test_other_files_in_the_folder_are_no_models(store: Store) -> None:
    installed(store)
    others = ("x.tflite", "wrist@12.tflite", f"Wrist@{'0' * 64}.tflite", "notes.part")
    for name in (*others, "x.tflite.part"):
        (store.folder / name).touch()
    damaged = {f"wrist@{digit * 64}" for digit in "13"}
    os.mkfifo(store.folder / f"wrist@{'1' * 64}.tflite")
    (store.folder / f"wrist@{'2' * 64}.tflite.part").touch()
    (store.folder / f"wrist@{'3' * 64}.tflite").mkdir()
    entries = {entry.key: entry for entry in store.entries()}
    assert len(entries) == 5
    assert {key for key, entry in entries.items() if entry.damage} == damaged
    # The next change removes a partly written bundle, and no other file.
    installed(store)
    assert not (store.folder / f"wrist@{'2' * 64}.tflite.part").exists()
    assert (store.folder / "notes.part").exists()
    assert (store.folder / "x.tflite.part").exists()


def test_a_link_in_place_of_a_part_is_not_followed(store: Store, tmp_path: Path) -> None:
    """Root may write into a folder that the daemon's user owns."""
    store.folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("unchanged")
    (store.folder / "state.json.part").symlink_to(victim)
    installed(store)
    assert victim.read_text() == "unchanged"
    (store.folder / "lock").unlink()
    (store.folder / "lock").symlink_to(tmp_path / "new")
    with pytest.raises(StoreError):
        store.activate("waist")
    assert not (tmp_path / "new").exists()


def test_every_user_can_read_files_installed_under_a_strict_umask(store: Store) -> None:
    before = os.umask(0o077)
    try:
        installed(store)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()}
    assert {mode & 0o444 for name, mode in modes.items() if "lock" not in name} == {0o444}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change an owner")
def test_a_folder_made_by_root_gets_the_owner_of_its_parent(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    whole_file.make_folder(tmp_path / "edgehar" / "models")
    assert (tmp_path / "edgehar" / "models").stat().st_uid == 12345


def test_a_full_disk_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(store)
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
