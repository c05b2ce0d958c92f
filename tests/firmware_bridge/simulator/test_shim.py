"""smbus2, unmodified, in a program of its own."""

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
from tests.firmware_bridge.simulator.driving import counting, put, words

START = """
import json, os, sys, time
from smbus2 import SMBus, i2c_msg

def number(call):
    try:
        call()
    except OSError as error:
        return error.errno
    return 0

"""


class Clock:
    """Stands still until the test moves it."""

    us = 1_000_000

    def __call__(self) -> int:
        return self.us


class Wired:
    """A chip behind the shim, and programs that see it."""

    def __init__(self, served: I2cShim, clock: Clock) -> None:
        self.shim = served
        self.clock = clock
        self.bus = served.bus
        self.chip = served.bus.chips[0x68]

    def run(self, program: str) -> Any:
        """Run to the end; return what it prints, as JSON."""
        with self.start(program) as process:
            out, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        return json.loads(out)

    def start(self, program: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", START + program]
        return subprocess.Popen(
            command,
            env=os.environ | self.shim.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def wired() -> Iterator[Wired]:
    if not shutil.which("cc"):
        pytest.skip("no C compiler (Debian packages gcc and libc6-dev)")
    clock = Clock()
    with I2cShim(Bus({0x68: Chip(counting, now_us=clock.us)}, clock)) as served:
        yield Wired(served, clock)


def test_reads_of_every_kind_show_the_same_registers(wired: Wired) -> None:
    for register, value in ((0x19, 4), (0x1A, 3), (0x1B, 8), (0x1C, 8), (0x38, 1), (0x6B, 1)):
        put(wired.chip, register, value, wired.clock.us)
    wired.clock.us += 5_000 * 1234
    who, byte, word, block, burst, funcs = wired.run("""
with SMBus(1) as bus:
    bus.write_byte(0x68, 0x75)
    who = bus.read_byte(0x68)
    burst = i2c_msg.read(0x68, 14)
    bus.i2c_rdwr(i2c_msg.write(0x68, [0x3B]), burst)
    print(json.dumps([who, bus.read_byte_data(0x68, 0x3C),
                      bus.read_word_data(0x68, 0x3B), bus.read_i2c_block_data(0x68, 0x3B, 14),
                      list(burst), bus.funcs]))
""")
    assert who == 0x68
    assert word == int.from_bytes(bytes(block[:2]), "little")
    assert byte == block[1]
    assert block == burst
    assert words(bytes(block), 7)[0].tolist() == [1233] * 3 + [-3920] + [1233] * 3
    assert funcs & 0x1


def test_what_is_written_arrives(wired: Wired) -> None:
    got = wired.run("""
with SMBus(1) as bus:
    bus.write_byte_data(0x68, 0x19, 7)
    bus.write_word_data(0x68, 0x1A, 0x0803)
    bus.write_i2c_block_data(0x68, 0x1C, [0x10, 0x05])
    bus.i2c_rdwr(i2c_msg.write(0x68, [0x23, 0x78]))
    print(json.dumps(bus.read_i2c_block_data(0x68, 0x19, 11)))
""")
    assert got == [7, 3, 8, 0x10, 5, 0, 0, 0, 0, 0, 0x78]


def test_a_whole_fifo_comes_in_one_transfer(wired: Wired) -> None:
    for register, value in (
        *((0x19, 4), (0x1A, 3), (0x1B, 8), (0x1C, 8), (0x23, 0x78)),
        *((0x6A, 0x40), (0x6B, 1)),
    ):
        put(wired.chip, register, value, wired.clock.us)
    wired.clock.us += 5_000 * 85
    data = wired.run("""
with SMBus(1) as bus:
    count = int.from_bytes(bus.read_i2c_block_data(0x68, 0x72, 2), "big")
    burst = i2c_msg.read(0x68, count)
    bus.i2c_rdwr(i2c_msg.write(0x68, [0x74]), burst)
    print(json.dumps(list(burst)))
""")
    assert np.array_equal(words(bytes(data)), np.repeat(np.arange(85), 6).reshape(85, 6))


def test_the_kernels_limits_hold(wired: Wired) -> None:
    got = wired.run("""
import ctypes
with SMBus(1) as bus:
    many = [i2c_msg.read(0x68, 1) for _ in range(43)]
    out = [number(lambda: bus.i2c_rdwr(*many[:42])), number(lambda: bus.i2c_rdwr(*many)),
           number(lambda: bus.i2c_rdwr(i2c_msg.read(0x68, 8192))),
           number(lambda: bus.i2c_rdwr(i2c_msg.read(0x68, 8193))),
           number(lambda: bus.read_byte_data(0x80, 0x75)),
           number(lambda: bus.read_block_data(0x68, 0x75)),
           number(lambda: SMBus(2)), number(lambda: open("/dev/i2c-1x")),
           number(lambda: open("/dev/null").close())]
print(json.dumps(out))
""")
    expected = [0, errno.EINVAL, 0, errno.EINVAL, errno.EINVAL, errno.EOPNOTSUPP]
    assert got == [*expected, errno.ENOENT, errno.ENOENT, 0]


@pytest.mark.parametrize("adapter", [errno.EREMOTEIO, errno.ENXIO, errno.EIO])
def test_nobody_at_an_address_is_what_the_adapter_says(wired: Wired, adapter: int) -> None:
    wired.bus.nack_errno = adapter
    got = wired.run("""
with SMBus(1) as bus:
    print(json.dumps([number(lambda: bus.read_byte_data(0x69, 0x75)),
                      number(lambda: bus.write_quick(0x69)),
                      number(lambda: bus.write_quick(0x68))]))
""")
    assert got == [adapter, adapter, 0]


def test_a_nack_storm_refuses_its_share_and_leaves_the_rest_whole(wired: Wired) -> None:
    wired.bus.nack_share = 0.2
    shown, failed = wired.run("""
seen, failed = set(), 0
with SMBus(1) as bus:
    for _ in range(500):
        try:
            seen.add(bus.read_byte_data(0x68, 0x75))
        except OSError:
            failed += 1
print(json.dumps([list(seen), failed]))
""")
    assert shown == [0x68]
    # A read is two messages.
    assert failed == pytest.approx(500 * (1 - 0.8**2), abs=50)
    assert wired.bus.traffic.failed == failed


def test_a_broken_adapter_and_a_bus_held_low_fail_every_transfer(wired: Wired) -> None:
    read = "print(number(lambda: SMBus(1).read_byte_data(0x68, 0x75)))"
    wired.bus.fault_errno = errno.EAGAIN
    assert wired.run(read) == errno.EAGAIN
    wired.bus.fault_errno = 0
    wired.chip.sda_low_clocks = 9
    assert wired.run(read) == errno.ETIMEDOUT


def test_unplugged_it_breaks_and_plugged_it_can_be_opened_again(wired: Wired) -> None:
    program = """
bus = SMBus(1)
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


def test_a_brown_out_shows_in_the_registers(wired: Wired) -> None:
    program = """
with SMBus(1) as bus:
    bus.write_byte_data(0x68, 0x6B, 1)
    print(bus.read_byte_data(0x68, 0x6B), flush=True)
    input()
    print(bus.read_byte_data(0x68, 0x6B))
"""
    with wired.start(program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        wired.shim.brown_out()
        assert process.communicate("\n", timeout=30)[0] == "64\n"


def test_two_threads_on_one_file_do_not_mix_their_answers(wired: Wired) -> None:
    got = wired.run("""
import threading
seen = {0x75: set(), 0x6B: set()}
with SMBus(1) as bus:
    def read(register):
        for _ in range(300):
            seen[register].add(bus.read_byte_data(0x68, register))
    threads = [threading.Thread(target=read, args=(register,)) for register in seen]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(json.dumps([list(values) for values in seen.values()]))
""")
    assert got == [[0x68], [0x40]]


def test_traffic_is_counted_as_on_a_wire(wired: Wired) -> None:
    wired.run("""
with SMBus(1) as bus:
    bus.read_i2c_block_data(0x68, 0x3B, 14)
print(0)
""")
    traffic = wired.bus.traffic
    # S addr W, reg; Sr addr R, 14 bytes; P: 17 bytes of 9 bits, three conditions.
    assert traffic.bits() == 17 * 9 + 3
    assert traffic.busy_s(100_000) == pytest.approx(1.56e-3)


def test_a_peer_that_talks_nonsense_is_dropped_and_others_are_served(wired: Wired) -> None:
    path = wired.shim.environment["EDGEHAR_I2C_SOCKET"]
    for nonsense in (b"\x01", b"\x01\0\0\0\xff", b"\x01\0\0\0\x01\x68\0\xff\xff\xff\xff"):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            peer.sendall(nonsense)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(100):
                pass
    assert wired.run("print(SMBus(1).read_byte_data(0x68, 0x75))") == 0x68
