"""`edgehar label` as a wearer runs it."""

import io
import os
import re
import shutil
import stat
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from device import cli
from device.labels import layout
from device.sinks.sqlite import Sqlite
from firmware_bridge.recording import read
from tests.device.labels.made_up import in_ring, keep_latest, same
from tests.device.made_up import HOP_S, decision

SECONDS = 120
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Settings, samples and decisions of the last two minutes: standing, then walking."""
    keep_latest(tmp_path / "labels", SECONDS)
    database, now = Sqlite(tmp_path / "d.db", "x"), time.time()
    for number in range(round(SECONDS / HOP_S) + 1):
        end_s = number * HOP_S
        at = datetime.fromtimestamp(now - SECONDS + end_s, UTC).isoformat()
        activity = "standing" if end_s < SECONDS - 20 else "walking"
        database.write(decision(end_s, at, activity))
    database.close()
    settings = tmp_path / "edgehar.toml"
    settings.write_text(
        f'[sinks]\nsqlite = "{tmp_path}/d.db"\n[labels]\nfolder = "{tmp_path}/labels"\n'
    )
    return settings


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        cli.main(["label", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, out, err


@pytest.fixture
def label(board: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `edgehar label` with the settings of the board."""
    return partial(run, capsys, "--config", board)


def test_it_says_what_it_found_and_what_the_board_had_said(label: Run) -> None:
    code, out, err = label("sitting", "--last", "80s")
    assert (code, err) == (0, "")
    first, said = out.splitlines()
    assert first.startswith("1: sitting, 20")
    assert first.endswith("nothing missing")
    assert re.fullmatch(r"the board decided: standing 1 min, walking (19|20|21) s", said)


def test_a_typo_is_kept_and_a_better_word_offered(label: Run) -> None:
    _, out, _ = label("siting", "--last", "30s")
    assert "did you mean sitting? (to undo it: edgehar label --remove 1)" in out
    _, out, _ = label("cycling", "--last", "20s")
    assert "of the time that 1 had too, this one holds" in out
    assert "the model has no activity cycling; it has walking, " in out


def test_list_remove_export(label: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv.gz"
    assert label("--list") == (0, "nothing is labelled\n", "")
    code, _, err = label("--export", mine)
    assert code == 2
    assert "nothing is labelled" in err
    label("sitting", "--last", "60s")
    label("walking", "--last", "20s")
    _, out, _ = label("--list")
    assert [line[:10] for line in out.splitlines()] == ["1: sitting", "2: walking"]
    code, out, _ = label("--export", mine)
    assert code == 0
    assert re.search(r"sitting (40|41) s, walking (19|20) s", out)
    assert not stat.S_IMODE(mine.stat().st_mode) & 0o077
    found, labels = read(mine)
    assert labels is not None
    assert set(labels) == {"", "sitting", "walking"}
    assert same(found, in_ring(tmp_path / "labels")[-len(found) :])
    (tmp_path / "full.csv").mkdir()
    code, out, err = label("--export", tmp_path / "full.csv")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert label("--export", mine)[0] == 2  # the file exists
    assert not list(tmp_path.glob("*.part"))
    assert label("--remove", "1") == (0, "removed: 1\n", "")
    assert label("--remove", "1")[0] == 2
    _, out, _ = label("--list")
    assert out.startswith("2: walking")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give ACTIVITY, --list, --remove or --export"),
        (["sitting", "--list"], "one of them"),
        (["sitting"], "when was it?"),
        (["sitting", "--last", "5m", "--from", "14:05"], "when was it?"),
        (["sitting", "--last", "5m", "--to", "14:05"], "when was it?"),
        (["sitting", "--to", "14:05"], "when was it?"),
        (["--list", "--last", "5m"], "of an ACTIVITY"),
        (["sitting", "--last", "soon"], "'soon' is no time"),
        (["sit,ting", "--last", "5m"], "without comma"),
        (["", "--last", "5m"], "ACTIVITY is empty"),
        (["x" * 65, "--last", "5m"], "at most 64 characters"),
        (["a\x1b[2Jb", "--last", "5m"], "printable"),
        (["sitting", "--from", "2001-01-01T10:00", "--to", "2001-01-01T11:00"], "no samples"),
        (["--remove", "7"], "there is no label 7"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    board: Path, label: Run, arguments: list[str], words: str
) -> None:
    code, out, err = label(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert not list(layout.labelled(board.parent / "labels").iterdir())


def test_without_a_folder_or_a_daemon_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "edgehar.toml"
    settings.write_text("")
    code, _, err = run(capsys, "sitting", "--last", "5m", "--config", settings)
    assert code == 2
    assert re.search(r"labels are off.*labels\.folder", err)
    code, _, err = run(capsys, "sitting", "--last", "5m", "--folder", tmp_path / "labels")
    assert code == 2
    assert "has not stored samples yet" in err


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users can enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run_as(groups: list[int], *arguments: str) -> tuple[int, str]:
    """Run a command as a user of these groups, in a process that has already loaded it."""
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # numpy has threads
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
def test_members_of_the_group_may_label_and_others_see_nothing(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_latest(tmp_path / "labels", SECONDS)
    run(capsys, "sitting", "--last", "60s", "--folder", tmp_path / "labels")  # loads all modules
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
