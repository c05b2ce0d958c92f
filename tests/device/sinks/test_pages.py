"""The settings and JSON in the pages on metrics and MQTT are correct."""

import json
import re
from pathlib import Path

import pytest

from device.config.load import ConfigError, load

DOCS = Path(__file__).parents[3] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["METRICS.md", "MQTT.md"])
def test_the_settings_can_be_used_and_are_all_there_are(page: str, tmp_path: Path) -> None:
    settings = tmp_path / "edgehar.toml"
    (block,) = blocks(page, "toml")
    settings.write_text(block)
    load(settings)
    settings.write_text("nonsense = 1\n")
    with pytest.raises(ConfigError, match="known are") as caught:
        load(settings)
    section = page.removesuffix(".md").lower()
    known = set(re.findall(rf"{section}\.(\w+)", str(caught.value)))
    assert set(re.findall(r"^(\w+) =", block, re.MULTILINE)) == known


def test_the_states_shown_are_json_of_the_documented_keys() -> None:
    (block,) = blocks("MQTT.md", "json")
    for line in block.splitlines():
        assert set(json.loads(line)) == {"activity", "state", "reason", "confidence", "time"}
