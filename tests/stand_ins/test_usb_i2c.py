"""The USB adapter, driven by the messages of QEMU and of the guest's i2c-tiny-usb driver."""

import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.recording import HEADER
from firmware_bridge.simulator.bus import Bus
from firmware_bridge.simulator.chip import Chip
from tests.firmware_bridge.simulator.driving import counting, start, words
from tests.stand_ins.usb_i2c import UsbI2c
from tests.waiting import wait_for

CONNECT, DISCONNECT, INTERFACES, ENDPOINTS, CONTROL = 1, 2, 4, 5, 100
QEMU_CAPABILITIES = 0xFE
GREETING = struct.pack("<III64sI", 0, 68, 0, b"qemu usb-redir guest 7.2", QEMU_CAPABILITIES)
ACK, NAK = b"\x01", b"\x02"
COMMAND = (sys.executable, "-m", "tests.stand_ins.usb_i2c")


class Host:
    """QEMU and the driver in its guest."""

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
        """Wait for the device to be plugged in; return vendor and product."""
        assert [self.receive()[0] for _ in range(2)] == [ENDPOINTS, INTERFACES]
        kind, _, body = self.receive()
        assert kind == CONNECT
        _, device_class, _, _, vendor, product, _ = struct.unpack("<BBBBHHH", body)
        assert device_class == 0xFF
        return vendor, product

    def control(
        self, request_type: int, request: int, *setup: int, data: bytes = b""
    ) -> bytes | None:
        """Transfer (setup: value, index, length); return the bytes read, None if stalled."""
        length = setup[2]
        head = struct.pack("<BBBBHHH", request_type & 0x80, request, request_type, 0, *setup)
        self.send(CONTROL, head + data)
        kind, packet, body = self.receive()
        assert (kind, packet) == (CONTROL, self.packet)
        status, done = body[3], int.from_bytes(body[8:10], "little")
        if status:
            return None
        assert done == (len(body) - 10 if request_type & 0x80 else length)
        return body[10:]

    def transfer(self, address: int, *messages: bytes | int) -> tuple[bytes, list[bytes]]:
        """Send messages as the driver does, with the status after each; return data, statuses."""
        read, statuses = b"", []
        for number, message in enumerate(messages):
            request = 4 | (number == 0) | (number == len(messages) - 1) << 1
            if isinstance(message, int):
                data = self.control(0xC0, request, 1, address, message) or b""
                assert len(data) == message
                read += data
            else:
                assert self.control(0x40, request, 0, address, len(message), data=message) == b""
            statuses.append(self.control(0xC0, 3, 0, 0, 1) or b"")
            if statuses[-1] == NAK:
                break
        return read, statuses


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[UsbI2c]:
    chips = {0x68: Chip(counting), 0x69: Chip(counting, who_am_i=0x71)}
    with UsbI2c(Bus(chips, lambda: 5_000_000), tmp_path / "usb") as served:
        yield served


@pytest.fixture
def connect(adapter: UsbI2c, tmp_path: Path) -> Iterator[Callable[..., Host]]:  # noqa: ARG001
    with contextlib.ExitStack() as stack:

        def connected(capabilities: int = QEMU_CAPABILITIES) -> Host:
            host = Host(tmp_path / "usb", capabilities)
            stack.enter_context(host.socket)
            return host

        yield connected


@pytest.fixture
def host(connect: Callable[..., Host]) -> Host:
    """A guest with the adapter plugged in."""
    guest = connect()
    assert guest.plugged() == (0x0403, 0xC631)
    return guest


def test_the_guest_sees_an_i2c_tiny_usb(host: Host) -> None:
    assert int.from_bytes(host.hello[64:68], "little") & 0x72 == 0x72
    device = host.control(0x80, 6, 0x100, 0, 64) or b""
    assert len(device) == device[0] == 18
    assert struct.unpack_from("<HH", device, 8) == (0x0403, 0xC631)
    config = host.control(0x80, 6, 0x200, 0, 255) or b""
    assert len(config) == int.from_bytes(config[2:4], "little") > 0
    name = host.control(0x80, 6, 0x302, 0x409, 255) or b""
    assert name[2:].decode("utf-16le") == "i2c-tiny-usb"
    assert host.control(0x80, 6, 0x100, 0, 8) == device[:8]
    assert host.control(0x80, 6, 0x600, 0, 10) is None
    host.send(6, b"\x01")
    assert host.receive()[2] == b"\x00\x01"
    functions = host.control(0xC0, 1, 0, 0, 4) or b""
    assert int.from_bytes(functions, "little") & 1
    assert host.control(0x40, 2, 10, 0, 0) == b""


def test_each_chip_answers_at_its_address_only(host: Host, adapter: UsbI2c) -> None:
    assert host.transfer(0x68, b"\x75", 1) == (b"\x68", [ACK, ACK])
    assert host.transfer(0x69, b"\x75", 1) == (b"\x71", [ACK, ACK])
    assert host.transfer(0x50, b"\x75", 1) == (b"", [NAK])
    assert host.transfer(0x50, 3) == (bytes(3), [NAK])
    assert (adapter.bus.traffic.transfers, adapter.bus.traffic.failed) == (4, 2)


def test_one_read_returns_a_whole_fifo(host: Host, adapter: UsbI2c) -> None:
    start(adapter.bus.chips[0x68])
    with adapter.lock:
        adapter.bus.clock_us = lambda: 5_000_000 + 85 * 5_000
    data, _ = host.transfer(0x68, b"\x74", 85 * 12)
    assert np.array_equal(words(data), np.repeat(np.arange(85), 6).reshape(85, 6))


def test_an_adapter_can_be_unplugged_and_plugged_in(
    host: Host, adapter: UsbI2c, connect: Callable[..., Host]
) -> None:
    adapter.unplug()
    assert host.receive()[0] == DISCONNECT
    # Requests to the unplugged device get no answer.
    host.send(CONTROL, struct.pack("<BBBBHHH", 0x80, 3, 0xC0, 0, 0, 0, 1))
    host.send(6, b"\x01")
    assert host.receive()[:2] == (8, host.packet)
    adapter.plug()
    host.plugged()
    assert host.transfer(0x68, b"\x75", 1)[0] == b"\x68"
    host.socket.close()
    adapter.unplug()
    later = connect()
    adapter.plug()
    later.plugged()


def test_faults_reach_the_guest(host: Host, adapter: UsbI2c) -> None:
    adapter.bus.nack_share = 1.0
    assert host.transfer(0x68, b"\x75", 1) == (b"", [NAK])
    adapter.bus.nack_share = 0.0
    assert host.transfer(0x68, b"\x6b\x01")[1] == [ACK]
    adapter.brown_out()
    assert host.transfer(0x68, b"\x6b", 1)[0] == b"\x40"
    adapter.bus.fault_errno = 5
    assert host.control(0x40, 7, 0, 0x68, 1, data=b"\x75") is None


@pytest.mark.parametrize(
    ("capabilities", "packet", "problem"),
    [
        (0x02, b"", "capabilities 0x2"),
        (QEMU_CAPABILITIES, struct.pack("<IIQ", CONTROL, 1 << 31, 1), "2147483648 bytes"),
    ],
)
def test_a_faulty_peer_is_rejected_with_a_reason(
    connect: Callable[..., Host], adapter: UsbI2c, capabilities: int, packet: bytes, problem: str
) -> None:
    peer = connect(capabilities)
    if packet:  # otherwise the connection may have ended already
        peer.socket.sendall(packet)
    with pytest.raises(EOFError):
        peer.read(1_000_000)
    assert problem in (adapter.problem or "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=200), greet=st.booleans())
def test_a_guest_is_served_after_any_other_peer(
    connect: Callable[..., Host], tmp_path: Path, garbage: bytes, greet: bool
) -> None:
    # A peer that sends during an answer may see its socket closed.
    with socket.socket(socket.AF_UNIX) as peer, contextlib.suppress(OSError):
        peer.connect(str(tmp_path / "usb"))
        peer.sendall(GREETING * greet + garbage)
    host = connect()
    host.plugged()
    assert host.transfer(0x68, b"\x75", 1) == (b"\x68", [ACK, ACK])
    host.socket.close()


def listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_the_command_plays_a_recording_and_obeys_its_standard_input(tmp_path: Path) -> None:
    file, path = tmp_path / "still.csv", tmp_path / "usb"
    file.write_text(f"{HEADER}\n0,0.5,0,0,0,0,0\n0.02,0.25,0,0,0,0,0\n")
    with subprocess.Popen(
        [*COMMAND, str(path), "--recording", str(file), "--who-am-i", "0x70"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        wait_for(lambda: listening(path), "the adapter's socket")
        host = Host(path)
        host.plugged()
        assert host.transfer(0x68, b"\x75", 1)[0] == b"\x70"
        assert process.stdin is not None
        process.stdin.write("nonsense\nnacks x\nunplug\nplug\nnacks 1\n")
        process.stdin.flush()
        assert host.receive()[0] == DISCONNECT
        host.plugged()
        wait_for(lambda: host.transfer(0x68, b"\x75", 1)[1] == [NAK], "NACKs")
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        host.socket.close()
    assert errors == "unknown fault: nonsense\nunknown fault: nacks x\n"
    assert not path.exists()


def test_the_command_reports_bad_input_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    command = [*COMMAND, str(tmp_path / "usb"), "--recording", str(missing)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"{missing}: no such file\n")
