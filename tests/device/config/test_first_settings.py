"""The settings that `edgehar init` writes, and their place."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.config import first_settings, paths
from device.config.load import load, parse_source
from device.config.paths import SETTINGS
from device.service import unit
from firmware_bridge.errors import InputError

_PORTS = st.text(min_size=1).filter(lambda text: text.isprintable() and "?" not in text)


@given(_PORTS, st.sampled_from([None, "waist"]), st.booleans())
def test_written_settings_can_be_loaded(
    tmp_path_factory: pytest.TempPathFactory, port: str, model: str | None, service: bool
) -> None:
    file = tmp_path_factory.mktemp("settings") / "edgehar.toml"
    text = first_settings.text(f"serial:{port}", model, SETTINGS if service else file)
    file.write_text(text, encoding="utf-8")
    config = load(file)
    assert config.source == parse_source(f"serial:{port}")
    assert config.model == model
    assert config.sqlite is not None
    assert config.sqlite.is_relative_to("/var/lib/edgehar") == service
    assert not service or unit.outside(config) == []
    assert config.stdout != service


def test_roots_settings_are_the_services_if_there_is_systemd(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    of_user = tmp_path / ".config/edgehar/edgehar.toml"
    for root, systemd, path in (
        (True, True, Path("/etc/edgehar.toml")), (True, False, of_user), (False, True, of_user),
    ):  # fmt: skip
        monkeypatch.setattr(os, "geteuid", lambda root=root: 0 if root else 1000)
        monkeypatch.setattr(paths, "_BOOTED", tmp_path if systemd else tmp_path / "no")
        assert paths.of_init() == path
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    assert paths.of_init() == Path("/elsewhere/edgehar/edgehar.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert paths.of_init() == of_user


def test_replaced_settings_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = tmp_path / "a" / "b" / "edgehar.toml"
    for content in ("one", "two", "three"):
        first_settings.write(path, content)
    assert path.read_text() == "three"
    assert first_settings.earlier(path).read_text() == "two"
    assert sorted(path.parent.iterdir()) == [path, first_settings.earlier(path)]
    assert (tmp_path / "data" / "edgehar").stat().st_mode & 0o777 == 0o700


def test_an_unwritable_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="name another: --config"):
        first_settings.write(tmp_path / "file" / "edgehar.toml", "")
