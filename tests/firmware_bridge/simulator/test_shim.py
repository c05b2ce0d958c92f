"""The I2C shim with an unmodified smbus2 in another program."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from firmware_bridge.simulator.bus import Bus
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.shim import I2cShim
from tests.firmware_bridge.simulator.driving import counting, start, words

START = """
import json, os, sys, time
from smbus2 import SMBus, i2c_msg

def number(call):
    try:
        call()
    except OSError as error:
        return error.errno
    return 0

bus = SMBus(1)
"""


NOW_US = 1_000_000


class Wired:
    """A chip behind the shim, and programs that use it."""

    def __init__(self, shim: I2cShim) -> None:
        self.shim = shim
        self.bus = shim.bus
        self.chip = shim.bus.chips[0x68]

    def run(self, result: str, program: str = "") -> Any:
        """Run a program; return the value of the expression `result` at its end."""
        with self.start(f"{program}\nprint(json.dumps({result}))") as process:
            out, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        return json.loads(out)

    def start(self, program: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", START + program]
        environment = os.environ | self.shim.environment
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)


@pytest.fixture
def wired() -> Iterator[Wired]:
    if not shutil.which("cc"):
        pytest.skip("no C compiler (Debian packages gcc and libc6-dev)")
    with I2cShim(Bus({0x68: Chip(counting, now_us=NOW_US)}, lambda: NOW_US)) as shim:
        yield Wired(shim)


def test_every_kind_of_read_returns_the_same_registers(wired: Wired) -> None:
    start(wired.chip, now_us=NOW_US)
    wired.bus.clock_us = lambda: NOW_US + 5_000 * 1234
    who, byte, word, block, burst, funcs = wired.run(
        """[who, bus.read_byte_data(0x68, 0x3C), bus.read_word_data(0x68, 0x3B),
            bus.read_i2c_block_data(0x68, 0x3B, 14), list(burst), bus.funcs]""",
        """
bus.write_byte(0x68, 0x75)
who = bus.read_byte(0x68)
burst = i2c_msg.read(0x68, 14)
bus.i2c_rdwr(i2c_msg.write(0x68, [0x3B]), burst)
""",
    )
    assert who == 0x68
    assert word == int.from_bytes(bytes(block[:2]), "little")
    assert byte == block[1]
    assert block == burst
    assert words(bytes(block), 7)[0].tolist() == [1233] * 3 + [-3920] + [1233] * 3
    assert funcs & 0x1


def test_every_kind_of_write_reaches_the_registers(wired: Wired) -> None:
    values = wired.run(
        "bus.read_i2c_block_data(0x68, 0x19, 11)",
        """
bus.write_byte_data(0x68, 0x19, 7)
bus.write_word_data(0x68, 0x1A, 0x0803)
bus.write_i2c_block_data(0x68, 0x1C, [0x10, 0x05])
bus.i2c_rdwr(i2c_msg.write(0x68, [0x23, 0x78]))
""",
    )
    assert values == [7, 3, 8, 0x10, 5, 0, 0, 0, 0, 0, 0x78]


def test_one_transfer_returns_a_whole_fifo(wired: Wired) -> None:
    start(wired.chip, now_us=NOW_US)
    wired.bus.clock_us = lambda: NOW_US + 5_000 * 85
    data = wired.run(
        "list(burst)",
        """
count = int.from_bytes(bus.read_i2c_block_data(0x68, 0x72, 2), "big")
burst = i2c_msg.read(0x68, count)
bus.i2c_rdwr(i2c_msg.write(0x68, [0x74]), burst)
""",
    )
    assert np.array_equal(words(bytes(data)), np.repeat(np.arange(85), 6).reshape(85, 6))


def test_the_shim_has_the_kernels_limits(wired: Wired) -> None:
    errors = wired.run(
        """[number(lambda: bus.i2c_rdwr(*many[:42])), number(lambda: bus.i2c_rdwr(*many)),
            number(lambda: bus.i2c_rdwr(i2c_msg.read(0x68, 8192))),
            number(lambda: bus.i2c_rdwr(i2c_msg.read(0x68, 8193))),
            number(lambda: bus.read_byte_data(0x80, 0x75)),
            number(lambda: bus.read_block_data(0x68, 0x75)),
            number(lambda: SMBus(2)), number(lambda: open("/dev/i2c-1x")),
            number(lambda: open("/dev/null").close())]""",
        "many = [i2c_msg.read(0x68, 1) for _ in range(43)]",
    )
    expected = [0, errno.EINVAL, 0, errno.EINVAL, errno.EINVAL, errno.EOPNOTSUPP]
    assert errors == [*expected, errno.ENOENT, errno.ENOENT, 0]


@pytest.mark.parametrize("adapter", [errno.EREMOTEIO, errno.ENXIO, errno.EIO])
def test_an_address_without_a_chip_gives_the_adapters_error(wired: Wired, adapter: int) -> None:
    wired.bus.nack_errno = adapter
    errors = wired.run("""[number(lambda: bus.read_byte_data(0x69, 0x75)),
        number(lambda: bus.write_quick(0x69)), number(lambda: bus.write_quick(0x68))]""")
    assert errors == [adapter, adapter, 0]


def test_random_nacks_fail_their_share_of_reads_and_damage_no_other(wired: Wired) -> None:
    wired.bus.nack_share = 0.2
    shown, failed = wired.run(
        "[list(seen), failed]",
        """
seen, failed = set(), 0
for _ in range(500):
    try:
        seen.add(bus.read_byte_data(0x68, 0x75))
    except OSError:
        failed += 1
""",
    )
    assert shown == [0x68]
    # A read has two messages.
    assert failed == pytest.approx(500 * (1 - 0.8**2), abs=50)
    assert wired.bus.traffic.failed == failed


def test_a_broken_adapter_and_a_blocked_bus_fail_every_transfer(wired: Wired) -> None:
    read = "number(lambda: bus.read_byte_data(0x68, 0x75))"
    wired.bus.fault_errno = errno.EAGAIN
    assert wired.run(read) == errno.EAGAIN
    wired.bus.fault_errno = 0
    wired.chip.sda_low_clocks = 9
    assert wired.run(read) == errno.ETIMEDOUT


def test_an_unplugged_adapter_fails_and_a_plugged_one_opens_again(wired: Wired) -> None:
    program = """
print(bus.read_byte_data(0x68, 0x75), flush=True)
input()
print(number(lambda: bus.read_byte_data(0x68, 0x75)), number(lambda: SMBus(1)), flush=True)
input()
print(SMBus(1).read_byte_data(0x68, 0x75))
"""
    with wired.start(program) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "104\n"
        wired.shim.unplug()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{errno.ENODEV} {errno.ENOENT}\n"
        wired.shim.plug()
        assert process.communicate("\n", timeout=30)[0] == "104\n"


def test_a_brown_out_resets_the_registers(wired: Wired) -> None:
    read = "bus.read_byte_data(0x68, 0x6B)"
    assert wired.run(read, "bus.write_byte_data(0x68, 0x6B, 1)") == 1
    wired.shim.brown_out()
    assert wired.run(read) == 0x40


def test_two_threads_on_one_file_get_their_own_answers(wired: Wired) -> None:
    values = wired.run(
        "[list(values) for values in seen.values()]",
        """
import threading
seen = {0x75: set(), 0x6B: set()}
def read(register):
    for _ in range(300):
        seen[register].add(bus.read_byte_data(0x68, register))
threads = [threading.Thread(target=read, args=(register,)) for register in seen]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
""",
    )
    assert values == [[0x68], [0x40]]


def test_traffic_is_counted_as_on_a_wire(wired: Wired) -> None:
    wired.run("bus.read_i2c_block_data(0x68, 0x3B, 14)")
    traffic = wired.bus.traffic
    # S addr W, reg; Sr addr R, 14 bytes; P: 17 bytes of 9 bits, three conditions.
    assert traffic.bits() == 17 * 9 + 3
    assert traffic.busy_s(100_000) == pytest.approx(1.56e-3)


def test_a_malformed_request_ends_its_connection_only(wired: Wired) -> None:
    path = wired.shim.environment["EDGEHAR_I2C_SOCKET"]
    for request in (b"\x01", b"\x01\0\0\0\xff", b"\x01\0\0\0\x01\x68\0\xff\xff\xff\xff"):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            peer.sendall(request)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(100):
                pass
    assert wired.run("bus.read_byte_data(0x68, 0x75)") == 0x68
