"""A container with systemd as a board of this machine's processor; it boots in a second.

/usr is this machine's, read-only; the rest is a folder. The container has no udev.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("dbus", "libnss-systemd", "systemd", "systemd-container")
PORT = "/dev/wrist"
BOOT_S = 60.0

_FOLDERS = (
    "etc/modules-load.d", "etc/sysusers.d", "etc/systemd/system/multi-user.target.wants",
    "etc/udev/rules.d",
)  # fmt: skip
"""Folders of every Debian."""
_NOT_OURS = ("/etc/machine-id", "/var/cache", "/var/lib/systemd", "/var/log", "/var/tmp")  # noqa: S108
_INSTALLED = "/opt/edgehar"
PROGRAM = f"{_INSTALLED}/bin/edgehar"
_PYTHON = Path("/usr" if sys.base_prefix == "/usr" else "/opt/python")
_USERS = """\
root:x:0:0::/root:/bin/bash
messagebus:x:101:101::/:/usr/sbin/nologin
nobody:x:65534:65534::/:/usr/sbin/nologin
"""
_GROUPS = "root:x:0:\ntty:x:5:\ndialout:x:20:\nmessagebus:x:101:\nnogroup:x:65534:\n"
_SCRIPT = f"#!{_INSTALLED}/bin/python\nfrom device.cli import main\n\nmain()\n"


def refused() -> str:
    """Return why no container can run here; an empty text if one can."""
    if os.geteuid():
        return "systemd-nspawn needs root"
    try:
        done = subprocess.run(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory=/",
             "--volatile=yes", "--private-network", "/usr/bin/true"],
            capture_output=True, text=True, check=False, timeout=BOOT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "systemd-nspawn does not answer here"
    return f"systemd-nspawn fails here: {done.stderr.strip()}" if done.returncode else ""


class Container:
    """A booted container, with edgehar installed in it; a context manager."""

    def __init__(self, folder: Path, line: Path) -> None:
        """`line`, a pty, becomes the container's serial port PORT."""
        self.root = folder / "root"
        self.console = folder / "console.log"
        self._line = line
        self._pid = 0

    def __enter__(self) -> "Container":
        self._make()
        self._boot()
        return self

    def __exit__(self, *_: object) -> None:
        self.power_off()

    def reboot(self) -> None:
        """Boot again with the same files."""
        self.power_off()
        self._boot()

    def power_off(self) -> None:
        """Stop the container without a shutdown."""
        self._nspawn.terminate()
        self._nspawn.wait(timeout=30)

    def ask(self, command: str, timeout_s: float = 60.0) -> tuple[int, str]:
        """Run a command of bash as root; return exit code and output."""
        inside = ["nsenter", "--target", str(self._pid), "--all", "/bin/bash", "-c", command]
        done = subprocess.run(
            inside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, timeout=timeout_s, check=False, env={"PATH": "/usr/sbin:/usr/bin"},
        )  # fmt: skip
        return done.returncode, done.stdout

    def run(self, command: str) -> str:
        """Run a command that must succeed; return its output."""
        code, out = self.ask(command)
        assert code == 0, f"`{command}` gives {code}:\n{out}\n{self.log()}"
        return out

    def edgehar(self, *arguments: str) -> str:
        """Run edgehar as root, which must succeed; return its output."""
        return self.run(f"{PROGRAM} {' '.join(arguments)}")

    def shown(self, name: str) -> str:
        """Return a property of the service."""
        return self.run(f"systemctl show edgehar --value --property={name}").strip()

    def log(self) -> str:
        """Return the journal of the service."""
        return self.ask("journalctl --no-pager --output=cat --unit=edgehar")[1]

    def files(self) -> set[str]:
        """Return all permanent files, except logs, backups and systemd's own state."""
        skip = " -o ".join(f"-path {path}" for path in _NOT_OURS)
        return set(
            self.run(f"find /etc /var \\( {skip} -o -name '*-' \\) -prune -o -print").split()
        )

    def _boot(self) -> None:
        binds = [
            "--bind-ro=/usr", f"--bind={self._line}:{PORT}",
            f"--bind-ro={sysconfig.get_path('purelib')}:{_INSTALLED}/dependencies",
        ]  # fmt: skip
        if sys.base_prefix != "/usr":
            binds.append(f"--bind-ro={sys.base_prefix}:{_PYTHON}")
        with self.console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
                 f"--directory={self.root}", "--private-network", "--console=pipe", *binds,
                 "--boot", "systemd.show_status=0"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            )  # fmt: skip
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline:
            assert self._nspawn.poll() is None, self.console.read_text(errors="replace")
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
            if processes := children.read_text().split():
                self._pid = int(processes[0])
                if self.ask("systemctl is-active multi-user.target")[1].strip() == "active":
                    return
            time.sleep(0.1)
        raise AssertionError(self.console.read_text(errors="replace"))

    def _make(self) -> None:
        for name in ("usr", *_FOLDERS, "opt/edgehar/bin", "opt/edgehar/dependencies",
                     "opt/python", "var", "root", "proc", "sys", "dev", "run", "tmp"):  # fmt: skip
            (self.root / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / name).symlink_to(f"usr/{name}")
        etc = self.root / "etc"
        shutil.copy("/usr/lib/os-release", etc / "os-release")
        (etc / "passwd").write_text(_USERS)
        (etc / "group").write_text(_GROUPS)
        (etc / "machine-id").write_text("")
        default = etc / "systemd/system/default.target"
        default.symlink_to("/usr/lib/systemd/system/multi-user.target")
        self._install(self.root / _INSTALLED[1:])

    def _install(self, venv: Path) -> None:
        """Make the environment of a `pip install` of this checkout."""
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = venv / "lib" / python / "site-packages"
        site.mkdir(parents=True)
        (venv / "pyvenv.cfg").write_text(f"home = {_PYTHON}/bin\n")
        (venv / "bin/python").symlink_to(_PYTHON / "bin" / python)
        (venv / "bin/edgehar").write_text(_SCRIPT)
        (venv / "bin/edgehar").chmod(0o755)
        (site / "dependencies.pth").write_text(f"{_INSTALLED}/dependencies\n")
        for name in ("firmware_bridge", "device"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / name, site / name, ignore=ignored)
