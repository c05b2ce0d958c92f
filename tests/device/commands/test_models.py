"""`edgehar models`, and the daemon with the activated model, in processes."""

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from device.config.paths import SETTINGS
from device.model import trial
from firmware_bridge.simulator.wearer import Wearer
from tests.device.commands import edgehar, lines, settings_file, written
from tests.device.model.bundles import failing, put_by_hand, sha256, variant
from tests.device.running import daemon, stop

Model = dict[str, Any]
pytestmark = pytest.mark.skipif(
    SETTINGS.is_file(), reason=f"{SETTINGS} is there, and its models are somebody's"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "edgehar" / "models"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return variant(tmp_path / "new.tflite", 0.61)


def said(*arguments: str | Path) -> str:
    done = edgehar("models", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def listed() -> dict[str, Model]:
    models: list[Model] = json.loads(said("list", "--json"))["models"]
    return {f"{one['name']}@{one['sha256'][:8]}": one for one in models}


def name_of(file: Path) -> str:
    return f"wrist@{sha256(file)[:8]}"


@pytest.fixture
def active(new: Path) -> str:
    """The name of an installed and activated model."""
    said("install", new)
    said("activate", name_of(new))
    return name_of(new)


@pytest.mark.slow
def test_a_model_is_installed_activated_used_and_rolled_back(new: Path, recording: Path) -> None:
    shipped = next(name for name, one in listed().items() if one["states"] == ["active"])
    out = said("install", new)
    assert f"edgehar models activate {name_of(new)}" in out
    assert listed()[name_of(new)]["states"] == []
    assert "on trial" in said("activate", name_of(new))
    models = listed()
    assert models[name_of(new)]["states"] == ["active", "trial"]
    assert models[name_of(new)]["from"] == str(new)
    assert models[name_of(new)]["size_bytes"] == new.stat().st_size
    assert models[shipped]["states"] == ["previous"]

    # The daemon and classify load it, and decide as with the file.
    live = edgehar("run", "--source", f"recording:{recording}")
    assert live.returncode == 0
    assert f"model {models[name_of(new)]['model']}: activated" in live.stderr
    offline = edgehar("classify", recording).stdout
    assert live.stdout == offline == edgehar("classify", recording, "--model", new).stdout
    assert offline == edgehar("classify", recording, "--model", name_of(new)).stdout
    assert offline != edgehar("classify", recording, "--model", "wrist").stdout

    assert shipped in said("rollback")
    table = said("list")
    assert f"{shipped}  " in table
    assert "rolled back by hand" in table
    assert listed()[shipped]["states"] == ["active"]


@pytest.mark.slow
def test_a_model_that_crashes_the_daemon_twice_is_rolled_back(active: str, tmp_path: Path) -> None:
    crashed = "the daemon crashed 2 times with this model"
    for crashes in range(2):
        assert (listed()[active]["crashes"], listed()[active]["states"]) == (
            max(0, crashes - 1), ["active", "trial"],
        )  # fmt: skip
        with daemon(tmp_path) as running:
            assert ": activated" in running.log
            running.process.send_signal(signal.SIGKILL)
            running.process.wait()
    with daemon(tmp_path) as running:
        assert f"{active} was rolled back: {crashed}" in running.log
        stop(running)
    gone = listed()[active]
    assert (gone["states"], gone["failed"]) == (["failed"], crashed)
    assert "crashed 2 times" in said("list")
    # The next start logs it again.
    with daemon(tmp_path) as running:
        assert "was rolled back" in running.log
        stop(running)


@pytest.mark.slow
def test_a_clean_stop_and_a_wrong_setting_are_no_crashes(active: str, tmp_path: Path) -> None:
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        with daemon(tmp_path) as running:
            stop(running, how)
    for _ in range(3):
        assert edgehar("run", "--source", "recording:none.csv").returncode == 2
    with daemon(tmp_path) as running:
        assert ": activated" in running.log
        stop(running)
    assert listed()[active]["crashes"] == 0


@pytest.mark.slow
def test_enough_decisions_end_the_trial(active: str, tmp_path: Path) -> None:
    samples, _ = Wearer(seed=3).samples([("walking", 1.3 * trial.ENOUGH + 30)])
    path = written(tmp_path / "long.csv", samples)
    done = edgehar("run", "--source", f"recording:{path}")
    assert len(lines(done.stdout)) > trial.ENOUGH
    assert f"model {active} passed its trial" in done.stderr
    assert listed()[active]["states"] == ["active"]


def test_the_daemon_falls_back_from_one_that_fails_its_self_test(
    folder: Path, tmp_path: Path
) -> None:
    key = put_by_hand(failing(tmp_path / "bad"), folder)
    ledger = {"schema": 1, "active": key, "previous": None, "why": "activated", "failed": {}}
    trial_now = {"crashes": 0, "cuts": 0, "boot": None}
    whole = {**ledger, "trial": trial_now, "installed": {}}
    (folder / "state.json").write_text(json.dumps(whole))
    with daemon(tmp_path) as running:
        assert "rolled back" in running.log
        assert "self-test" in running.log
        stop(running)
    # `activate` refuses it at once.
    done = edgehar("models", "activate", f"wrist@{key[6:14]}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "self-test" in done.stderr


def test_settings_name_folder_key_and_model(new: Path, tmp_path: Path, recording: Path) -> None:
    models = f'[models]\nfolder = "{tmp_path}/elsewhere"\n'
    settings = settings_file(tmp_path, f'model = "waist"\n{models}')
    said("install", new, "--config", settings)
    assert (tmp_path / "elsewhere" / f"wrist@{sha256(new)}.tflite").exists()
    done = edgehar("models", "activate", name_of(new), "--config", settings)
    assert done.returncode == 0
    assert "the settings name the model waist" in done.stderr
    live = edgehar("run", "--config", settings, "--source", f"recording:{recording}")
    assert "model waist@" in live.stderr
    settings.write_text(f'[models]\nkey = "{tmp_path}/none.pem"\n')
    for command in (("models", "list"), ("run", "--source", f"recording:{recording}")):
        done = edgehar(*command, "--config", settings)
        assert done.returncode == 2
        assert "none.pem" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("install", "none.tflite"), "none.tflite"),
        (("install", "/dev/zero"), "larger than"),
        (("activate", "ankle"), "no model ankle"),
        (("activate", "../wrist"), "no model"),
        (("rollback",), "activate NAME"),
        (("list", "--config", "none.toml"), "none.toml"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    arguments: tuple[str, ...], words: str, folder: Path
) -> None:
    done = edgehar("models", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("edgehar: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not folder.exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs Debian's package openssl")
def test_with_a_key_only_what_it_signed_is_installed(new: Path, tmp_path: Path) -> None:
    manual = (Path(__file__).parents[3] / "docs" / "MODELS.md").read_text()
    (signing,) = re.findall(r"^```sh\n(openssl .*?)^```", manual, re.MULTILINE | re.DOTALL)
    subprocess.run(["sh", "-euc", signing], cwd=tmp_path, capture_output=True, check=True)
    models = f'[models]\nfolder = "{tmp_path}/signed"\nkey = "{tmp_path}/models.pem"\n'
    settings = settings_file(tmp_path, models)
    said("install", new, "--config", settings)
    new.with_name("new.tflite.sig").unlink()
    done = edgehar("models", "install", new, "--config", settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not signed" in done.stderr
