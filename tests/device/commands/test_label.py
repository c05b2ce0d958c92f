"""`edgehar label`."""

import io
import os
import re
import shutil
import stat
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from device import cli
from device.calibration import file
from device.labels import layout
from device.sinks.sqlite import Sqlite
from firmware_bridge.recording import read
from tests.device.commands import Call, edgehar, lines, settings_file
from tests.device.labels.made_up import in_ring, keep_latest, same
from tests.device.made_up import HOP_S, decision
from tests.device.running import daemon, play, ran_over, serving, stop, without

SECONDS = 120


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Settings, and samples and decisions of the last two minutes: standing, then walking."""
    keep_latest(tmp_path / "labels", SECONDS)
    database, now = Sqlite(tmp_path / "d.db", "x"), time.time()
    for number in range(round(SECONDS / HOP_S) + 1):
        end_s = number * HOP_S
        at = datetime.fromtimestamp(now - SECONDS + end_s, UTC).isoformat()
        activity = "standing" if end_s < SECONDS - 20 else "walking"
        database.write(decision(end_s, at, activity))
    database.close()
    sinks = f'[sinks]\nsqlite = "{tmp_path}/d.db"\n'
    return settings_file(tmp_path, f'{sinks}[labels]\nfolder = "{tmp_path}/labels"\n')


@pytest.fixture
def label(call: Call) -> Call:
    return partial(call, "label")


def test_it_shows_the_label_and_the_boards_decisions(board: Path, label: Call) -> None:
    code, out, err = label("sitting", "--last", "80s", "--config", board)
    assert (code, err) == (0, "")
    first, said = out.splitlines()
    assert first.startswith("1: sitting, 20")
    assert first.endswith("nothing missing")
    assert re.fullmatch(r"the board decided: standing 1 min, walking (19|20|21) s", said)


def test_a_misspelt_label_is_stored_with_a_suggestion(board: Path, label: Call) -> None:
    _, out, _ = label("siting", "--last", "30s", "--config", board)
    assert "did you mean sitting? (to undo it: edgehar label --remove 1)" in out
    _, out, _ = label("cycling", "--last", "20s", "--config", board)
    assert "it overlaps label 1 and wins there" in out
    assert "the model has no activity cycling; it has walking, " in out


def test_list_remove_export(board: Path, tmp_path: Path, label: Call) -> None:
    mine = tmp_path / "mine.csv.gz"
    assert label("--list", "--config", board) == (0, "nothing is labelled\n", "")
    code, _, err = label("--export", mine, "--config", board)
    assert code == 2
    assert "nothing is labelled" in err
    label("sitting", "--last", "60s", "--config", board)
    label("walking", "--last", "20s", "--config", board)
    _, out, _ = label("--list", "--config", board)
    assert [line[:10] for line in out.splitlines()] == ["1: sitting", "2: walking"]
    code, out, _ = label("--export", mine, "--config", board)
    assert code == 0
    assert re.search(r"sitting (40|41) s, walking (19|20) s", out)
    assert not stat.S_IMODE(mine.stat().st_mode) & 0o077
    found, labels = read(mine)
    assert labels is not None
    assert set(labels) == {"", "sitting", "walking"}
    assert same(found, in_ring(tmp_path / "labels")[-len(found) :])
    (tmp_path / "full.csv").mkdir()
    code, out, err = label("--export", tmp_path / "full.csv", "--config", board)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert label("--export", mine, "--config", board)[0] == 2  # exists already
    assert not list(tmp_path.glob("*.part"))
    assert label("--remove", "1", "--config", board) == (0, "removed: 1\n", "")
    assert label("--remove", "1", "--config", board)[0] == 2
    _, out, _ = label("--list", "--config", board)
    assert out.startswith("2: walking")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give one of ACTIVITY, --list, --remove and --export"),
        (["sitting", "--list"], "give one of"),
        (["sitting"], "give the time span"),
        (["sitting", "--last", "5m", "--from", "14:05"], "give the time span"),
        (["sitting", "--last", "5m", "--to", "14:05"], "give the time span"),
        (["sitting", "--to", "14:05"], "give the time span"),
        (["--list", "--last", "5m"], "need an ACTIVITY"),
        (["sitting", "--last", "soon"], "'soon' is not a time"),
        (["sit,ting", "--last", "5m"], "without comma"),
        ([" ", "--last", "5m"], "ACTIVITY is empty"),
        (["x" * 65, "--last", "5m"], "at most 64 characters"),
        (["a\x1b[2Jb", "--last", "5m"], "printable"),
        (["sitting", "--from", "2001-01-01T10:00", "--to", "2001-01-01T11:00"], "no samples"),
        (["--remove", "7"], "there is no label 7"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    board: Path, label: Call, arguments: list[str], words: str
) -> None:
    code, out, err = label(*arguments, "--config", board)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert not list(layout.labelled(board.parent / "labels").iterdir())


def test_labels_that_are_off_and_an_empty_folder_are_reported(tmp_path: Path, label: Call) -> None:
    off = ("--config", settings_file(tmp_path, ""))
    empty = ("--folder", tmp_path / "labels")
    for where, words in (
        (off, "labels are off: "),
        (off, "labels.folder"),
        (empty, "not stored samples"),
    ):
        code, _, err = label("sitting", "--last", "5m", *where)
        assert code == 2
        assert words in err


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users can read, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run_as(groups: list[int], *arguments: str) -> tuple[int, str]:
    """Run a command as a user of these groups, in a fork, which has loaded it already."""
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # numpy has threads; the fork uses none
        child = os.fork()
    if not child:
        code, out = 99, io.StringIO()
        try:
            os.setgroups(groups)
            os.setgid(4003)
            os.setuid(4003)
            with redirect_stdout(out), redirect_stderr(out):
                code = cli._exit_code(["label", *arguments])
        finally:
            os.write(write_end, out.getvalue().encode())
            os._exit(code)
    os.close(write_end)
    with open(read_end, encoding="utf-8") as pipe:  # noqa: PTH123 -- a descriptor
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_only_the_group_may_label_and_read(shared: Path, tmp_path: Path, label: Call) -> None:
    keep_latest(tmp_path / "labels", SECONDS)
    label("sitting", "--last", "60s", "--folder", tmp_path / "labels")  # loads all modules
    folder = shared / "labels"
    keep_latest(folder, SECONDS)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 4001, 4002)
    where = ("--folder", str(folder))
    code, said = run_as([4002], "sitting", "--last", "60s", *where)
    assert code == 0, said
    kept = (layout.labelled(folder) / "1.ehr").stat()
    assert (kept.st_gid, stat.S_IMODE(kept.st_mode)) == (4002, 0o640)
    for more in (["--list"], ["sitting", "--last", "60s"], ["--remove", "1"]):
        code, said = run_as([], *more, *where)
        assert code == 2
        assert "Permission denied" in said
        assert said.count("\n") == 1
    assert run_as([4002], "--remove", "1", *where) == (0, "removed: 1\n")


@pytest.mark.slow
def test_labelled_samples_equal_the_samples_on_the_line(recording: Path, tmp_path: Path) -> None:
    """The daemon applies a calibration; the labelled samples are without it."""
    errors = tmp_path / "wrist.json"
    axes = ((0.02, -0.01, 0.07), (1.01, 0.99, 1.02), (0.02, -0.01, 0.001))
    file.write(errors, file.CalibrationFile(1, "serial:x", "2026-03-01", None, *axes, {}))
    settings = settings_file(tmp_path, f'[labels]\nfolder = "{tmp_path}/labels"\n')
    options = ("--config", str(settings), "--calibration", str(errors))
    with daemon(tmp_path, *options) as running:
        play(recording, running, "--speed", "15")
        running.wait_for("went away")
        during = edgehar("label", "walking", "--last", "1h", "--config", settings)
        assert during.returncode == 0, during.stderr
        assert "59 min missing" in during.stdout or "1 h 00 min missing" in during.stdout
        stop(running)
    done = edgehar("label", "walking", "--last", "1h", "--config", settings)
    assert done.returncode == 0, done.stderr
    mine = tmp_path / "mine.csv"
    assert edgehar("label", "--export", mine, "--config", settings).returncode == 0
    found, labels = read(mine)
    sent, _ = read(tmp_path / "sent.csv")
    assert same(found, sent)
    assert labels == ["walking"] * len(sent)
    offline = edgehar("classify", mine, "--calibration", errors)
    assert without(lines(offline.stdout), "time") == without(running.decisions, "time")


@pytest.mark.slow
def test_decisions_of_a_labelled_part_agree_after_warm_up(recording: Path, tmp_path: Path) -> None:
    """Windows begin at other samples, so decisions may differ where the activity changes."""
    settings = settings_file(tmp_path, f'model = "waist"\n[labels]\nfolder = "{tmp_path}/labels"\n')
    running = ran_over(recording, tmp_path, "--config", str(settings), speed="15")
    board = ("--config", settings)
    assert edgehar("label", "a", "--last", "6s", *board).returncode == 0
    mine = tmp_path / "mine.csv"
    assert edgehar("label", "--export", mine, *board).returncode == 0
    found, labels = read(mine)
    sent, _ = read(tmp_path / "sent.csv")
    assert labels is not None
    assert 1000 < labels.count("a") < len(found) <= len(sent)
    offline = lines(edgehar("classify", mine, "--model", "waist").stdout)
    assert offline[0]["state"] == "warming_up"
    said = [one for one in running.decisions if one["probabilities"]]
    ends_s = np.array([one["end_s"] for one in said])
    agreed = [
        one["activity"] == said[int(np.abs(ends_s - one["end_s"]).argmin())]["activity"]
        for one in offline
        if one["probabilities"]
    ]
    assert len(agreed) > 10
    assert sum(agreed) > 0.9 * len(agreed)


@pytest.mark.slow
def test_a_reload_neither_loses_nor_repeats_samples(recording: Path, tmp_path: Path) -> None:
    labels = f'[labels]\nfolder = "{tmp_path}/labels"'
    with serving(recording, tmp_path, labels) as service:
        assert f"labels {tmp_path}/labels" in service.ready
        service.reload_at(10)
        service.wait_for("READY=1")
        service.write("wrist", labels)  # gets the latest samples again, to warm up
        service.reload_at(20)
        service.wait_for("READY=1")
    sent, _ = read(tmp_path / "sent.csv")
    assert same(in_ring(tmp_path / "labels"), sent)
    assert len(layout.files(layout.raw(tmp_path / "labels"))) >= 3


@pytest.mark.slow
def test_a_missing_folder_does_not_stop_the_daemon(recording: Path, tmp_path: Path) -> None:
    settings = settings_file(tmp_path, f'[labels]\nfolder = "{tmp_path}/sub/labels"\n')
    (tmp_path / "sub").mkdir()
    with daemon(tmp_path, "--config", str(settings)) as running:
        shutil.rmtree(tmp_path / "sub")
        play(recording, running, "--speed", "15")
        running.wait_for("cannot keep raw samples")
        running.wait_for("went away")
        (tmp_path / "sub").mkdir()
        running.wait_for("works again")
        stop(running)
    offline = lines(edgehar("classify", tmp_path / "sent.csv").stdout)
    assert without(running.decisions, "time") == without(offline, "time")
    kept = in_ring(tmp_path / "sub" / "labels")
    sent, _ = read(tmp_path / "sent.csv")
    assert same(kept, sent[len(sent) - len(kept) :])
    assert len(kept) > 0


def test_a_recording_is_not_kept(recording: Path, tmp_path: Path) -> None:
    settings = settings_file(tmp_path, f'[labels]\nfolder = "{tmp_path}/labels"\n')
    done = edgehar("run", "--source", f"recording:{recording}", "--config", settings)
    assert done.returncode == 0
    assert not (tmp_path / "labels").exists()
