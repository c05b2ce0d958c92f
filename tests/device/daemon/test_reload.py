"""The daemon as systemd sees it: a real process, a real notify socket, a real serial line."""

import itertools
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.device.commands import edgehar, lines
from tests.device.running import Service, serving, stop

pytestmark = pytest.mark.slow  # in real time


def test_new_sinks_cost_no_window(recording: Path, tmp_path: Path) -> None:
    with serving(recording, tmp_path) as service:
        assert "model waist@" in service.ready
        service.reload_at(10)
        service.wait_for("RELOADING=1")
        service.wait_for("READY=1")
        service.write("waist", "[sinks]", f'sqlite = "{tmp_path}/d.db"')
        service.reload_at(20)
        service.wait_for("RELOADING=1")
        service.wait_for("READY=1")
    said = service.daemon.decisions
    offline = lines(edgehar("classify", tmp_path / "sent.csv", "--model", "waist").stdout)
    assert [{**d, "time": None} for d in said] == offline
    assert service.daemon.report["decisions"] == len(offline)
    with closing(sqlite3.connect(tmp_path / "d.db")) as database:
        (kept,) = database.execute("SELECT count(*) FROM decisions").fetchone()
    assert 20 < kept + 20 <= len(offline)


def test_a_new_model_continues_without_a_gap(recording: Path, tmp_path: Path) -> None:
    with serving(recording, tmp_path) as service:
        service.write("wrist")
        service.reload_at(20)
        service.wait_for("READY=1")
    said = service.daemon.decisions
    models = [one["model"].partition("@")[0] for one in said]
    first = models.index("wrist")
    assert first >= 20
    assert set(models[first:]) == {"wrist"}
    assert [one["state"] for one in said].count("warming_up") == 1
    steps = [b["end_s"] - a["end_s"] for a, b in itertools.pairwise(said[1:])]
    assert 0 < min(steps) <= max(steps) < 1.281


def test_refused_settings_change_nothing(recording: Path, tmp_path: Path) -> None:
    with serving(recording, tmp_path) as service:
        for bad, words in (
            ('model = "waist"\nspeed = 3\n', "unknown key speed"),
            (service.settings.read_text().replace("waist", "none"), "there is no model none"),
            (service.settings.read_text() + '[sinks]\nsqlite = "/none/d.db"\n', "/none"),
        ):
            service.settings.write_text(bad)
            service.daemon.process.send_signal(signal.SIGHUP)
            assert words in service.wait_for("READY=1")
            assert words in service.wait_for("; since")
            service.write("waist")
        moved = service.settings.read_text().replace("serial:", "serial:/elsewhere")
        service.settings.write_text(moved)
        service.daemon.process.send_signal(signal.SIGHUP)
        assert "source will change at a restart" in service.wait_for("READY=1")
    said = service.daemon.decisions
    offline = lines(edgehar("classify", tmp_path / "sent.csv", "--model", "waist").stdout)
    assert [{**d, "time": None} for d in said] == offline


def test_the_reason_for_the_end_is_one_status_line(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.settings.write_text('[source]\nuri = "usb:1"\n')
    with service.running():
        said = service.wait_for("STATUS=")
        assert service.daemon.process.wait(timeout=20) == 2
    assert "edgehar.toml line 2: source.uri must be" in said
    assert len(said.splitlines()) == 1


def test_silence_feeds_the_watchdog_after_no_data(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.write("waist")
    with service.running():
        service.wait_for("READY=1")
        service.wait_for("WATCHDOG=1")
        assert service.daemon.decisions[0]["state"] == "no_data"
        assert "no_data (silence); since 20" in service.wait_for("STATUS=")
        service.wait_for("WATCHDOG=1")
        service.wait_for("WATCHDOG=1")
        stop(service.daemon)
    assert len(service.daemon.decisions) == 1
