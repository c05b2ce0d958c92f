"""`edgehar init` at a terminal, with stand-ins for sensors."""

import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from device.cli import PROGRAM
from device.config.load import load
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import still
from firmware_bridge.simulator.registers import WHO_AM_I
from firmware_bridge.simulator.shim import I2cShim
from firmware_bridge.simulator.wearer import Wearer
from tests.device.commands import Call, edgehar, playing, written
from tests.device.still_life import handled
from tests.device.terminal import Terminal

SPEED = 5
PACE = ("--speed", f"{SPEED}")


def told(*ports: Path, buses: tuple[int, ...] = (), patience_s: float = 10.0) -> str:
    """Return Python code that runs edgehar as on a board with these ports and buses."""
    return (
        "from device.doctor import ports, search; from device.commands import doctor;"
        f" ports.serial_ports = lambda: {tuple(map(str, ports))!r};"
        f" ports.i2c_buses = lambda: {buses!r};"
        f" doctor.LISTEN_S = {20 / SPEED}; search.PATIENCE_S = {patience_s};"
        " from device.cli import main; main()"
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def at_terminal(code: str, home: Path, *options: str, **env: str) -> Terminal:
    where = {"HOME": str(home), "XDG_DATA_HOME": "", "TERM": "xterm-256color", **env}
    return Terminal(code, "init", "--config", settings_of(home), *options, env=where)


def settings_of(home: Path) -> Path:
    return home / ".config" / "edgehar" / "edgehar.toml"


def day(path: Path, *, gyro: float = 1.0) -> Path:
    """Write a recording: at rest, turned by hand, then worn on a walking wearer's belt."""
    hand, (worn, _) = handled(14, 14), Wearer(seed=1).samples([("walking", 200.0)])
    t_s = np.arange(len(hand) + len(worn)) / 50
    gyro_rad_s = gyro * np.concatenate([hand.gyro_rad_s, worn.gyro_rad_s])
    return written(path, Samples(t_s, np.concatenate([hand.acc_g, worn.acc_g]), gyro_rad_s))


@pytest.mark.slow
def test_setup_from_search_to_live_view(tmp_path: Path, home: Path) -> None:
    port, settings = tmp_path / "wrist", settings_of(home)
    with playing(day(tmp_path / "day.csv"), port, *PACE), at_terminal(told(port), home) as terminal:
        terminal.until(f"serial:{port}\n     edgehar's firmware, 50 Hz\n")
        terminal.until("The only usable sensor: serial:")
        terminal.until("Press Enter when it lies still")
        terminal.enter("\n")
        terminal.until("turn it slowly")
        terminal.until(" 0 fail")
        terminal.until("Where is the sensor worn [1]: ")
        terminal.enter("2\n")
        terminal.until(f'uri = "serial:{port}"')
        terminal.until("Write this file [Y/n]: ")
        assert list(home.iterdir()) == []
        terminal.enter("\n")
        terminal.until("written: ")
        terminal.until("walking 9")
        terminal.until("samples came")
        terminal.interrupt()
        terminal.until(f"edgehar run --config {settings}")
        assert terminal.ends() == 0
    config = load(settings)
    assert config.source is not None
    assert (config.source.path, config.model) == (str(port), "waist")
    assert config.sqlite is not None
    assert config.sqlite.parent == home / ".local" / "share" / "edgehar"
    assert config.sqlite.parent.stat().st_mode & 0o777 == 0o700
    assert list(settings.parent.iterdir()) == [settings]


@pytest.mark.slow
def test_a_failed_check_stops_setup_unless_the_user_insists(tmp_path: Path, home: Path) -> None:
    port, settings = tmp_path / "wrist", settings_of(home)
    settings.parent.mkdir(parents=True)
    settings.write_text("# an earlier one\n")
    mirrored = day(tmp_path / "day.csv", gyro=-1.0)
    options = ("--source", f"serial:{port}", "--worn", "wrist")
    for insists in (False, True):
        with playing(mirrored, port, *PACE), at_terminal(told(port), home, *options) as terminal:
            terminal.until("Press Enter")
            terminal.enter("\n")
            terminal.until("wrong way about all three axes")
            terminal.until("Continue in spite of that [y/N]: ")
            terminal.enter("y\n" if insists else "\n")
            if insists:
                terminal.until("its content will be kept in")
                terminal.until("Replace it [y/N]: ")
                terminal.enter("y\n")
                terminal.until("walk for half a minute")
                terminal.until("samples came")
                terminal.interrupt()
            assert terminal.ends() == (0 if insists else 1)
        if not insists:
            assert "setup stopped" in terminal.seen
            assert settings.read_text() == "# an earlier one\n"
    assert load(settings).model is None
    assert settings.with_name("edgehar.toml.old").read_text() == "# an earlier one\n"


@pytest.fixture
def silent() -> Iterator[tuple[int, str]]:
    """A device that sends nothing: our end, and the path of its port."""
    ours, theirs = pty.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_without_a_sensor_it_gives_advice(home: Path, silent: tuple[int, str]) -> None:
    _, port = silent
    with at_terminal(told(Path(port), patience_s=1.0), home) as terminal:
        terminal.until(f"serial:{port}\n     no edgehar firmware answers")
        terminal.until(f"--source 'serial:{port}?baud=57600'")
        terminal.until("sudo usermod -aG dialout,i2c $USER")
        terminal.until("See the demo meanwhile?")
        terminal.enter("n\n")
        assert terminal.ends() == 1
    assert terminal.seen.splitlines()[-1].startswith("edgehar: no sensor was found")
    assert list(home.iterdir()) == []


def test_ctrl_c_does_not_wait_for_silent_ports(home: Path, silent: tuple[int, str]) -> None:
    ours, port = silent
    with at_terminal(told(Path(port), patience_s=600.0), home) as terminal:
        terminal.until("Searching")
        os.read(ours, 1)  # the request for a hello
        terminal.interrupt()
        assert terminal.ends() == 130
    assert "Traceback" not in terminal.seen


@pytest.mark.slow
def test_without_a_sensor_it_offers_the_demo(home: Path) -> None:
    faster = "from device.commands import demo; demo.SPEED = 200; " + told()
    with at_terminal(faster, home) as terminal:
        terminal.until("See the demo meanwhile?")
        terminal.enter("\n")
        terminal.until("the synthetic wearer was")
        assert terminal.ends() == 1


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("recorded") / "still.csv", handled(60, 1))


@pytest.mark.slow
def test_several_sensors_give_a_choice_and_ctrl_c_leaves_no_file(
    recorded: Path, tmp_path: Path, home: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with (
        playing(recorded, one),
        playing(recorded, other),
        at_terminal(told(one, other), home) as terminal,
    ):
        terminal.until(f"  1  serial:{one}\n")
        terminal.until(f"  2  serial:{other}\n")
        terminal.until("Which sensor [1]: ")
        terminal.enter("3\n")
        terminal.until("not in the range")
        terminal.enter("2\n")
        terminal.until("Press Enter when it lies still")
        terminal.enter("\n")
        terminal.until(f"serial:{other}\n  ok      port: ")
        terminal.until("leave it lying still")
        terminal.interrupt()
        assert terminal.ends() == 130
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_a_script_must_name_one_of_several_sensors(recorded: Path, tmp_path: Path) -> None:
    ports, out = (tmp_path / "one", tmp_path / "other"), tmp_path / "edgehar.toml"
    command = [PROGRAM[0], "-c", told(*ports), "init", "--yes", "--config", str(out)]
    with playing(recorded, ports[0]), playing(recorded, ports[1]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"give --source serial:{ports[0]} or serial:{ports[1]}" in done.stderr
    assert not out.exists()


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (Debian packages gcc, libc6-dev)")
def test_a_chip_is_found_and_another_chip_is_not_changed(home: Path) -> None:
    now = monotonic_us()
    chips = {address: Chip(still, now_us=now) for address in (0x68, 0x69)}
    chips[0x68]._settings.file[WHO_AM_I] = 0x39
    before = [bytes(chip._settings.file) for chip in chips.values()]
    with (
        I2cShim(Bus(chips)) as shim,
        at_terminal(told(buses=(1, 7)), home, **shim.environment) as terminal,
    ):
        terminal.until("i2c:7\n     /dev/i2c-7: not there")
        terminal.until("The only usable sensor: i2c:1:0x69")
        terminal.until("Press Enter")
        terminal.interrupt()
        assert terminal.ends() == 130
        # Only register numbers were written: the chips still sleep.
        assert [bytes(chip._settings.file) for chip in chips.values()] == before
    assert "0x68" not in terminal.seen
    assert "i2c:1:0x69\n     MPU-6050\n" in terminal.seen


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no terminal for questions; give --source, --worn and --yes"),
        (["--source", "recording:walk.csv", "--yes"], "a recording is not a sensor"),
        (["--worn", "ankle", "--yes"], "'ankle' is not one of"),
        (["--source", "i2c:417", "--yes", "--config", "/etc/passwd"], "exists already"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_2(options: list[str], words: str, call: Call) -> None:
    code, out, err = call("init", *options)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_script_without_a_sensor_gets_exit_code_1(tmp_path: Path) -> None:
    out = tmp_path / "edgehar.toml"
    done = edgehar("init", "--source", f"serial:{tmp_path}/port", "--yes", "--config", out)
    assert done.returncode == 1
    assert "port: not there" in " ".join(done.stdout.split()).replace(f" {tmp_path}/port:", "")
    assert "the doctor found a fault" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_script_sets_a_sensor_up(tmp_path: Path, home: Path) -> None:
    port, out = tmp_path / "wrist", tmp_path / "edgehar.toml"
    command = [PROGRAM[0], "-c", told(port), "init", "--yes", "--config", str(out)]
    env = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    with playing(day(tmp_path / "day.csv"), port, *PACE):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert load(out).sqlite == home / "data" / "edgehar" / "decisions.db"
