"""The adapter, seen by what QEMU and the guest's i2c-tiny-usb driver would send."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.simulator.bus import Bus
from firmware_bridge.simulator.chip import Chip
from tests.firmware_bridge.simulator.driving import counting, start, words
from tests.stand_ins.usb_i2c import UsbI2c

CONNECT, DISCONNECT, INTERFACES, ENDPOINTS, CONTROL = 1, 2, 4, 5, 100
QEMU_CAPABILITIES = 0xFE
GREETING = struct.pack("<III64sI", 0, 68, 0, b"qemu usb-redir guest 7.2", QEMU_CAPABILITIES)
ACK, NAK = b"\x01", b"\x02"


class Host:
    """QEMU, and the driver in its guest."""

    def __init__(self, path: Path, capabilities: int = QEMU_CAPABILITIES) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.socket.sendall(GREETING[:-4] + struct.pack("<I", capabilities))
        kind, length, _ = struct.unpack("<III", self.read(12))
        self.hello = self.read(length)
        assert kind == 0
        self.packet = 0

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self) -> tuple[int, int, bytes]:
        kind, length, packet = struct.unpack("<IIQ", self.read(16))
        return kind, packet, self.read(length)

    def send(self, kind: int, body: bytes) -> None:
        self.packet += 1
        self.socket.sendall(struct.pack("<IIQ", kind, len(body), self.packet) + body)

    def plugged(self) -> tuple[int, int]:
        """Wait for the device; return vendor and product."""
        assert [self.receive()[0] for _ in range(2)] == [ENDPOINTS, INTERFACES]
        kind, _, body = self.receive()
        assert kind == CONNECT
        _, device_class, _, _, vendor, product, _ = struct.unpack("<BBBBHHH", body)
        assert device_class == 0xFF
        return vendor, product

    def control(  # the fields of a setup packet
        self,
        request_type: int,
        request: int,
        value: int,
        index: int,
        length: int,
        data: bytes = b"",
    ) -> bytes | None:
        """Transfer; return what was read, None if it stalled."""
        head = struct.pack(
            "<BBBBHHH", request_type & 0x80, request, request_type, 0, value, index, length
        )
        self.send(CONTROL, head + data)
        kind, packet, body = self.receive()
        assert (kind, packet) == (CONTROL, self.packet)
        status, done = body[3], int.from_bytes(body[8:10], "little")
        if status:
            return None
        assert done == (len(body) - 10 if request_type & 0x80 else length)
        return body[10:]

    def transfer(self, address: int, *messages: bytes | int) -> tuple[bytes, list[bytes]]:
        """Do as the driver does: each message, and the status after it."""
        read, statuses = b"", []
        for number, message in enumerate(messages):
            request = 4 | (number == 0) | (number == len(messages) - 1) << 1
            if isinstance(message, int):
                got = self.control(0xC0, request, 1, address, message)
                assert got is not None
                assert len(got) == message
                read += got
            else:
                assert self.control(0x40, request, 0, address, len(message), message) == b""
            statuses.append(self.control(0xC0, 3, 0, 0, 1) or b"")
            if statuses[-1] == NAK:
                break
        return read, statuses


class Rig:
    def __init__(self, adapter: UsbI2c, path: Path) -> None:
        self.adapter = adapter
        self.bus = adapter.bus
        self.path = path
        self.open = contextlib.ExitStack()

    def host(self, capabilities: int = QEMU_CAPABILITIES) -> Host:
        host = Host(self.path, capabilities)
        self.open.enter_context(host.socket)
        return host


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Rig]:
    chips = {0x68: Chip(counting), 0x69: Chip(counting, who_am_i=0x71)}
    path = tmp_path / "usb"
    with UsbI2c(Bus(chips, lambda: 5_000_000), path) as adapter:
        rig = Rig(adapter, path)
        with rig.open:
            yield rig


def test_the_guest_sees_an_i2c_tiny_usb(served: Rig) -> None:
    host = served.host()
    assert int.from_bytes(host.hello[64:68], "little") & 0x72 == 0x72
    assert host.plugged() == (0x0403, 0xC631)
    device = host.control(0x80, 6, 0x100, 0, 64)
    assert device is not None
    assert len(device) == device[0] == 18
    assert struct.unpack_from("<HH", device, 8) == (0x0403, 0xC631)
    config = host.control(0x80, 6, 0x200, 0, 255)
    assert config is not None
    assert len(config) == int.from_bytes(config[2:4], "little")
    name = host.control(0x80, 6, 0x302, 0x409, 255)
    assert name is not None
    assert name[2:].decode("utf-16le") == "i2c-tiny-usb"
    assert host.control(0x80, 6, 0x100, 0, 8) == device[:8]
    assert host.control(0x80, 6, 0x600, 0, 10) is None
    host.send(6, b"\x01")
    assert host.receive()[2] == b"\x00\x01"
    functions = host.control(0xC0, 1, 0, 0, 4)
    assert functions is not None
    assert int.from_bytes(functions, "little") & 1
    assert host.control(0x40, 2, 10, 0, 0) == b""


def test_each_chip_answers_at_its_address_and_nobody_elsewhere(
    served: Rig,
) -> None:
    host = served.host()
    host.plugged()
    assert host.transfer(0x68, b"\x75", 1) == (b"\x68", [ACK, ACK])
    assert host.transfer(0x69, b"\x75", 1) == (b"\x71", [ACK, ACK])
    assert host.transfer(0x50, b"\x75", 1) == (b"", [NAK])
    assert host.transfer(0x50, 3) == (bytes(3), [NAK])
    assert served.bus.traffic.transfers == 4
    assert served.bus.traffic.failed == 2


def test_a_whole_fifo_comes_in_one_read(served: Rig) -> None:
    host = served.host()
    host.plugged()
    start(served.bus.chips[0x68])
    with served.adapter.lock:
        served.bus.clock_us = lambda: 5_000_000 + 85 * 5_000
    data, _ = host.transfer(0x68, b"\x74", 85 * 12)
    assert np.array_equal(words(data), np.repeat(np.arange(85), 6).reshape(85, 6))


def test_unplugged_the_guest_is_told_and_plugged_it_works_again(
    served: Rig,
) -> None:
    host = served.host()
    host.plugged()
    served.adapter.unplug()
    assert host.receive()[0] == DISCONNECT
    # What the guest still asks of a device that is gone stays without an answer.
    host.send(CONTROL, struct.pack("<BBBBHHH", 0x80, 3, 0xC0, 0, 0, 0, 1))
    host.send(6, b"\x01")
    assert host.receive()[:2] == (8, host.packet)
    served.adapter.plug()
    host.plugged()
    assert host.transfer(0x68, b"\x75", 1)[0] == b"\x68"


def test_unplugged_before_the_guest_starts_it_comes_when_it_is_plugged(
    served: Rig,
) -> None:
    served.adapter.unplug()
    host = served.host()
    served.adapter.plug()
    host.plugged()


def test_faults_reach_the_guest(served: Rig) -> None:
    host = served.host()
    host.plugged()
    served.adapter.bus.nack_share = 1.0
    assert host.transfer(0x68, b"\x75", 1) == (b"", [NAK])
    served.adapter.bus.nack_share = 0.0
    assert host.transfer(0x68, b"\x6b\x01")[1] == [ACK]
    served.adapter.brown_out()
    assert host.transfer(0x68, b"\x6b", 1)[0] == b"\x40"
    served.adapter.bus.fault_errno = 5
    assert host.control(0x40, 7, 0, 0x68, 1, b"\x75") is None


def test_a_guest_that_restarts_is_served_again(served: Rig) -> None:
    for _ in range(3):
        host = served.host()
        host.plugged()
        assert host.transfer(0x68, b"\x75", 1)[0] == b"\x68"
        host.socket.close()


def test_a_packet_longer_than_any_is_turned_away_with_the_reason(
    served: Rig,
) -> None:
    host = served.host()
    host.plugged()
    host.socket.sendall(struct.pack("<IIQ", CONTROL, 1 << 31, 1))
    with pytest.raises(EOFError):
        host.read(1)
    assert "2147483648 bytes" in (served.adapter.problem or "")


def test_a_peer_without_the_capabilities_is_turned_away_with_the_reason(
    served: Rig,
) -> None:
    host = served.host(capabilities=0x02)
    with pytest.raises(EOFError):
        host.read(1)
    assert "capabilities 0x2" in (served.adapter.problem or "")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=200), greet=st.booleans())
def test_whatever_a_peer_sends_the_next_one_is_served(
    served: Rig, garbage: bytes, greet: bool
) -> None:
    # A peer that sends in the middle of an answer to it may see its own end closed.
    with socket.socket(socket.AF_UNIX) as peer, contextlib.suppress(OSError):
        peer.connect(str(served.path))
        peer.sendall(GREETING * greet + garbage)
    host = served.host()
    host.plugged()
    assert host.transfer(0x68, b"\x75", 1) == (b"\x68", [ACK, ACK])
    host.socket.close()


def test_the_command_plays_a_recording_and_obeys_its_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "still.csv"
    head = "t_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rad_s,gyro_y_rad_s,gyro_z_rad_s\n"
    file.write_text(head + "0,0.5,0,0,0,0,0\n0.02,0.25,0,0,0,0,0\n")
    path = tmp_path / "usb"
    with subprocess.Popen(
        [*command(), str(path), "--recording", str(file), "--who-am-i", "0x70"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        host = patient(path)
        host.plugged()
        assert host.transfer(0x68, b"\x75", 1)[0] == b"\x70"
        assert process.stdin is not None
        process.stdin.write("nonsense\nnacks x\nunplug\nplug\nnacks 1\n")
        process.stdin.flush()
        assert host.receive()[0] == DISCONNECT
        host.plugged()
        while host.transfer(0x68, b"\x75", 1)[1] != [NAK]:
            pass
        process.stdin.close()
        assert process.wait(timeout=30) == 0
        host.socket.close()
        assert process.stderr is not None
        assert process.stderr.read() == "no such fault: nonsense\nno such fault: nacks x\n"
    assert not path.exists()


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    done = subprocess.run(
        [*command(), str(tmp_path / "usb"), "--recording", str(tmp_path / "none.csv")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path / 'none.csv'}: no such file\n"


def command() -> list[str]:
    return [sys.executable, "-m", "tests.stand_ins.usb_i2c"]


def patient(path: Path) -> Host:
    for _ in range(300):
        if os.path.exists(path):  # noqa: PTH110 - a socket
            with contextlib.suppress(ConnectionRefusedError):
                return Host(path)
        time.sleep(0.05)
    raise AssertionError("no adapter")
