"""docs/TROUBLESHOOTING.md quotes the program exactly; some of its symptoms are caused here."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from device.cli import PROGRAM
from device.model.bundle import locate
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import still
from firmware_bridge.simulator.shim import I2cShim
from tests.device.commands import edgehar
from tests.docs.quotes import as_pattern, is_text_of_the_program, quoted
from tests.waiting import wait_for

BY_COMMANDS = {
    "no source; give --source serial:/dev/ttyUSB0 or set source.uri": "run",
    "no sink for decisions; set sinks.stdout, sinks.sqlite or mqtt.host":
        "run --config mute.toml --source serial:none",
    "…: unknown key …; did you mean …?": "run --config unknown.toml",
    "…: … must …, not …": "run --config wrong.toml",
    "… is not TOML: …": "run --config none.toml",
    "… cannot be opened; check that its folder exists and is writable":
        "run --source serial:none --sqlite none/d.db",
    "mqtt.password_file …: every user may read it; chmod o= …":
        "run --config open.toml --source serial:none",
    "… contains no decisions yet; check that it is the right file": "history --db empty.db",
    "… was made by a newer edgehar (schema …, this version reads up to …); give another file or"
    " update edgehar": "history --db newer.db",
    "the time zone … is unknown; set TZ, for example TZ=Europe/Berlin": "report day --db empty.db",
    "other hosts can reach …, so the dashboard needs a token": "dashboard --listen 0.0.0.0:8780",
    "… has no sinks.sqlite, and the dashboard shows that database": "dashboard --config mute.toml",
    "there is no model …; see: edgehar models list": "models activate none",
    "…: cut short, damaged, or a plain TFLite model without edgehar's manifest":
        "models install half.tflite",
}  # fmt: skip
FILES = {
    "mute.toml": "[sinks]\nstdout = false\n",
    "unknown.toml": "modle = 'wrist'\n",
    "wrong.toml": "[history]\nkeep_days = 0\n",
    "none.toml": "model: wrist\n",
    "open.toml": "[mqtt]\nhost = 'h'\nuser = 'u'\npassword_file = 'password'\n",
    "password": "secret\n",
}


def test_it_quotes_enough() -> None:
    assert len(set(quoted())) > 90


@pytest.mark.parametrize("text", dict.fromkeys(quoted()))
def test_a_quotation_is_a_text_of_the_program(text: str) -> None:
    assert is_text_of_the_program(text), text


@pytest.mark.parametrize(
    "text", ["waiting for …: not here", "…: nobody comes", "sitting-down", "paho is not there"]
)
def test_another_text_is_not(text: str) -> None:
    assert not is_text_of_the_program(text)


@pytest.mark.parametrize("text", BY_COMMANDS)
def test_the_command_gives_the_quoted_message(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert text in quoted()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Nowhere/Nothing" if "time zone" in text else "UTC")
    for file, content in FILES.items():
        Path(file).write_text(content)
        Path(file).chmod(0o644)
    for database, version in (("empty.db", 0), ("newer.db", 99)):
        with closing(sqlite3.connect(database)) as opened:
            opened.execute(f"PRAGMA user_version = {version}")
            opened.commit()
    wrist = locate("wrist").read_bytes()
    Path("half.tflite").write_bytes(wrist[: len(wrist) // 2])
    done = edgehar(*BY_COMMANDS[text].split())
    assert done.returncode in {1, 2}
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("edgehar: ")]
    assert re.search(as_pattern(text), line)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (Debian packages gcc, libc6-dev)")
def test_failing_transfers_are_logged(tmp_path: Path) -> None:
    text = "… on the bus; trying again (… such errors so far)"
    assert text in quoted()
    bus = Bus({0x68: Chip(still, now_us=monotonic_us())})
    bus.nack_share = 0.02
    log = tmp_path / "log"
    with I2cShim(bus) as shim, log.open("w") as errors:
        command = [*PROGRAM, "run", "--source", "i2c:1"]
        environment = os.environ | shim.environment
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        ) as process:
            try:
                wait_for(lambda: re.search(as_pattern(text), log.read_text()), text)
            finally:
                process.kill()
