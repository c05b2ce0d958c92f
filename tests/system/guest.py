"""A guest: the arm64 board under QEMU, with Debian's kernel and systemd.

An emulated processor (TCG), so it needs no privileges and no /dev/kvm.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.system import images

LIFE_S = 2400
"""After so long a guest is killed, whatever it does."""
BOOT_S = 120.0
PACKAGES = (*images.PACKAGES, "qemu-system-arm")

_QUIET = "systemd.show_status=0 loglevel=4 panic=-1"


class GuestError(AssertionError):
    """The guest does not answer, or says that a command failed; with its console's last lines."""


class Guest:
    """A running guest; a context manager. `adapter` is the socket of its USB I2C adapter."""

    def __init__(self, boots: images.Images, folder: Path, adapter: Path) -> None:
        self.console = folder / "console.log"
        self._commands = folder / "commands.sock"
        self._socket = socket.socket(socket.AF_UNIX)
        self._number = 0
        self._waiting = b""
        self._argv = [
            "timeout", "--kill-after=5", str(LIFE_S),
            "qemu-system-aarch64", "-M", "virt", "-accel", "tcg", "-cpu", "cortex-a53",
            "-smp", "1", "-m", "1024", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-monitor", "none",
            "-kernel", str(boots.kernel), "-initrd", str(boots.initrd),
            "-append", f"console=ttyAMA0 {_QUIET}", "-serial", f"file:{self.console}",
            "-device", "qemu-xhci",
            "-chardev", f"socket,id=i2c,path={adapter}", "-device", "usb-redir,chardev=i2c",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=commands,path={self._commands},server=on,wait=off",
            "-device", "virtserialport,chardev=commands,name=edgehar",
            # Last: once QEMU has told its name, all the others are there.
            "-chardev", "pty,id=line", "-device", "usb-serial,chardev=line,always-plugged=on",
        ]  # fmt: skip

    def __enter__(self) -> "Guest":
        self._qemu = subprocess.Popen(
            self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            self.serial_port = self._pty()
            # On a busy machine it would lose samples, as a busy board does: its chip does not wait.
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PGRP, self._qemu.pid, -10)
            self._socket.connect(str(self._commands))
            self.run("true", timeout_s=BOOT_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._qemu.terminate()  # `timeout` passes it on
        self._qemu.communicate()
        self._socket.close()

    def run(self, command: str, timeout_s: float = 30.0) -> str:
        """Run a command of bash as root; return what it prints. Raises GuestError."""
        code, out = self.ask(command, timeout_s)
        if code:
            raise GuestError(f"in the guest `{command}` gives {code}:\n{out}\n{self.tail()}")
        return out

    def ask(self, command: str, timeout_s: float = 30.0) -> tuple[int, str]:
        """Run a command; return its exit code too. Raises GuestError if no answer comes."""
        self._number += 1
        asked = {"number": self._number, "command": command, "timeout_s": timeout_s}
        self._socket.sendall(json.dumps(asked).encode() + b"\n")
        deadline = time.monotonic() + timeout_s + 10
        while True:
            answer = json.loads(self._line(deadline, command))
            if answer["number"] == self._number:
                return answer["code"], answer["out"]

    def _pty(self) -> Path:
        assert self._qemu.stdout is not None
        said = self._qemu.stdout.readline().decode()
        pty = re.search(r"redirected to (/dev/pts/\d+)", said)
        if pty is None:
            raise GuestError(f"QEMU does not start: {said}{self._qemu.stdout.read().decode()}")
        return Path(pty[1])

    def tail(self) -> str:
        """Return the last that the guest wrote on its console, and the daemon in its log."""
        text = self.console.read_text(errors="replace") if self.console.exists() else ""
        return "guest's console: … " + "\n".join(text.splitlines()[-25:])

    def _line(self, deadline: float, command: str) -> bytes:
        while b"\n" not in self._waiting:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                data = b""
            if not data:
                raise GuestError(f"the guest does not answer `{command}`\n{self.tail()}")
            self._waiting += data
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line

    def start(self, source: str, model: str) -> None:
        """Start the daemon's unit on a source."""
        self.run(
            f"printf 'SOURCE=%s\\nMODEL=%s\\n' '{source}' '{model}' >/run/edgehar.env && "
            "rm -rf /run/edgehar/* /run/decisions.jsonl && systemctl start edgehar"
        )

    def memory_mb(self) -> float:
        """Return the most memory that the daemon has had."""
        asked = "cat /proc/$(systemctl show edgehar -p MainPID --value)/status"
        (line,) = (line for line in self.run(asked).splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1000

    def decisions(self) -> list[dict[str, Any]]:
        """Return what the daemon has said so far."""
        _, out = self.ask("cat /run/decisions.jsonl")
        return [json.loads(line) for line in out.splitlines() if line.endswith("}")]

    def log(self) -> str:
        """Return what the daemon has logged since its start."""
        return self.ask("cat /run/edgehar.log")[1]

    def stop(self) -> dict[str, Any]:
        """Stop the daemon; return its report."""
        self.run("systemctl stop edgehar")
        report: dict[str, Any] = json.loads(self.run("cat /run/edgehar/report.json"))
        return report


def wait_until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Look twice a second; fail where it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)
