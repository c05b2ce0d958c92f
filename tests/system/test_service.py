"""The service under a real systemd: each test goes on with what the one before has left."""

import itertools
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from device.cli import PROGRAM
from device.config.load import load
from device.service import unit
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.simulator.wearer import Wearer
from tests.system import nspawn
from tests.system.debian import needs
from tests.system.guest import wait_until
from tests.system.nspawn import Container

pytestmark = pytest.mark.system

SETTINGS = "etc/edgehar.toml"
PAGE = nspawn.REPOSITORY / "docs" / "SERVICE.md"
QUICK = "[Service]\\nWatchdogSec=3s\\nRestartSec=1s\\n"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A wearer who walks for longer than the tests take, eight times as fast."""
    folder = tmp_path_factory.mktemp("line")
    samples, labels = Wearer(seed=3).samples([("walking", 3600.0)])
    recording, link = folder / "walk.csv", folder / "link"
    with RecordingWriter(recording) as writer:
        writer.write(samples, labels)
    command = [*PROGRAM, "play", str(recording), "--link", str(link), "--speed", "8"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as player:
        try:
            wait_until(link.exists, 20, "the line")
            port = link.resolve()
            shutil.chown(port, 0, 20)
            port.chmod(0o660)
            yield port
        finally:
            player.kill()


@pytest.fixture(scope="module")
def board(line: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    needs(*nspawn.PACKAGES)
    folder = tmp_path_factory.mktemp("board")
    if reason := nspawn.refused():
        pytest.skip(reason)
    with Container(folder, line) as one:
        yield one


@pytest.fixture(scope="module")
def untouched(board: Container) -> set[str]:
    return board.files()


def decisions(board: Container) -> list[tuple[str, str, float]]:
    """Return model, state and end of those of the latest run but one, and of the latest."""
    path = board.root / "var/lib/edgehar/decisions.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(
            "SELECT model, state, end_s FROM decisions"
            " WHERE run >= (SELECT max(run) FROM runs) - 1 ORDER BY run, number"
        ).fetchall()


def recognises(board: Container) -> bool:
    return "% sure" in board.shown("StatusText") or "unsure" in board.shown("StatusText")


def test_a_dry_run_says_all_and_does_nothing(board: Container, untouched: set[str]) -> None:
    source = f"--source serial:{nspawn.PORT}"
    said = board.edgehar("service install", source, "--dry-run")
    assert board.files() == untouched
    assert said.index("write /etc/systemd/system/edgehar.service") < said.index("systemctl enable")
    own = "/etc/systemd/system/edgehar.service"
    board.run(f"echo '[Service]' >{own}")
    assert "was not made by edgehar" in board.ask(f"{nspawn.PROGRAM} service install {source}")[1]
    board.run(f"rm {own}")
    assert board.files() == untouched
    done = board.edgehar("service install", source)
    assert done.startswith(said)
    made = board.files() - untouched
    for path in made:
        assert path in said or "edgehar" in path, path


def test_it_recognises_shut_in_and_from_boot_on(board: Container) -> None:
    wait_until(lambda: recognises(board), 30, "a decision")
    assert board.shown("User") == "edgehar"
    board.reboot()
    wait_until(lambda: recognises(board), 30, "a decision after a boot")
    said = board.edgehar("service status")
    assert "state: active (running) since" in said
    assert "at boot: starts" in said
    rating = board.run("systemd-analyze security edgehar.service --no-pager")
    assert float(re.findall(r"exposure level for edgehar.service: ([\d.]+)", rating)[0]) <= 1.5


def test_to_install_again_changes_nothing(board: Container) -> None:
    before = board.files()
    said = board.edgehar("service install", f"--source serial:{nspawn.PORT}")
    assert "leave /etc/systemd/system/edgehar.service" in said
    assert "write" not in said
    assert board.files() == before


def test_a_reload_loses_no_window(board: Container) -> None:
    wait_until(lambda: recognises(board), 30, "a decision")
    pid = board.shown("MainPID")
    as_it = "setpriv --reuid=edgehar --regid=edgehar --clear-groups"  # sudo needs more of a board
    board.run(f"{as_it} {nspawn.PROGRAM} models activate waist")
    board.run("systemctl reload edgehar")
    wait_until(lambda: sum("waist" in one[0] for one in decisions(board)) > 20, 30, "waist")
    assert board.shown("MainPID") == pid
    found = decisions(board)
    assert {model.partition("@")[0] for model, _, _ in found} == {"wrist", "waist"}
    assert [state for _, state, _ in found].count("warming_up") == 1
    ends = [end_s for _, state, end_s in found if state != "warming_up"]
    steps = [after - before for before, after in itertools.pairwise(ends)]
    assert 0 < min(steps) <= max(steps) < 1.281


def test_a_daemon_that_hangs_is_killed_and_started_again(board: Container) -> None:
    board.run(
        "mkdir -p /run/systemd/system/edgehar.service.d && "
        f"printf '{QUICK}' >/run/systemd/system/edgehar.service.d/quick.conf && "
        "systemctl daemon-reload && systemctl restart edgehar"
    )
    wait_until(lambda: recognises(board), 30, "a decision")
    board.run("kill -STOP $(systemctl show edgehar --value --property=MainPID)")
    wait_until(lambda: board.shown("NRestarts") == "1", 30, "killed")
    wait_until(lambda: recognises(board), 30, "a decision after the hang")
    assert "killed by the watchdog in this boot: 1" in board.edgehar("service status")


def test_a_source_that_hangs_is_no_sign_of_life(board: Container) -> None:
    settings = board.root / SETTINGS
    before = settings.read_text()
    fifo = "/var/lib/edgehar/fifo"
    board.run(f"mkfifo -m 666 {fifo}")
    settings.write_text(before.replace(f"serial:{nspawn.PORT}", f"recording:{fifo}"))
    board.run("systemctl restart edgehar")
    wait_until(lambda: board.shown("NRestarts") == "1", 30, "killed")
    settings.write_text(before)
    board.run(f"rm {fifo}")
    status = board.ask(f"{nspawn.PROGRAM} service status")[1]
    assert "killed by the watchdog in this boot: 2" in status
    board.run("systemctl restart edgehar")
    wait_until(lambda: recognises(board), 30, "a decision after the hang")
    assert "Current thread" in board.log()


def test_the_dashboard_comes_and_goes_with_its_settings(board: Container) -> None:
    settings = board.root / SETTINGS
    before = settings.read_text()
    settings.write_text(before + '[dashboard]\nlisten = "127.0.0.1:8780"\n')
    board.edgehar("service install")
    asked = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8780/').status)"
    page = f'/opt/edgehar/bin/python -c "{asked}"'
    wait_until(lambda: "200" in board.ask(page)[1], 20, "the page")
    wait_until(lambda: recognises(board), 30, "a decision beside it")
    settings.write_text(before)
    assert "remove /etc/systemd/system/edgehar-dashboard.service" in board.edgehar(
        "service install"
    )
    assert board.ask(page)[0] != 0
    assert board.ask("systemctl cat edgehar-dashboard")[0] != 0


def test_what_the_service_keeps_can_be_labelled(board: Container) -> None:
    settings = board.root / SETTINGS
    before = settings.read_text()
    settings.write_text(before + '[labels]\nfolder = "/var/lib/edgehar/labels"\n')
    board.run("systemctl reload edgehar")
    said = [""]

    def labelled() -> bool:
        code, said[0] = board.ask(f"{nspawn.PROGRAM} label walking --last 1m")
        return code == 0

    try:
        wait_until(labelled, 30, "samples to label")
    except AssertionError:
        pytest.fail(said[0] + board.log()[-2000:])
    assert "1: walking" in board.edgehar("label --list")
    out = "/var/lib/edgehar/mine.csv"
    assert "walking" in board.edgehar(f"label --export {out}")
    assert (board.root / out[1:]).stat().st_size > 1000
    settings.write_text(before)
    board.run("systemctl reload edgehar")


def test_it_is_told_to_stop_and_does(board: Container) -> None:
    board.run("systemctl stop edgehar")
    assert board.shown("Result") == "success"
    assert board.shown("ExecMainStatus") == "0"
    assert "stopped after" in board.log()
    with closing(sqlite3.connect(board.root / "var/lib/edgehar/decisions.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_bad_settings_are_one_line_of_its_status(board: Container) -> None:
    settings = board.root / SETTINGS
    before = settings.read_text()
    settings.write_text(before + "\n[mqtt]\nhost = 7\n")
    code, _ = board.ask("systemctl start edgehar")
    assert code != 0
    assert board.shown("ActiveState") == "failed"
    assert board.shown("NRestarts") == "0"
    (said,) = re.findall(r'Status: "(.*)"', board.ask("systemctl status edgehar")[1])
    assert "/etc/edgehar.toml line" in said
    assert "mqtt.host must be" in said
    code, words = board.ask(f"{nspawn.PROGRAM} service status")
    assert code == 1
    assert said in words
    settings.write_text(before)
    board.run("systemctl start edgehar")


def test_uninstall_leaves_what_it_says_and_purge_nothing(
    board: Container, untouched: set[str]
) -> None:
    said = board.edgehar("service uninstall")
    assert "left: /etc/edgehar.toml, /var/lib/edgehar" in said
    assert board.ask("systemctl cat edgehar")[0] != 0
    assert board.ask("id edgehar")[0] != 0
    board.edgehar("service install")
    wait_until(lambda: recognises(board), 30, "a decision after it was installed again")
    board.edgehar("service uninstall --purge")
    left = board.files()
    assert left - untouched == set()
    assert "there is nothing to do" in board.edgehar("service uninstall --purge")


def test_from_init_to_a_service_that_runs(board: Container) -> None:
    said = board.edgehar("init", f"--source serial:{nspawn.PORT}", "--worn wrist --yes")
    assert f"written: /{SETTINGS}" in said
    assert "edgehar service install" in said
    board.edgehar("service install")
    wait_until(lambda: recognises(board), 30, "a decision by the settings that init wrote")
    assert "state: active (running)" in board.edgehar("service status")


@pytest.mark.parametrize(
    ("more", "rating"),
    [
        ("", "0.4"),
        ('[source]\nuri = "i2c:1"', "0.4"),
        ('[metrics]\nlisten = "127.0.0.1:9464"', "1.1"),
        ('[mqtt]\nhost = "broker"', "1.3"),
        ('[dashboard]\nlisten = "0.0.0.0:8780"\ntoken_file = "/etc/edgehar/token"', "0.4"),
    ],
)
def test_how_shut_in_it_is_the_page_says(more: str, rating: str, tmp_path: Path) -> None:
    needs("systemd")
    settings, made = tmp_path / "edgehar.toml", tmp_path / "edgehar.service"
    settings.write_text(more)
    board = unit.Board(sys.executable, 252, ("ttyUSB", "ttyACM"))
    made.write_text(unit.unit(load(settings), Path("/etc/edgehar.toml"), board))
    rate = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(made)]
    said = subprocess.run(rate, capture_output=True, text=True, check=True).stdout
    (level,) = re.findall(r"exposure level for edgehar.service: ([\d.]+)", said)
    assert float(level) <= 1.5
    assert re.search(rf"^\|.*\| {re.escape(rating)} \|$", PAGE.read_text(), re.MULTILINE)
    assert level == rating  # Debian 12's systemd
    subprocess.run(["systemd-analyze", "verify", str(made)], check=True)
