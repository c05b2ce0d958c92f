"""docs/CONFIG.md describes every setting as the program reads it."""

import itertools
import os
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device import factory
from device.config import load as configs
from device.config.broker import Broker
from device.config.checks import RefusedError
from device.config.load import Config
from device.config.reference import KEYS, SECTIONS
from device.model.bundle import load, locate
from train.results.config_page import default, example, must_be, page

NEEDS = {
    "source.baud": ["source.uri"],
    "mqtt.password_file": ["mqtt.user"],
    "mqtt.cert_file": ["mqtt.key_file"],
    "mqtt.key_file": ["mqtt.cert_file"],
}


def loaded(folder: Path, values: dict[str, str]) -> Config:
    path = folder / "edgehar.toml"
    path.write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
    return configs.load(path)


def needed(key: str) -> dict[str, str]:
    """Return the settings that a key requires."""
    names = NEEDS.get(key, []) + (["mqtt.host"] if key.startswith("mqtt.") else [])
    return {name: KEYS[name].example for name in names if name != key}


def flat(value: Any, name: str = "") -> dict[str, Any]:
    if is_dataclass(value) and not isinstance(value, type):
        parts = [flat(getattr(value, f.name), f"{name}.{f.name}") for f in fields(value)]
        return {key: field for part in parts for key, field in part.items()}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value}


def test_the_keys_follow_the_order_of_the_sections() -> None:
    assert list(SECTIONS) == list(dict.fromkeys(key.rpartition(".")[0] for key in KEYS))


def test_the_page_in_docs_is_up_to_date() -> None:
    here = Path(__file__).parents[3] / "docs" / "CONFIG.md"
    assert here.read_text("utf-8") == page(), "run `edgehar report readme`"


def test_the_complete_example_loads_and_sets_every_key(tmp_path: Path) -> None:
    path = tmp_path / "edgehar.toml"
    (block,) = re.findall(r"^```toml\n(.*?)^```", page(), re.MULTILINE | re.DOTALL)
    assert block == example()
    path.write_text(block)
    assert configs.load(path).mqtt is not None
    for key in KEYS:
        assert f"\n{key.rpartition('.')[2]} = " in f"\n{block}"


@pytest.mark.parametrize("key", KEYS)
def test_a_default_value_is_the_value_without_the_key(key: str, tmp_path: Path) -> None:
    value = re.fullmatch(r"`([^`]+)`", default(key))
    if value is None:
        assert default(key).startswith("none") or key in IN_WORDS
        return
    without = needed(key)
    set_to_it = loaded(tmp_path, {**without, key: value[1]})
    assert flat(set_to_it) == flat(loaded(tmp_path, without))


@pytest.mark.parametrize("key", [key for key in KEYS if default(key).startswith("none")])
def test_without_a_default_nothing_is_set(key: str, tmp_path: Path) -> None:
    others = {name: value for name, value in needed(key).items() if key not in NEEDS.get(name, [])}
    before = flat(loaded(tmp_path, others))
    after = flat(loaded(tmp_path, {**needed(key), key: KEYS[key].example}))
    gained = {name for name in after if after[name] != before.get(name)}
    assert gained
    assert all(before.get(name) is None for name in gained if name in before)


def state_file(folder: Path) -> str:
    source = configs.parse_source("serial:/dev/ttyUSB0")
    stored = factory.mounting_file(load(locate("wrist")), source, "line", None)
    assert stored is not None
    assert stored._path.parent == folder
    del os.environ["STATE_DIRECTORY"]
    assert factory.mounting_file(load(locate("wrist")), source, "line", None) is None
    return stored._path.name


HOST = os.uname().nodename.partition(".")[0]
PLAIN, ENCRYPTED = Broker("b"), Broker("b", tls=True)
IN_WORDS: dict[str, Callable[[Path], str]] = {
    "model": lambda at: factory.open_bundle(None, Config(models_folder=at / "none-yet")).name,
    "state.file": state_file,
    "models.folder": lambda at: factory.store(Config()).folder.relative_to(at).as_posix(),
    "mqtt.port": lambda _: f"{PLAIN.address[1]}, with TLS {ENCRYPTED.address[1]}",
    "mqtt.client_id": lambda _: PLAIN.name.replace(HOST, "HOSTNAME"),
    "mqtt.topic": lambda _: PLAIN.base.replace(HOST, "HOSTNAME"),
}


@pytest.mark.parametrize("key", IN_WORDS)
def test_a_default_in_words_is_the_value_without_the_key(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert IN_WORDS[key](tmp_path) in default(key).replace("`", "")


@pytest.mark.parametrize("key", KEYS)
def test_the_check_accepts_what_the_page_describes(key: str) -> None:
    condition = must_be(key)
    if bounds := re.fullmatch(r"a whole number from (\d+) to (\d+)", condition):
        low, high = map(int, bounds.groups())
        assert [KEYS[key].check(low), KEYS[key].check(high)] == [low, high]
        for value in (low - 1, high + 1, float(low), str(low), True):
            with pytest.raises(RefusedError, match=condition):
                KEYS[key].check(value)
    elif condition == "true or false":
        assert [KEYS[key].check(value) for value in (True, False)] == [True, False]
    elif sample := re.match(
        r"[\w -]+:PORT, such as (\S+)|an MQTT topic such as ([^,]+)", condition
    ):
        assert KEYS[key].check(sample[1] or sample[2])
    elif condition in {"text", "the path of a file or folder"}:
        assert str(KEYS[key].check("/any/thing")) == "/any/thing"
    elif key == "mounting.rotation":
        assert (KEYS[key].check(np.eye(3).tolist()) == np.eye(3)).all()
    else:
        assert key == "source.uri"  # the next test


def test_every_form_of_a_source_on_the_page_is_accepted() -> None:
    serial, i2c, recording = re.split(", | or ", must_be("source.uri"))
    assert configs.parse_source(serial.replace("[?baud=N]", "?baud=9600")).baud == 9600
    assert configs.parse_source(recording).kind == "recording"
    # All combinations of [:0x68|0x69][?rate=50|100|200] ... are different sources.
    parts = re.findall(r"\[([:?&](?:\w+=)?)([^]]+)\]", i2c)
    choices = [[start + choice for choice in rest.split("|")] for start, rest in parts]
    uris = ["i2c:1" + "".join(chosen) for chosen in itertools.product(*choices)]
    assert len(uris) > 3
    assert len({configs.parse_source(uri) for uri in uris}) == len(uris)
