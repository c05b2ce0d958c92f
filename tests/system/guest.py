"""A guest: the arm64 board under QEMU, with Debian's kernel and systemd.

QEMU emulates the processor (TCG), so the guest needs no privileges and no /dev/kvm.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

from tests.system import images
from tests.waiting import wait_for

LIFE_S = 2400
"""The longest life of a guest; then it is killed."""
BOOT_S = 120.0
PACKAGES = (*images.PACKAGES, "qemu-system-arm")

wait_until = partial(wait_for, every_s=0.5)
"""Waits without loading a guest or a container."""
_QUIET = "systemd.show_status=0 loglevel=4 panic=-1"


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
            # Last: when QEMU has printed its name, all other devices exist.
            "-chardev", "pty,id=line", "-device", "usb-serial,chardev=line,always-plugged=on",
        ]  # fmt: skip

    def __enter__(self) -> "Guest":
        self._qemu = subprocess.Popen(
            self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            self.serial_port = self._pty()
            # The chip does not wait: on a busy machine a slow guest would lose samples.
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PGRP, self._qemu.pid, -10)
            self._socket.connect(str(self._commands))
            self.run("true", timeout_s=BOOT_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._qemu.terminate()  # `timeout` forwards the signal
        self._qemu.communicate()
        self._socket.close()

    def run(self, command: str, timeout_s: float = 30.0) -> str:
        """Run a command of bash as root; which must succeed; return its output."""
        code, out = self.ask(command, timeout_s)
        assert code == 0, f"in the guest `{command}` gives {code}:\n{out}\n{self.tail()}"
        return out

    def ask(self, command: str, timeout_s: float = 30.0) -> tuple[int, str]:
        """Run a command; return exit code and output."""
        self._number += 1
        request = {"number": self._number, "command": command, "timeout_s": timeout_s}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        deadline = time.monotonic() + timeout_s + 10
        while True:
            answer = json.loads(self._line(deadline, command))
            if answer["number"] == self._number:
                return answer["code"], answer["out"]

    def _pty(self) -> Path:
        assert self._qemu.stdout is not None
        line = self._qemu.stdout.readline().decode()
        pty = re.search(r"redirected to (/dev/pts/\d+)", line)
        assert pty, f"QEMU does not start: {line}{self._qemu.stdout.read().decode()}"
        return Path(pty[1])

    def tail(self) -> str:
        """Return the last lines of the guest's console."""
        text = self.console.read_text(errors="replace") if self.console.exists() else ""
        return "guest's console: … " + "\n".join(text.splitlines()[-25:])

    def _line(self, deadline: float, command: str) -> bytes:
        while b"\n" not in self._waiting:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                data = b""
            assert data, f"the guest does not answer `{command}`\n{self.tail()}"
            self._waiting += data
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line

    def start(self, source: str, model: str) -> None:
        """Start the daemon's unit with a source."""
        self.run(
            f"printf 'SOURCE=%s\\nMODEL=%s\\n' '{source}' '{model}' >/run/edgehar.env && "
            "rm -rf /run/edgehar/* /run/decisions.jsonl && systemctl start edgehar"
        )

    def memory_mb(self) -> float:
        """Return the daemon's peak memory."""
        status = self.run("cat /proc/$(systemctl show edgehar -p MainPID --value)/status")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1000

    def decisions(self) -> list[dict[str, Any]]:
        """Return the daemon's decisions so far."""
        _, out = self.ask("cat /run/decisions.jsonl")
        return [json.loads(line) for line in out.splitlines() if line.endswith("}")]

    def log(self) -> str:
        """Return the daemon's log since its start."""
        return self.ask("cat /run/edgehar.log")[1]

    def stop(self) -> dict[str, Any]:
        """Stop the daemon; return its report."""
        self.run("systemctl stop edgehar")
        report: dict[str, Any] = json.loads(self.run("cat /run/edgehar/report.json"))
        return report
