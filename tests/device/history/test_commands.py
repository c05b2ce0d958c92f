import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from device.cli import PROGRAM
from device.config import load as configs
from device.config.limits import HistoryLimits
from tests.device.commands import edgehar, lines
from tests.device.history.made_up import Host, Wearer, at, spend_all

MORNING = at("2026-01-20T07:00:00+01:00")
PLAN = [
    ("mounting", 5.0), ("walking", 30.0), ("sitting", 90.0), ("unsure", 3.0), ("sitting", 60.0),
    ("silent", 45.0), ("standing", 20.0), ("not_worn", 60.0), ("running", 25.0),
]  # fmt: skip


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "d.db"
    host = Host("boot-1", 30.0, MORNING - 86400)
    wearer = Wearer(host, path)
    wearer.begin()
    spend_all(wearer, PLAN[:2])
    host.set_clock(host.utc_s + 86400)
    spend_all(wearer, PLAN[2:])
    wearer.sink.close()
    return path


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.slow
def test_csv_and_json_say_the_same_and_dates_are_put_right(db: Path) -> None:
    said = lines(edgehar("history", "--db", db, "--day", "2026-01-20", "--json").stdout)
    text = edgehar("history", "--db", db, "--day", "2026-01-20", "--csv").stdout
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(said) == len(table) > 10_000
    for one, row in zip(said, table, strict=True):
        assert list(one) == list(row)
        chances = row.pop("probabilities")
        assert (chances and json.loads(chances)) == (one.pop("probabilities") or "")
        assert row == {key: "" if value is None else str(value) for key, value in one.items()}
    times = [one["time"] for one in said]
    assert times == sorted(times)
    assert times[0].startswith("2026-01-20T06:00:0")
    assert {one["activity"] for one in said if one["state"] == "ok"} == {
        "walking", "sitting", "standing", "running",
    }  # fmt: skip
    # No decision is left at the date of the wrong clock.
    nothing = edgehar("history", "--db", db, "--day", "2026-01-19")
    assert not nothing.stdout
    assert "no decision has a time in this time span; give --from and --to" in nothing.stderr


@pytest.mark.slow
def test_from_and_to_cut_where_they_say(db: Path) -> None:
    def told(*options: str) -> list[str]:
        return [one["time"] for one in lines(edgehar("history", "--db", db, *options).stdout)]

    whole = told("--day", "2026-01-20")
    assert (
        told("--from", "2026-01-20", "--to", "2026-01-20") == whole == told("--from", "1999-01-01")
    )
    first = told("--to", "2026-01-20T08:00")
    rest = told("--from", "2026-01-20T07:00Z")  # the same moment
    assert first + rest == whole
    assert first[-1] < "2026-01-20T07:00:00.000Z" <= rest[0]


def test_the_table_says_how_the_day_was(db: Path) -> None:
    done = edgehar("report", "day", "--db", db, "--day", "2026-01-20")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert text.startswith("Tuesday, 20 January 2026\n")
    assert max(map(len, text.splitlines())) <= 80
    assert "3 h 45 min of known activity" in text  # 30 + 90 + 60 + 20 + 25 minutes
    assert "Unknown: 5 min mounting not known yet, 3 min not sure enough" in text
    assert "The clock was set forward by 1 d" in text
    for what, how_long in (
        ("walking", "30 min"), ("sitting", "2 h 30 min"), ("running", "25 min"),
        ("not worn", "1 h 00 min"), ("no data", "45 min"),
    ):  # fmt: skip
        lane = next(line for line in text.splitlines() if line.startswith(what))
        assert lane.endswith(f" {how_long}")
    bouts = [line.split(maxsplit=2) for line in text.splitlines() if line[2:3] == ":"]
    assert bouts[0][:2] == ["00:00:00", "07:00:00"]  # off
    assert all(before[1] <= after[0] for before, after in pairwise(bouts))


def test_the_picture_is_svg_of_its_own_for_light_and_dark(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "day.svg"
    done = edgehar("report", "day", "--db", db, "--day", "2026-01-20", "--out", out)
    assert done.stdout.endswith(f"written: {out}\n")
    text = out.read_text()
    root = ET.fromstring(text)  # noqa: S314 -- our own
    words = {"".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Tuesday, 20 January 2026", "walking", "30 min", "no data", "not worn"} <= words
    assert "prefers-color-scheme:dark" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # loads nothing
    assert out.stat().st_size < 100_000


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25)])
def test_a_day_with_an_hour_more_or_less(db: Path, day: str, hours: int) -> None:
    done = edgehar("report", "day", "--db", db, "--day", day)
    assert f"{hours} h 00 min" in done.stdout
    scale = done.stdout.splitlines()[1]
    assert scale.split() == ["00", "03", "06", "09", "12", "15", "18", "21"]
    shift = 2 * (hours - 24)  # columns of half an hour
    assert scale.index("12") == 17 + 24 + shift


def test_what_a_label_is_called_cannot_break_the_picture(tmp_path: Path) -> None:
    host = Host("boot-1", 1000.0, MORNING)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.spend('<b>"[red]&', 600)
    wearer.sink.close()
    out = tmp_path / "day.svg"
    done = edgehar("report", "day", "--db", tmp_path / "d.db", "--day", "2026-01-20", "--out", out)
    assert '<b>"[red]&' in done.stdout
    assert '<b>"[red]&' in "".join(ET.parse(out).getroot().itertext())  # noqa: S314 -- our own


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["history", "--day", "tomorrow"], "today or yesterday"),
        (["history", "--day", "2026-02-30"], "2026-02-30"),
        (["history", "--day", "0001-01-01"], "not a day"),
        (["history", "--day", "9999-12-31"], "not a day"),
        (["history", "--day", "today", "--from", "2026-01-01"], "--from and --to"),
        (["history", "--from", "2026-01-02", "--to", "2026-01-01"], "not before"),
        (["history", "--from", "noon"], "not a time"),
        (["history", "--csv", "--json"], "not both"),
        (["history", "--db", "nowhere.db"], "--db"),
        (["report", "day", "--db", "nowhere.db"], "--db"),
        (["report", "day", "--out", "day.png"], ".svg"),
        (["report", "night"], "No such command"),
    ],
)
def test_bad_input_is_one_line(db: Path, arguments: list[str], words: str) -> None:
    named = "--db" in arguments or arguments == ["report", "night"]
    done = edgehar(*arguments, *([] if named else ["--db", str(db)]))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_limits_are_set_in_the_settings(tmp_path: Path) -> None:
    settings = tmp_path / "edgehar.toml"
    settings.write_text("[history]\nkeep_days = 7\n")
    assert configs.load(settings).history == HistoryLimits(keep_days=7)


def test_who_reads_only_the_beginning_is_no_failure(db: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "history", "--db", str(db), "--day", "2026-01-20"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as reading:  # fmt: skip
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.readline()
        reading.stdout.close()
        assert reading.stderr.read() == b""
        assert reading.wait(20) == 0


def test_a_board_without_training_reports_days(db: Path) -> None:
    probe = """
import sys
for name in ("tensorflow", "keras", "scipy", "sklearn", "matplotlib", "numpy"):
    sys.modules[name] = None
from device.cli import _exit_code
sys.exit(_exit_code(sys.argv[1:]))
"""
    for arguments in (
        ["report", "--help"],
        ["report", "day", "--db", str(db), "--day", "2026-01-20"],
        ["history", "--db", str(db), "--day", "2026-01-20"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", probe, *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), arguments
    assert " day " in edgehar("report", "--help").stdout
    assert " readme " in edgehar("report", "--help").stdout
