import json
import os
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from device.cli import PROGRAM
from device.config.broker import Broker
from device.decision.decision import Reason, State, to_json
from tests.device.made_up import a_status, decision
from tests.device.running import daemon, play, stop
from tests.ports import free_port
from tests.waiting import wait_for

pytest.importorskip("paho.mqtt", reason="needs edgehar[mqtt]")

from device.sinks.mqtt.connection import BACKLOG
from tests.device.sinks.mosquitto import Mosquitto, broker, listener, told

BASE = "edgehar/wrist"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.sinks.mqtt.connection.FIRST_WAIT_S", 0.05)


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with broker(tmp_path_factory.mktemp("mosquitto")) as found:
        yield found


def to(port: int, topic: str = BASE, *, decisions: bool = False) -> Broker:
    return Broker("127.0.0.1", port, topic=topic, client_id=topic, decisions=decisions)


def settings(folder: Path, port: int, *more: str) -> tuple[str, str]:
    path = folder / "edgehar.toml"
    lines = ["[mqtt]", 'host = "127.0.0.1"', f"port = {port}", f'topic = "{BASE}"', *more]
    path.write_text("\n".join(lines) + "\n")
    return "--config", str(path)


def test_what_is_said_is_retained(mosquitto: Mosquitto) -> None:
    with told(to(mosquitto.port, "a/b")) as sink:
        sink.write(decision(10.0, "2026-03-01T12:00:00.000Z"))
        sink.status(a_status())
        with listener(mosquitto.port) as hears:
            hears.wait_for("a/b/availability", "online")
            hears.wait_for("a/b/state", '"walking"')
            hears.wait_for("a/b/today", "1.5")
    with listener(mosquitto.port) as later:
        later.wait_for("a/b/availability", "offline")
        state = json.loads(later.latest("a/b/state") or "")
        today = json.loads(later.latest("a/b/today") or "")
        health = json.loads(later.latest("a/b/health") or "")
        config = later.latest("homeassistant/device/a_b/config")
    assert state == {
        "activity": "walking", "state": "ok", "reason": None, "confidence": 0.9,
        "time": "2026-03-01T12:00:00.000Z",
    }  # fmt: skip
    assert today == {"date": "2026-03-01", "minutes": {"walking": 1.5, "sitting": 0.0}}
    assert health["problems"] == ["clipping"]
    assert (health["temperature_c"], health["lost"], health["mounting"]) == (30.5, 3, 0.988)
    assert config is not None
    assert all(retained for topic, _, retained in later.heard if topic.startswith("a/b"))


SILENT: list[tuple[State, Reason]] = [
    ("unknown", "mounting"), ("not_worn", "still"), ("no_data", "silence"), ("warming_up", "gap"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "reason"), SILENT)
def test_what_is_no_activity_is_a_state_with_its_reason(
    mosquitto: Mosquitto, state: State, reason: Reason
) -> None:
    base = f"states/{state}"
    silent = replace(decision(5.0, None, None), state=state, reason=reason, confidence=None)
    with told(to(mosquitto.port, base)) as sink, listener(mosquitto.port) as hears:
        sink.write(decision(1.0, None))
        hears.wait_for(f"{base}/state", '"walking"')
        sink.write(silent)
        wait_for(
            lambda: json.loads(hears.latest(f"{base}/state") or "")["activity"] == state, state
        )
        said = json.loads(hears.latest(f"{base}/state") or "")
    assert (said["state"], said["reason"], said["confidence"]) == (state, reason, None)


def test_what_does_not_change_is_not_repeated(mosquitto: Mosquitto) -> None:
    with told(to(mosquitto.port, "calm")) as sink, listener(mosquitto.port) as hears:
        hears.wait_for("calm/availability", "online")
        for number in range(50):
            sink.write(decision(float(number), None))
            sink.status(a_status())
        sink.write(decision(51.0, None, "sitting"))
        hears.wait_for("calm/state", "sitting")
        assert len(hears.all("calm/state")) == 3  # the start's, walking, sitting
        assert len(hears.all("calm/health")) == 1


def test_while_the_broker_is_away_the_latest_counts_and_the_backlog_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.sinks.mqtt.sink.STATE_EVERY_S", 0.0)
    monkeypatch.setattr("device.sinks.mqtt.connection.LONGEST_WAIT_S", 0.1)
    with broker(tmp_path) as away, listener(away.port) as hears:
        away.stop()
        with told(to(away.port, decisions=True)) as sink:
            made = [decision(float(n), None) for n in range(BACKLOG + 500)]
            for one in made:
                sink.write(one)
            sink.write(decision(9999.0, None, "sitting"))
            assert sink.queued == BACKLOG
            away.start()
            hears.wait_for(f"{BASE}/state", "sitting")
            wait_for(lambda: sink.queued == 0, "the backlog is sent")
            wait_for(lambda: len(set(hears.all(f"{BASE}/decisions"))) >= BACKLOG, "all decisions")
        assert list(dict.fromkeys(hears.all(f"{BASE}/decisions"))) == [
            to_json(one) for one in made[:BACKLOG]
        ]
        assert {json.loads(text)["activity"] for text in hears.all(f"{BASE}/state")} == {"sitting"}


def test_a_broker_that_hangs_stops_nothing(tmp_path: Path) -> None:
    made = [decision(float(n), None) for n in range(5 * BACKLOG)]
    with broker(tmp_path) as hung, listener(hung.port) as hears:
        with told(to(hung.port, decisions=True)) as sink:
            hears.wait_for(f"{BASE}/availability", "online")
            hung.signal(signal.SIGSTOP)
            for one in made:
                sink.write(one)
                sink.status(a_status())
            assert sink.queued == BACKLOG
            hung.signal(signal.SIGCONT)
            wait_for(lambda: sink.queued == 0, "the backlog is sent")
            sink.write(decision(9999.0, None, "sitting"))
            hears.wait_for(f"{BASE}/state", "sitting")
        hears.wait_for(f"{BASE}/availability", "offline")
        sent = {to_json(one) for one in made[:BACKLOG]}
        assert sent <= set(hears.all(f"{BASE}/decisions"))


def test_a_port_that_never_answers_is_said_to_be_silent(caplog: pytest.LogCaptureFixture) -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as silent,
        told(Broker("127.0.0.1", silent.getsockname()[1], keepalive_s=1)),
    ):
        wait_for(lambda: caplog.records, "a message in the log")
    assert "does not answer; does it require TLS" in caplog.records[0].getMessage()


def test_a_daemon_that_is_killed_is_offline(mosquitto: Mosquitto, tmp_path: Path) -> None:
    options = settings(tmp_path, mosquitto.port)
    with listener(mosquitto.port) as hears, daemon(tmp_path, *options) as running:
        hears.wait_for(f"{BASE}/availability", "online")
        running.process.send_signal(signal.SIGKILL)
        hears.wait_for(f"{BASE}/availability", "offline")


def test_a_broker_that_restarts_costs_no_sample_and_no_decision(
    recording: Path, tmp_path: Path
) -> None:
    with broker(tmp_path) as restarted, listener(restarted.port) as hears:
        options = settings(tmp_path, restarted.port, "decisions = true")
        with daemon(tmp_path, *options) as running, ThreadPoolExecutor() as pool:
            hears.wait_for(f"{BASE}/availability", "online")
            played = pool.submit(play, recording, running, "--speed", "30")
            wait_for(lambda: len(running.decisions) > 20, "20 decisions")
            restarted.stop()
            seen = len(running.decisions)
            wait_for(lambda: len(running.decisions) > seen + 20, "20 more decisions")
            restarted.start()
            report = played.result()
            running.wait_for("went away")
            sent = partial(hears.latest, f"{BASE}/decisions")
            wait_for(lambda: sent() == json.dumps(running.decisions[-1]), "the last decision")
            hears.wait_for(f"{BASE}/availability", "online")
            stop(running)
        said = [json.dumps(one) for one in running.decisions]
        assert list(dict.fromkeys(hears.all(f"{BASE}/decisions"))) == said
        newest = running.decisions[-1]
        now = json.loads(hears.latest(f"{BASE}/state") or "")
        assert now["activity"] == (newest["activity"] or newest["state"])
    assert running.report["source"]["samples"] == report["delivered"]
    assert running.report["source"]["lost"] == running.report["pipeline"]["lost"] == 0
    assert "the connection broke" in running.log
    assert "Traceback" not in running.log


def test_a_board_without_a_broker_works_on_and_says_so_once(
    recording: Path, tmp_path: Path
) -> None:
    options = settings(tmp_path, free_port())
    with daemon(tmp_path, *options) as running:
        played = play(recording, running)
        running.wait_for("went away")
        stop(running)
    assert running.report["source"]["samples"] == played["delivered"]
    said = [line for line in running.log.splitlines() if "mqtt" in line and "ready" not in line]
    assert len(said) == 1
    assert "Connection refused; trying again" in said[0]


def test_minutes_of_today_are_those_of_what_was_said_and_outlive_a_restart(
    mosquitto: Mosquitto, recording: Path, tmp_path: Path
) -> None:
    options = (*settings(tmp_path, mosquitto.port), "--state", str(tmp_path / "orientation.json"))
    with listener(mosquitto.port) as hears, daemon(tmp_path, *options) as running:
        play(recording, running)
        running.wait_for("went away")
        stop(running)
        hears.wait_for(f"{BASE}/availability", "offline")
        today = json.loads(hears.latest(f"{BASE}/today") or "")
    said = Counter(one["activity"] for one in running.decisions)
    assert sum(said.values()) > said[None] > 0
    for activity, done in today["minutes"].items():
        assert done == pytest.approx(said[activity] * 1.28 / 60, abs=0.06 + 0.05)
    with daemon(tmp_path, *options), listener(mosquitto.port) as hears:
        hears.wait_for(f"{BASE}/availability", "online")
        wait_for(lambda: len(hears.all(f"{BASE}/today")) > 0, "the totals of today")
        again = json.loads(hears.latest(f"{BASE}/today") or "")
    if again["date"] == today["date"]:
        assert again["minutes"] == today["minutes"]


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path) -> None:
    options = settings(tmp_path, free_port())
    (tmp_path / "paho").mkdir()
    (tmp_path / "paho" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'paho'\", name='paho')\n"
    )
    command = [*PROGRAM, "run", *options, "--source", "recording:none"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("pip install 'edgehar[mqtt]'")
