"""What docs/TROUBLESHOOTING.md quotes is said when it happens: here it is made to happen."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from device.cli import PROGRAM
from device.model.bundle import locate
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import still
from firmware_bridge.simulator.shim import I2cShim
from tests.device.commands import edgehar
from tests.docs.quotes import as_said, quoted

BY_COMMANDS = {
    "no source; give --source serial:/dev/ttyUSB0 or set source.uri": "run",
    "decisions would go nowhere; set sinks.stdout, sinks.sqlite or mqtt.host":
        "run --config mute.toml --source serial:none",
    "…: unknown key …; did you mean …?": "run --config unknown.toml",
    "…: … must …, not …": "run --config wrong.toml",
    "… is not TOML: …": "run --config none.toml",
    "…: not a serial port (…)": "run --source serial:/dev/null",
    "… cannot be opened; does its folder exist, and may you write there?":
        "run --source serial:none --sqlite none/d.db",
    "mqtt.password_file …: every user may read it; chmod o= …":
        "run --config open.toml --source serial:none",
    "… is not there; edgehar run --sqlite … makes it, --db names another": "history --db none.db",
    "… holds no decisions yet; is it the right file?": "history --db empty.db",
    "… was made by a newer edgehar (schema …, and this one knows …); give another file or update"
    " edgehar": "history --db newer.db",
    "the time zone … is not known; set TZ, such as TZ=Europe/Berlin": "report day --db empty.db",
    "others can reach …, so the dashboard needs a token": "dashboard --listen 0.0.0.0:8780",
    "cannot listen at …: …": "dashboard --listen 127.0.0.1:TAKEN --db empty.db",
    "… has no sinks.sqlite, and the dashboard shows that database": "dashboard --config mute.toml",
    "there is no model …; see: edgehar models list": "models activate none",
    "no model to go back to; choose one: edgehar models activate NAME": "models rollback",
    "…: cut short, damaged, or a plain TFLite model without edgehar's manifest":
        "models install half.tflite",
    "… is there, from a recording that still runs or was cut short; …":
        "record --source serial:none --out walk.csv",
}  # fmt: skip
FILES = {
    "mute.toml": "[sinks]\nstdout = false\n",
    "unknown.toml": "modle = 'wrist'\n",
    "wrong.toml": "[history]\nkeep_days = 0\n",
    "none.toml": "model: wrist\n",
    "open.toml": "[mqtt]\nhost = 'h'\nuser = 'u'\npassword_file = 'password'\n",
    "password": "secret\n",
    "walk.csv.part": "",
}


@pytest.mark.parametrize("text", BY_COMMANDS)
def test_it_is_said_when_it_happens(
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
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        done = edgehar(*BY_COMMANDS[text].replace("TAKEN", port).split())
    assert done.returncode in {1, 2}
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("edgehar: ")]
    assert re.search(as_said(text), line)


@contextmanager
def saying_nothing(_: Path) -> Iterator[tuple[str, dict[str, str]]]:
    ours, theirs = os.openpty()
    yield f"serial:{os.ttyname(theirs)}", {}
    os.close(ours)
    os.close(theirs)


@contextmanager
def talking_of_something_else(_: Path) -> Iterator[tuple[str, dict[str, str]]]:
    ours, theirs = os.openpty()
    talk = ["sh", "-c", "while sleep 0.2; do echo $GPGGA,1,2; done"]
    with subprocess.Popen(talk, stdout=ours) as other:
        yield f"serial:{os.ttyname(theirs)}", {}
        other.kill()
    os.close(ours)
    os.close(theirs)


@contextmanager
def not_there(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    yield f"serial:{folder}/ttyUSB0", {}


def on_a_bus(
    *addresses: int, **faults: float
) -> Callable[[Path], AbstractContextManager[tuple[str, dict[str, str]]]]:
    """Chips on bus 1, which is asked for one at 0x68."""

    @contextmanager
    def there(_: Path) -> Iterator[tuple[str, dict[str, str]]]:
        bus = Bus({address: Chip(still, now_us=monotonic_us()) for address in addresses})
        for fault, value in faults.items():
            setattr(bus, fault, value)
        with I2cShim(bus) as shim:
            yield "i2c:1", shim.environment

    return there


@contextmanager
def no_bus(_: Path) -> Iterator[tuple[str, dict[str, str]]]:
    yield "i2c:417", {}


BY_SENSORS = {
    "waiting for …: not there": not_there,
    "…: no bytes arrive; is the sensor's program running?": saying_nothing,
    "… bytes arrived, no edgehar frame; is it the right port, and at … baud?":
        talking_of_something_else,
    "there is no …; enable I2C (raspi-config, or dtparam=i2c_arm=on in config.txt; modprobe"
    " i2c-dev) or plug its adapter in": no_bus,
    "nothing answers at 0x… on … (…)": on_a_bus(),
    "an … answers at 0x…: use i2c:…": on_a_bus(0x69),
    "… on the bus; trying again (… such errors so far)": on_a_bus(0x68, nack_share=0.02),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (Debian packages gcc, libc6-dev)")
@pytest.mark.parametrize("text", BY_SENSORS)
def test_a_sensor_that_is_so_makes_it_say_so(text: str, tmp_path: Path) -> None:
    assert text in quoted()
    log = tmp_path / "log"
    with BY_SENSORS[text](tmp_path) as (source, environment), log.open("w") as written:
        command = [*PROGRAM, "run", "--source", source]
        with subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=written
        ) as process:
            until_s = time.monotonic() + 30
            while not re.search(as_said(text), log.read_text()) and time.monotonic() < until_s:
                time.sleep(0.05)
            process.kill()
    assert re.search(as_said(text), log.read_text()), log.read_text()
