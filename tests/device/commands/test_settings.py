"""The order in which commands look for the settings file."""

import os
from pathlib import Path

import pytest

from device.config import paths
from tests.device.commands import Call

COMMANDS = [
    ("run",), ("classify", "none.csv"), ("history",), ("report", "day"), ("label", "--list"),
    ("models", "list"), ("dashboard",),
]  # fmt: skip


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """All places, each with a bad file, so that the error names the one that was read."""
    made = {name: tmp_path / name / "edgehar.toml" for name in ("named", "variable", "system")}
    made["user"] = tmp_path / "config" / "edgehar" / "edgehar.toml"
    for path in made.values():
        path.parent.mkdir(parents=True)
        path.write_text("nonsense = 1\n")
    monkeypatch.setattr(paths, "SETTINGS", made["system"])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EDGEHAR_CONFIG", str(made["variable"]))
    return made


def complaint(call: Call, *arguments: str) -> str:
    code, _, err = call(*arguments)
    assert code == 2
    return err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_uses_the_first_file_and_names_it(
    command: tuple[str, ...], places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    err = complaint(call, *command, "--config", str(places["named"]))
    assert err.startswith(f"edgehar: {places['named']} line 1: unknown key nonsense")
    for name in ("variable", "user", "system"):
        err = complaint(call, *command)
        assert f"edgehar: settings from {places[name]}\n" in err
        assert f"edgehar: {places[name]} line 1: unknown key nonsense" in err
        if name == "variable":
            monkeypatch.setenv("EDGEHAR_CONFIG", "")
        else:
            places[name].unlink()


def test_a_named_file_must_exist(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    missing = places["named"].with_name("missing.toml")
    assert "cannot read the settings" in complaint(call, "history", "--config", str(missing))
    monkeypatch.setenv("EDGEHAR_CONFIG", str(missing))
    assert "No such file" in complaint(call, "history")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_an_error(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("EDGEHAR_CONFIG", "")
    places["user"].chmod(0)
    assert f"cannot read the settings {places['user']}" in complaint(call, "history")


def test_without_a_file_there_are_no_settings(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEHAR_CONFIG", "")
    places["user"].unlink()
    places["system"].unlink()
    assert paths.find_settings(None) is None
