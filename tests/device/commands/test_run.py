import json
import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Samples
from tests.device.commands import edgehar, lines, playing, settings_file
from tests.device.running import daemon, play, ran_over, stop, stored, without
from tests.device.terminal import Terminal
from tests.waiting import wait_for

ROOT = Path(__file__).parents[3]


def test_live_decisions_equal_classify(recording: Path, tmp_path: Path) -> None:
    running = ran_over(recording, tmp_path)
    played = json.loads((tmp_path / "played.json").read_text())
    offline = lines(edgehar("classify", tmp_path / "sent.csv").stdout)
    assert len(offline) > 80
    assert without(running.decisions, "time") == without(offline, "time")
    assert stored(running.database) == running.decisions
    times = [one["time"] for one in running.decisions]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times)
    report = running.report
    assert report["source"]["samples"] == report["pipeline"]["samples"] == played["delivered"]
    assert report["source"]["lost"] == report["pipeline"]["lost"] == 0
    assert report["decisions"] == len(offline)
    assert "Traceback" not in running.log


def test_every_loss_on_a_bad_line_is_counted(recording: Path, tmp_path: Path) -> None:
    specs = ["drop:1%", "flip:1%", "duplicate:1%", "garbage:1%", "unplug:3s@62s"]
    with daemon(tmp_path) as running:
        played = play(recording, running, *(part for spec in specs for part in ("--fault", spec)))
        running.wait_for("meanwhile")
        stop(running)
    lost = sum(played["lost"].values())
    source = running.report["source"]
    assert played["lost"]["unplug"] == 150
    assert min(played["lost"]["drop"], played["lost"]["flip"], played["damaged"]) > 0
    assert source["samples"] == played["delivered"]
    assert source["lost"] == running.report["pipeline"]["lost"] == lost
    assert source["frames_bad_crc"] >= played["damaged"]
    # Losses after the last window are in no decision.
    after = running.decisions[-1]["end_s"]
    samples, _ = read(recording)
    assert lost - (samples.t_s >= after).sum() <= sum(d["lost"] for d in running.decisions) <= lost
    states = [decision["state"] for decision in running.decisions]
    hole = states.index("no_data")
    assert 60 < running.decisions[hole]["start_s"] <= 62
    assert states[hole + 1] == "warming_up"
    assert states.count("no_data") == 1
    # Between the gaps, the daemon got what the player delivered.
    offline = lines(edgehar("classify", tmp_path / "sent.csv").stdout)
    assert without(running.decisions, "time", "lost") == without(offline, "time", "lost")
    assert "Traceback" not in running.log


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    with daemon(tmp_path) as running:
        running.wait_for("waiting for")
        stop(running, how)
    assert "stopped after" in running.log
    assert running.report["decisions"] == 0


def test_a_missing_port_gives_no_data(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        wait_for(lambda: running.decisions, "a decision")
        stop(running)
    (decision,) = running.decisions
    assert decision["state"] == "no_data"
    assert decision["start_s"] is decision["end_s"] is None
    assert decision["time"] is not None


def test_a_second_daemon_reports_the_port_in_use(recording: Path, tmp_path: Path) -> None:
    with daemon(tmp_path) as running, playing(recording, running.port):
        running.wait_for("listening")
        done = edgehar("run", "--source", f"serial:{running.port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"edgehar: serial:{running.port}: in use by another program" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recording_is_a_source_too(recording: Path, tmp_path: Path) -> None:
    settings = settings_file(
        tmp_path,
        f'model = "waist"\n[source]\nuri = "recording:{recording}"\n'
        f'[sinks]\nstdout = false\nsqlite = "{tmp_path}/d.db"\n',
    )
    done = edgehar("run", "--config", settings)
    assert (done.returncode, done.stdout) == (0, "")
    offline = edgehar("classify", recording, "--model", "waist")
    assert stored(tmp_path / "d.db") == lines(offline.stdout)


def test_options_override_the_settings(recording: Path, tmp_path: Path) -> None:
    settings = settings_file(tmp_path, '[source]\nuri = "serial:/dev/none"\n')
    done = edgehar("run", "--config", settings, "--source", f"recording:{recording}")
    assert done.returncode == 0
    assert done.stdout == edgehar("classify", recording).stdout


def test_the_mounting_rotation_is_applied(recording: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.csv"
    samples, _ = read(recording)
    order, signs = [1, 0, 2], np.array([-1.0, 1.0, 1.0])
    with RecordingWriter(turned) as writer:
        acc_g, gyro_rad_s = samples.acc_g[:, order], samples.gyro_rad_s[:, order]
        writer.write(Samples(samples.t_s, signs * acc_g, signs * gyro_rad_s))
    rotation = "[[0, 1, 0], [-1, 0, 0], [0, 0, 1]]"
    settings = settings_file(tmp_path, f'model = "waist"\n[mounting]\nrotation = {rotation}\n')
    straight = edgehar("classify", recording, "--model", "waist").stdout
    run = ("run", "--source", f"recording:{turned}")
    for command in (run, ("classify", turned)):
        assert edgehar(*command, "--config", settings).stdout == straight
    assert edgehar("classify", turned, "--model", "waist").stdout != straight


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["run", "--source", "recording:{}"], 0, "was closed by its reader"),
        (["classify", "{}"], 1, ""),  # click's exit code
    ],
)
def test_a_closed_pipe_ends_it_quietly(
    recording: Path, command: list[str], code: int, words: str
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    arguments = [part.format(recording) for part in command]
    done = subprocess.run(
        [*PROGRAM, *arguments], stdout=write_end, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write_end)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "no source"),
        ("--config none.toml", "none.toml"),
        ("--source recording:none.csv", "none.csv"),
        ("--source serial:/dev/null --model none", "none"),
        ("--source serial:/dev/null --sqlite /none/d.db", "folder"),
        ("--source serial:.", ". is a folder, not a serial port"),
        ("--source serial:notes.txt", "notes.txt is a file, not a serial port"),
        ("--source serial:/dev/none --state none/s.json", "there is no folder none; create it"),
        ("--source serial:a --state none/s.json --model waist", "there is no folder none; create"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_exit_2(
    arguments: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = edgehar("run", *arguments.split(), cwd=tmp_path, env=environment)
    (error,) = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert done.returncode == 2
    assert error.startswith("edgehar: ")
    assert words in error
    assert "ready" not in done.stderr or words == "none.csv"  # a recording is opened later


def test_a_terminal_shows_the_live_view_or_json(tmp_path: Path) -> None:
    source = f"recording:{ROOT / 'examples' / 'wrist.csv.gz'}"
    database = tmp_path / "d.db"
    with Terminal(PROGRAM[-1], "run", "--source", source, "--sqlite", database, env={}) as terminal:
        terminal.until("probabilities of the last window alone")
        terminal.until("walking")
        terminal.until("stopped after")
        assert terminal.process.wait(30) == 0
        assert '{"start_s"' not in terminal.seen
    with closing(sqlite3.connect(database)) as opened:
        (count,) = opened.execute("SELECT count(*) FROM decisions").fetchone()
    assert count > 100
    with Terminal(PROGRAM[-1], "run", "--source", source, "--json", env={}) as terminal:
        terminal.until('{"start_s"')
        terminal.until("stopped after")
        assert terminal.process.wait(30) == 0
