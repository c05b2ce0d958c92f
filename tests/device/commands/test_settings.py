"""Where a command that takes settings finds them, in one order."""

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
    """The places, each with a file that is no settings and says so with its path."""
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
def test_every_command_takes_the_first_that_is_there_and_says_which(
    command: tuple[str, ...],
    places: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
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


def test_what_is_named_must_be_there(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    missing = places["named"].with_name("missing.toml")
    assert "cannot read the settings" in complaint(call, "history", "--config", str(missing))
    monkeypatch.setenv("EDGEHAR_CONFIG", str(missing))
    assert "No such file" in complaint(call, "history")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_settings_that_cannot_be_read_are_no_reason_to_take_others(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("EDGEHAR_CONFIG", "")
    places["user"].chmod(0)
    assert f"cannot read the settings {places['user']}" in complaint(call, "history")


def test_without_any_the_defaults_hold(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEHAR_CONFIG", "")
    places["user"].unlink()
    places["system"].unlink()
    assert paths.find_settings(None) is None
