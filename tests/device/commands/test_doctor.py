"""`edgehar doctor`, mostly on faults."""

import json
import os
import resource
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from device.calibration import file
from device.cli import PROGRAM
from device.commands import doctor
from device.config import paths
from device.doctor import board, ports
from device.doctor.finding import Finding
from device.doctor.holders import holders
from tests.device.commands import edgehar, playing, settings_file, written
from tests.device.still_life import handled
from tests.device.terminal import Terminal
from tests.waiting import wait_for

Findings = dict[str, dict[str, str]]


def examined(*options: str | Path, code: int, **how: Any) -> Findings:
    """Run the doctor; return the findings by name. Checks exit code and advice."""
    done = edgehar("doctor", "--json", *options, **how)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    page = json.loads(done.stdout)
    assert page["exit"] == code
    assert (code == 1) == any(found["level"] == "fail" for found in page["findings"])
    assert all(found["advice"] for found in page["findings"] if found["level"] in {"fail", "warn"})
    return {found["name"]: found for found in page["findings"]}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("good") / "good.csv", handled())


def test_a_good_sensor_on_a_line_passes(good: Path, tmp_path: Path) -> None:
    port = tmp_path / "port"
    with playing(good, port, "--speed", "4"):
        found = examined("--source", f"serial:{port}", "--seconds", "4.5", code=0)
    assert found["port"]["level"] == "ok"
    assert "edgehar play, chip 0x68, 4 g, 500 deg/s, 50 Hz" in found["identity"]["text"]
    for name in ("rate", "jitter", "lost", "line", "gravity", "noise", "gyro at rest", "model"):
        assert found[name]["level"] == "ok", found[name]
    assert found["gyro and acc agree"]["level"] == "ok"
    assert found["which way is down"]["text"].startswith("-z")


def test_a_bad_line_is_seen(good: Path, tmp_path: Path) -> None:
    port = tmp_path / "port"
    with playing(good, port, "--speed", "4", "--fault", "flip:20%", "--fault", "reboot@6s"):
        found = examined("--source", f"serial:{port}", "--seconds", "3", code=1)
    assert found["lost"]["level"] == "fail"
    assert "damaged" in found["line"]["text"]
    assert found["reboots"]["level"] == "warn"


@pytest.mark.parametrize(
    ("source", "text", "advice"),
    [
        ("serial:none", "none: not there", "plug it in"),
        *((f"serial:{name}", "not a serial port", "") for name in ("file", ".", "/dev/null")),
        ("i2c:417:0x69", "/dev/i2c-417: not there", "raspi-config"),
    ],
)
def test_a_missing_port_or_bus_is_reported_at_once(
    tmp_path: Path, source: str, text: str, advice: str
) -> None:
    (tmp_path / "file").write_text("x")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    found = examined("--source", source, code=1, cwd=tmp_path, env=environment)
    finding = found["bus" if "i2c" in source else "port"]
    assert text in finding["text"]
    assert advice in finding["advice"]
    assert "rate" not in found


def test_programs_that_have_a_device_open_are_named(tmp_path: Path) -> None:
    zero = Path("/dev/zero")
    (tmp_path / "edgehar").symlink_to("/bin/sleep")
    for program, alone in (("sleep", False), (str(tmp_path / "edgehar"), True)):
        with zero.open("rb") as file, subprocess.Popen([program, "30"], stdin=file) as holder:
            who = f"{Path(program).name} ({holder.pid})"
            wait_for_exec(holder.pid)
            assert who in holders(zero.stat(), any_program=True)
            assert (who in holders(zero.stat(), any_program=False)) == alone
            holder.kill()


def wait_for_exec(pid: int) -> None:
    """Wait until the process runs its program."""
    started = {"sleep\n", "edgehar\n"}
    wait_for(lambda: Path(f"/proc/{pid}/comm").read_text() in started, "the program")


@pytest.mark.slow
def test_a_line_with_something_else_on_it(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(["sh", "-c", "while sleep 0.1; do echo $GPGGA,1,2; done"], stdout=ours,
                          start_new_session=True) as chatter:  # fmt: skip
        found = examined("--source", f"serial:{os.ttyname(theirs)}", "--seconds", "2", code=1)
        os.killpg(chatter.pid, signal.SIGKILL)
    os.close(ours)
    os.close(theirs)
    assert "no edgehar frame" in found["samples"]["advice"]
    assert tmp_path.exists()


def test_everything_broken_gives_a_complete_page(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("not a database at all, but text")
    (tmp_path / "cal.json").write_text("{}")
    config = settings_file(
        tmp_path,
        f"""
model = "{tmp_path}/none.tflite"
[source]
uri = "serial:{tmp_path}/port"
[sinks]
sqlite = "{tmp_path}/other.db"
[calibration]
file = "{tmp_path}/cal.json"
[state]
file = "{tmp_path}/none/state.json"
""",
    )
    found = examined("--config", config, code=1)
    for name in ("model", "sqlite", "calibration", "state folder", "port"):
        assert found[name]["level"] == "fail", found[name]
    assert found["sqlite folder"]["level"] == "ok"
    assert found["service"]["level"] in {"skipped", "ok"}


def test_the_sensor_is_checked_with_its_calibration(tmp_path: Path) -> None:
    off = written(tmp_path / "off.csv", replace(handled(), acc_g=handled().acc_g * 1.1))
    calibration = tmp_path / "cal.json"
    axes = ((0.0, 0.0, 0.0), (1.1, 1.1, 1.1), (0.0, 0.0, 0.0))
    file.write(calibration, file.CalibrationFile(1, "a", "b", None, *axes, {}))
    config = settings_file(tmp_path, f'[calibration]\nfile = "{calibration}"\n')
    assert examined("--source", f"recording:{off}", code=0)["gravity"]["level"] == "warn"
    found = examined("--source", f"recording:{off}", "--config", config, code=0)
    assert found["gravity"]["level"] == "ok"
    assert found["calibration"]["level"] == "ok"


def test_a_terminal_shows_instructions(good: Path, tmp_path: Path) -> None:
    port = tmp_path / "port"
    command = ("doctor", "--source", f"serial:{port}", "--seconds", "2")
    with playing(good, port), Terminal(PROGRAM[-1], *command, env={}) as terminal:
        assert terminal.ends() == 0
    assert "| leave it lying still" in terminal.seen
    assert "| turn it slowly in all directions" in terminal.seen
    assert "\x1b[32mok" in terminal.raw


def test_a_board_without_a_sensor_gets_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "SETTINGS", tmp_path / "none.toml")
    monkeypatch.setattr(ports, "serial_ports", tuple)
    monkeypatch.setattr(ports, "i2c_buses", tuple)
    done = CliRunner().invoke(doctor.command, [])
    assert done.exit_code == 1
    assert "sensor: none found" in done.output
    assert "-> plug it in, or name it: --source" in done.output


def test_an_exception_in_a_check_is_a_finding(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(board, "model", broken)
    done = CliRunner().invoke(doctor.command, ["--source", f"recording:{good}"])
    assert done.exit_code == 1
    assert "ZeroDivisionError: on purpose" in done.output
    assert "gyro and acc agree" in done.output


def test_a_port_in_use_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Finding("warn", ports.IN_USE, "/dev/ttyUSB0 is open in edgehar (7)", "stop it")
    monkeypatch.setattr(ports, "serial_port", lambda _: [taken])
    done = CliRunner().invoke(doctor.command, ["--source", "serial:/dev/ttyUSB0"])
    assert done.exit_code == 0
    assert "open in edgehar (7)" in done.output
    assert "samples" not in done.output


def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path, good: Path) -> None:
    config = settings_file(tmp_path, "[source]\nurl = 'x'\n")
    found = examined("--config", config, "--source", f"recording:{good}", code=1)
    assert "unknown key source.url" in found["settings"]["text"]
    assert found["rate"]["level"] == "ok"


def test_a_full_disk_is_a_finding(good: Path, tmp_path: Path) -> None:
    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    where = {"cwd": tmp_path, "preexec_fn": full}
    found = examined("--source", f"recording:{good}", code=1, **where)
    assert found["this folder"]["level"] == "fail"
    assert list(tmp_path.iterdir()) == []


def test_the_page_fits_a_terminal(good: Path) -> None:
    done = edgehar("doctor", "--source", f"recording:{good}")
    lines = done.stdout.splitlines()
    assert lines[0] == "board"
    assert f"recording:{good}" in lines
    assert lines[-1].endswith(" skipped")
    assert max(map(len, lines)) < 160
    assert done.stderr == ""
