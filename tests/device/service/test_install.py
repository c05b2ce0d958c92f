import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.config.load import load
from device.daemon.systemd_notify import Notifier
from device.decision.decision import Decision
from device.service import install_steps, installation, stable_port, state, unit
from firmware_bridge.errors import InputError
from tests.device.commands import Call, edgehar, settings_file

CH340 = {"ID_BUS": "usb", "ID_VENDOR_ID": "1a86", "ID_MODEL_ID": "7523",
         "ID_PATH": "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0"}  # fmt: skip
CP2102 = {**CH340, "ID_VENDOR_ID": "10c4", "ID_MODEL_ID": "ea60", "ID_SERIAL_SHORT": "0001"}


def made(folder: Path, text: str, systemd: int = 252) -> list[str]:
    settings = settings_file(folder, text)
    board = unit.Board("/opt/edgehar/bin/edgehar", systemd, ("ttyUSB", "ttyACM"))
    return unit.unit(load(settings), Path("/etc/edgehar.toml"), board).splitlines()


def test_an_adapter_is_recognised_by_its_serial_number() -> None:
    found = stable_port.choose("/dev/ttyUSB0", CP2102)
    assert found.path == "/dev/edgehar-wrist"
    assert found.rule == (
        'SUBSYSTEM=="tty", ENV{ID_VENDOR_ID}=="10c4", ENV{ID_MODEL_ID}=="ea60", '
        'ENV{ID_SERIAL_SHORT}=="0001", SYMLINK+="edgehar-wrist"'
    )
    assert stable_port.earlier_rule(f"# rules\n{found.rule}\n") == found.rule


def test_an_adapter_without_serial_number_is_recognised_by_its_socket() -> None:
    rule = stable_port.choose("/dev/ttyUSB3", CH340).rule
    assert rule is not None
    assert f'ENV{{ID_PATH}}=="{CH340["ID_PATH"]}"' in rule
    assert "SERIAL" not in rule


@given(st.text().filter(lambda text: not text.isalnum()))
def test_an_adapters_serial_number_cannot_inject_rules(serial: str) -> None:
    rule = stable_port.choose("/dev/ttyUSB0", {**CP2102, "ID_SERIAL_SHORT": serial}).rule
    assert rule is not None
    assert rule.count('"') == 2 * rule.count("=")  - 2 * rule.count("==")  # fmt: skip
    assert "\n" not in rule


def test_a_port_of_the_board_itself_keeps_its_name() -> None:
    assert stable_port.choose("/dev/ttyAMA0", {"DEVNAME": "/dev/ttyAMA0"}).rule is None
    with pytest.raises(InputError, match="plug the sensor in"):
        stable_port.choose("/dev/ttyUSB0", {})


def test_the_device_class_is_found_by_major_number() -> None:
    controller, line = os.openpty()
    name, major = os.ttyname(line), os.fstat(line).st_rdev >> 8 & 0xFFF
    devices = f"Character devices:\n  4 tty\n{major:3} pts\n188 ttyUSB\n\nBlock devices:\n 8 sd\n"
    assert stable_port.kinds(name, devices) == ["ttyUSB", "ttyACM", "pts"]
    os.close(controller)
    os.close(line)
    assert stable_port.kinds("/dev/not-there", devices) == ["ttyUSB", "ttyACM"]


def test_the_unit_allows_only_the_sensor(tmp_path: Path) -> None:
    serial = made(tmp_path, '[source]\nuri = "serial:/dev/edgehar-wrist"\n')
    assert [line for line in serial if line.startswith("Device")] == [
        "DevicePolicy=closed", "DeviceAllow=char-ttyUSB rw", "DeviceAllow=char-ttyACM rw",
    ]  # fmt: skip
    i2c = made(tmp_path, '[source]\nuri = "i2c:1"\n')
    assert [line for line in i2c if line.startswith("DeviceA")] == ["DeviceAllow=char-i2c rw"]


@pytest.mark.parametrize(
    ("settings", "private", "denied"),
    [
        ("", True, True),
        ('[metrics]\nlisten = "9464"', False, True),
        ('[metrics]\nlisten = "[::1]:9464"', False, True),
        ('[metrics]\nlisten = "0.0.0.0:9464"', False, False),
        ('[metrics]\nfile = "/var/lib/edgehar/edgehar.prom"', True, True),
        ('[mqtt]\nhost = "broker"', False, False),
    ],
)
def test_the_network_is_allowed_only_if_used(
    settings: str, private: bool, denied: bool, tmp_path: Path
) -> None:
    lines = made(tmp_path, settings)
    assert ("PrivateNetwork=yes" in lines) is private
    assert ("IPAddressDeny=any" in lines) is denied
    assert any("AF_INET" in line for line in lines) is not private


def test_a_newer_systemd_waits_for_a_reload_and_longer_after_each_failure(tmp_path: Path) -> None:
    old, new = made(tmp_path, "", 252), made(tmp_path, "", 257)
    assert {"Type=notify", "ExecReload=/bin/kill -HUP $MAINPID"} <= set(old)
    assert {"Type=notify-reload", "RestartSteps=5"} <= set(new)
    assert not any("ExecReload" in line for line in new)
    assert not any("RestartSteps" in line for line in old)


def test_folders_elsewhere_are_writable(tmp_path: Path) -> None:
    lines = made(tmp_path, '[sinks]\nsqlite = "/data/har/decisions.db"\n')
    assert "ReadWritePaths=-/data/har" in lines
    lines = made(tmp_path, '[labels]\nfolder = "/data/labels"\n')
    assert "ReadWritePaths=-/data/labels" in lines
    for bad in ("/home/pi/d.db", "d.db", "/data/my files/d.db"):
        with pytest.raises(InputError):
            made(tmp_path, f'[sinks]\nsqlite = "{bad}"\n')


def test_hidden_and_unreadable_files_are_found(tmp_path: Path) -> None:
    assert installation.hidden(Path("/root/.venv/bin/python"))
    assert not installation.hidden(Path("/opt/edgehar/bin/python"))
    assert not installation.hidden(Path("/homes/edgehar"))
    file = tmp_path / "file"
    file.write_text("")
    file.chmod(0o600)
    assert not installation.readable(file)
    assert installation.readable(Path("/usr/bin/env"))


def test_a_step_is_described_before_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    step = install_steps.file(path, "text")
    assert (step.words, path.exists()) == (f"write {path}", False)
    step.do()
    assert path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o644
    assert install_steps.file(path, "text").words == f"leave {path}"


def test_the_state_in_words() -> None:
    running = {
        "LoadState": "loaded", "ActiveState": "active", "SubState": "running",
        "StateChangeTimestamp": "Sat 2026-11-21 04:23:38 UTC", "UnitFileState": "enabled",
        "StatusText": "walking, 97 % sure; since 2026-11-21T04:25:01.020Z", "NRestarts": "3",
    }  # fmt: skip
    assert state.in_words(running, 2) == [
        "state: active (running) since Sat 2026-11-21 04:23:38 UTC",
        "status: walking, 97 % sure; since 2026-11-21T04:25:01.020Z",
        "at boot: starts",
        "restarts: 3 since it was started; killed by the watchdog in this boot: 2",
    ]
    failed = {**running, "ActiveState": "failed", "SubState": "failed", "ExecMainStatus": "2"}
    assert "bad settings" in state.in_words(failed, 0)[-1]
    assert "not installed" in state.in_words({"LoadState": "not-found"}, 0)[0]


@pytest.mark.parametrize("address", ["@edgehar-test", "path"])
def test_a_decision_feeds_the_watchdog_and_a_change_the_status(
    address: str, tmp_path: Path
) -> None:
    name = address if address.startswith("@") else str(tmp_path / address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if name.startswith("@") else name)
        notifier = Notifier(name)
        sure = Decision(0.0, 2.56, "2026-01-01T00:00:00Z", "ok", "walking", None, 0.97, {}, 0, "m")
        notifier.write(sure)
        notifier.write(sure)
        notifier.failed("two\nlines")
        heard = [systemd.recv(1000).decode() for _ in range(4)]
    assert heard == [
        "WATCHDOG=1",
        "STATUS=walking, 97 % sure; since 2026-01-01T00:00:00Z",
        "WATCHDOG=1",
        "STATUS=two lines",
    ]


def test_a_missing_notify_socket_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    assert Notifier.from_environment() is None
    Notifier(str(tmp_path / "gone")).ready("here")


def test_without_settings_it_needs_a_source(call: Call, tmp_path: Path) -> None:
    code, _, err = call("service", "install", "--dry-run", "--config", tmp_path / "none.toml")
    assert code == 2
    assert "give --source" in err
    assert err.count("\n") == 1


def test_purge_removes_only_the_settings_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "edgehar").mkdir()
    settings = tmp_path / "edgehar.toml"
    settings.write_text("")
    words = [step.words for step in install_steps.uninstall(settings, purge=True)]
    assert f"remove {settings}" in words
    assert not any(str(tmp_path / "edgehar") == word.split()[-1] for word in words)


def test_a_dry_run_shows_steps_and_problems(tmp_path: Path) -> None:
    # The port does not exist, and the environment is hidden from services.
    done = edgehar(
        "service", "install", "--source", "serial:/dev/ttyUSB77", "--dry-run",
        "--config", tmp_path / "none.toml",
    )  # fmt: skip
    assert done.returncode == 0
    assert "write /etc/systemd/system/edgehar.service" in done.stdout
    assert "this step would fail: /dev/ttyUSB77: udev does not know it" in done.stderr
    assert not (tmp_path / "none.toml").exists()
