"""The service under a real systemd; each test continues with the previous container."""

import itertools
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
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
    """A wearer who walks for longer than the tests take, at eight times the speed."""
    folder = tmp_path_factory.mktemp("line")
    samples, labels = Wearer(seed=3).samples([("walking", 3600.0)])
    recording, link = folder / "walk.csv", folder / "link"
    with RecordingWriter(recording) as writer:
        writer.write(samples, labels)
    command = [*PROGRAM, "play", str(recording), "--link", str(link), "--speed", "8"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as player:
        try:
            wait_until(link.exists, "the line", 20)
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
    """Return model, state and end of the decisions of the last two runs."""
    path = board.root / "var/lib/edgehar/decisions.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(
            "SELECT model, state, end_s FROM decisions"
            " WHERE run >= (SELECT max(run) FROM runs) - 1 ORDER BY run, number"
        ).fetchall()


def await_decision(board: Container) -> None:
    wait_until(lambda: "sure" in board.shown("StatusText"), "a decision", 30)


@contextmanager
def changed_settings(board: Container, change: Callable[[str], str]) -> Iterator[None]:
    path = board.root / SETTINGS
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield
    finally:
        path.write_text(before)


def test_a_dry_run_prints_the_plan_only(board: Container, untouched: set[str]) -> None:
    source = f"--source serial:{nspawn.PORT}"
    plan = board.edgehar("service install", source, "--dry-run")
    assert board.files() == untouched
    own = "/etc/systemd/system/edgehar.service"
    assert plan.index(f"write {own}") < plan.index("systemctl enable")
    board.run(f"echo '[Service]' >{own}")
    _, refusal = board.ask(f"{nspawn.PROGRAM} service install {source}")
    assert "was not made by edgehar" in refusal
    board.run(f"rm {own}")
    assert board.files() == untouched
    assert board.edgehar("service install", source).startswith(plan)
    for path in board.files() - untouched:
        assert path in plan or "edgehar" in path, path


def test_it_recognises_with_few_permissions_and_from_boot_on(board: Container) -> None:
    await_decision(board)
    assert board.shown("User") == "edgehar"
    board.reboot()
    await_decision(board)
    status = board.edgehar("service status")
    assert "state: active (running) since" in status
    assert "at boot: starts" in status
    rating = board.run("systemd-analyze security edgehar.service --no-pager")
    assert float(re.findall(r"exposure level for edgehar.service: ([\d.]+)", rating)[0]) <= 1.5


def test_a_second_install_changes_nothing(board: Container) -> None:
    before = board.files()
    plan = board.edgehar("service install", f"--source serial:{nspawn.PORT}")
    assert "leave /etc/systemd/system/edgehar.service" in plan
    assert "write" not in plan
    assert board.files() == before


def test_a_reload_loses_no_window(board: Container) -> None:
    await_decision(board)
    pid = board.shown("MainPID")
    as_service = "setpriv --reuid=edgehar --regid=edgehar --clear-groups"  # there is no sudo
    board.run(f"{as_service} {nspawn.PROGRAM} models activate waist")
    board.run("systemctl reload edgehar")
    wait_until(lambda: sum("waist" in one[0] for one in decisions(board)) > 20, "waist", 30)
    assert board.shown("MainPID") == pid
    both = decisions(board)
    assert {model.partition("@")[0] for model, _, _ in both} == {"wrist", "waist"}
    assert [state for _, state, _ in both].count("warming_up") == 1
    ends = [end_s for _, state, end_s in both if state != "warming_up"]
    steps = [after - before for before, after in itertools.pairwise(ends)]
    assert 0 < min(steps) <= max(steps) < 1.281


def test_a_daemon_that_hangs_is_killed_and_started_again(board: Container) -> None:
    board.run(
        "mkdir -p /run/systemd/system/edgehar.service.d && "
        f"printf '{QUICK}' >/run/systemd/system/edgehar.service.d/quick.conf && "
        "systemctl daemon-reload && systemctl restart edgehar"
    )
    await_decision(board)
    board.run("kill -STOP $(systemctl show edgehar --value --property=MainPID)")
    wait_until(lambda: board.shown("NRestarts") == "1", "killed", 30)
    await_decision(board)
    assert "killed by the watchdog in this boot: 1" in board.edgehar("service status")


def test_a_source_that_hangs_is_no_progress(board: Container) -> None:
    fifo = "/var/lib/edgehar/fifo"
    board.run(f"mkfifo -m 666 {fifo}")
    serial, hanging = f"serial:{nspawn.PORT}", f"recording:{fifo}"
    with changed_settings(board, lambda text: text.replace(serial, hanging)):
        board.run("systemctl restart edgehar")
        wait_until(lambda: board.shown("NRestarts") == "1", "killed", 30)
    board.run(f"rm {fifo}")
    status = board.ask(f"{nspawn.PROGRAM} service status")[1]
    assert "killed by the watchdog in this boot: 2" in status
    board.run("systemctl restart edgehar")
    await_decision(board)
    assert "Current thread" in board.log()


def test_the_dashboard_follows_its_settings(board: Container) -> None:
    request = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8780/').status)"
    page = f'/opt/edgehar/bin/python -c "{request}"'
    listen = '[dashboard]\nlisten = "127.0.0.1:8780"\n'
    with changed_settings(board, lambda text: text + listen):
        board.edgehar("service install")
        wait_until(lambda: "200" in board.ask(page)[1], "the page", 20)
        await_decision(board)
    plan = board.edgehar("service install")
    assert "remove /etc/systemd/system/edgehar-dashboard.service" in plan
    assert board.ask(page)[0] != 0
    assert board.ask("systemctl cat edgehar-dashboard")[0] != 0


def test_samples_of_the_service_can_be_labelled(board: Container) -> None:
    out = "/var/lib/edgehar/mine.csv"
    label = f"{nspawn.PROGRAM} label walking --last 1m"
    folder = '[labels]\nfolder = "/var/lib/edgehar/labels"\n'
    with changed_settings(board, lambda text: text + folder):
        board.run("systemctl reload edgehar")
        wait_until(lambda: board.ask(label)[0] == 0, "samples to label", 30)
        assert "1: walking" in board.edgehar("label --list")
        assert "walking" in board.edgehar(f"label --export {out}")
        assert (board.root / out[1:]).stat().st_size > 1000
    board.run("systemctl reload edgehar")


def test_it_stops_cleanly(board: Container) -> None:
    board.run("systemctl stop edgehar")
    assert board.shown("Result") == "success"
    assert board.shown("ExecMainStatus") == "0"
    assert "stopped after" in board.log()
    with closing(sqlite3.connect(board.root / "var/lib/edgehar/decisions.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_invalid_settings_are_one_line_of_the_status(board: Container) -> None:
    with changed_settings(board, lambda text: text + "\n[mqtt]\nhost = 7\n"):
        assert board.ask("systemctl start edgehar")[0] != 0
        assert board.shown("ActiveState") == "failed"
        assert board.shown("NRestarts") == "0"
        (reason,) = re.findall(r'Status: "(.*)"', board.ask("systemctl status edgehar")[1])
        assert "/etc/edgehar.toml line" in reason
        assert "mqtt.host must be" in reason
        code, status = board.ask(f"{nspawn.PROGRAM} service status")
        assert code == 1
        assert reason in status
    board.run("systemctl start edgehar")


def test_uninstall_keeps_the_data_and_purge_nothing(board: Container, untouched: set[str]) -> None:
    assert "left: /etc/edgehar.toml, /var/lib/edgehar" in board.edgehar("service uninstall")
    assert board.ask("systemctl cat edgehar")[0] != 0
    assert board.ask("id edgehar")[0] != 0
    board.edgehar("service install")
    await_decision(board)
    board.edgehar("service uninstall --purge")
    assert board.files() - untouched == set()
    assert "there is nothing to do" in board.edgehar("service uninstall --purge")


def test_init_writes_settings_for_the_service(board: Container) -> None:
    output = board.edgehar("init", f"--source serial:{nspawn.PORT}", "--worn wrist --yes")
    assert f"written: /{SETTINGS}" in output
    assert "edgehar service install" in output
    board.edgehar("service install")
    await_decision(board)
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
def test_the_page_has_the_security_rating(more: str, rating: str, tmp_path: Path) -> None:
    needs("systemd")
    settings, service = tmp_path / "edgehar.toml", tmp_path / "edgehar.service"
    settings.write_text(more)
    board = unit.Board(sys.executable, 252, ("ttyUSB", "ttyACM"))
    service.write_text(unit.unit(load(settings), Path("/etc/edgehar.toml"), board))
    rate = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(service)]
    analysis = subprocess.run(rate, capture_output=True, text=True, check=True).stdout
    (level,) = re.findall(r"exposure level for edgehar.service: ([\d.]+)", analysis)
    assert float(level) <= 1.5
    assert re.search(rf"^\|.*\| {re.escape(rating)} \|$", PAGE.read_text(), re.MULTILINE)
    assert level == rating  # Debian 12's systemd
    subprocess.run(["systemd-analyze", "verify", str(service)], check=True)
