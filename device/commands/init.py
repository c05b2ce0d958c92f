"""`edgehar init`: finds a sensor, checks it, writes the settings and shows the live view."""

import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

import click

from device.commands import demo, doctor
from device.config import first_settings, paths
from device.config import load as configs
from device.config.paths import SETTINGS
from device.config.source import Source
from device.daemon import signals
from device.doctor import ports, search
from device.doctor.search import Candidate
from device.terminal.watch import watch
from firmware_bridge.errors import EdgeharError, InputError

WORN = {
    "wrist": ("on a wrist: left or right, any way round", None),
    "belt": ("on the belt, at the side or in front, the sensor's x axis pointing up", "waist"),
}
"""Where a sensor can be worn: a description and a model. None is the default of `run`."""
_CHECK = """\
  USB   a microcontroller with edgehar's firmware is plugged in, by a cable that
        carries data; dmesg -w shows whether the kernel finds it
  I2C   the bus is enabled (raspi-config, Interface Options, I2C), and the sensor
        is wired as in docs/I2C.md; i2cdetect -y 1 shows 68 or 69
  UART  raspi-config, Interface Options, Serial Port: login shell off, serial
        port hardware on
  all   you have permission: sudo usermod -aG dialout,i2c $USER, then log in again"""


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar init\n"
    "  edgehar init --source serial:/dev/ttyUSB0 --worn wrist --yes\n"
    "\b\nThe settings are written to ~/.config/edgehar/edgehar.toml; those of root, with systemd,\n"
    f"to {SETTINGS}, which `edgehar service install` uses."
)
@click.option("--source", metavar="SOURCE", help="Port or bus as in `run`  [default: search].")
@click.option("--worn", type=click.Choice(list(WORN)), help="Where the sensor is worn.")
@click.option("--config", "path", metavar="FILE", type=Path, help="The settings file to write.")
@click.option("--yes", is_flag=True, help="Ask no question and show no live view. Nothing is "
              "written if a check of the doctor fails or FILE exists.")  # fmt: skip
def command(source: str | None, worn: str | None, path: Path | None, *, yes: bool) -> None:
    """Set up a sensor: find it, check it, write the settings, show the live view.

    The sensor may be on either wrist: the model estimates the mounting while the wearer walks.
    Ctrl-C ends the command at any time; it never leaves an incomplete file.
    """
    path = path or paths.of_init()
    if source is not None:
        _sensor(source)
    if yes and path.exists():
        raise InputError(f"{path} exists already; move it away, or name another: --config")
    if not yes and not sys.stdin.isatty():
        raise InputError("no terminal for questions; give --source, --worn and --yes")
    logging.getLogger("device").setLevel(logging.CRITICAL)  # the page shows the same events
    try:
        _set_up(source, worn, path, asks=not yes)
    except click.Abort:  # at a question: end its line
        click.echo(err=True)
        raise


def _set_up(source: str | None, worn: str | None, path: Path, *, asks: bool) -> None:
    if asks:
        click.echo("Ctrl-C ends this at any time. You see each file before it is written.")
    source = source or _find(asks=asks)
    setting = _sensor(source)
    _examine(setting, asks=asks)
    worn = worn or (_where_worn() if asks else "wrist")
    model = WORN[worn][1]
    content = first_settings.text(source, model, path)
    wanted = not asks or _agreed(path, content)
    stop = signals.stop_signal()  # from now on Ctrl-C ends only the live view
    config = configs.Config(source=setting, model=model)
    if wanted:
        first_settings.write(path, content)
        config = configs.load(path)
        click.echo(f"written: {path}")
    if asks:
        _watch(config, setting, stop)
    if wanted:
        _say_next(path)


def _sensor(source: str) -> Source:
    setting = configs.parse_source(source)
    if setting.kind == "recording":
        raise InputError("a recording is not a sensor; give --source serial:PORT or i2c:BUS")
    return setting


def _find(*, asks: bool) -> str:
    """Return the source to use; raises EdgeharError if there is none."""
    _head("The sensor")
    click.echo(f"Searching I2C buses and serial ports, {search.PATIENCE_S:g} s at most ...")
    candidates = [*search.serial_ports(), *search.i2c_chips()]
    usable = [candidate for candidate in candidates if candidate.usable]
    for candidate in candidates:
        mark = usable.index(candidate) + 1 if candidate.usable and len(usable) > 1 else "-"
        click.echo(f"  {mark}  {candidate.source}\n     {candidate.description}")
    if not usable:
        _despair(candidates, asks=asks)
    if len(usable) == 1:
        click.echo(f"The only usable sensor: {usable[0].source}")
        return usable[0].source
    if not asks:
        names = " or ".join(candidate.source for candidate in usable)
        raise InputError(f"there is more than one sensor; give --source {names}")
    return usable[_number("Which sensor", len(usable))].source


def _despair(candidates: Sequence[Candidate], *, asks: bool) -> None:
    """Print advice, offer the demo, and raise EdgeharError."""
    for advice in dict.fromkeys(one.advice for one in candidates if one.advice):
        click.echo(f"  -> {advice}")
    click.echo(f"No sensor was found. Please check:\n{_CHECK}")
    if asks and click.confirm("See the demo meanwhile? It needs no sensor", default=True):
        click.get_current_context().invoke(demo.command)
    raise EdgeharError("no sensor was found; check the points above and run init again")


def _examine(setting: Source, *, asks: bool) -> None:
    _head("The doctor")
    finding = doctor.port(setting)[0]
    if finding.name == ports.IN_USE:
        raise EdgeharError(f"{finding.text}; {finding.advice}")
    click.echo(
        f"The doctor listens for {doctor.LISTEN_S:g} s. Lay the sensor down and let go of it.\n"
        "Then, after half of the time, hold it in the hand and turn it slowly in all directions."
    )
    if asks:
        click.prompt("Press Enter when it lies still", "", prompt_suffix="", show_default=False)
    if not doctor.examine(setting, doctor.LISTEN_S):
        return
    if asks:
        click.echo("A check failed. The lines after -> give advice.")
    if not asks or not click.confirm("Continue in spite of that", default=False):
        raise EdgeharError(
            "setup stopped: the doctor found a fault; follow its advice, then run init again"
        )


def _where_worn() -> str:
    _head("The wearer")
    for number, (words, _) in enumerate(WORN.values(), 1):
        click.echo(f"  {number}  {words}")
    return list(WORN)[_number("Where is the sensor worn", len(WORN))]


def _agreed(path: Path, content: str) -> bool:
    """Ask whether the settings may be written."""
    _head("The settings")
    click.echo(f"{path}:\n")
    click.echo("".join(f"  {line}\n" for line in content.splitlines()))
    if not path.exists():
        return click.confirm("Write this file", default=True)
    click.echo(f"This file exists; its content will be kept in {first_settings.earlier(path)}.")
    return click.confirm("Replace it", default=False)


def _watch(config: configs.Config, setting: Source, stop: Callable[[], bool]) -> None:
    _head("Live, until Ctrl-C")
    if config.model is None:
        click.echo(
            "Put the sensor on and walk for half a minute, so that the model can estimate the\n"
            "mounting. Until then it cannot tell sitting from standing."
        )
    else:
        click.echo("Put the sensor on and move around.")
    watch(config, setting, stop)


def _say_next(path: Path) -> None:
    program, file = _program(), quote(str(path))
    _head("From now on")
    if path == SETTINGS:
        _say(f"{program} service install", "start the daemon now and at each boot")
        _say(f"{program} service status", "show the state of the daemon")
    else:
        _say(f"{program} run --config {file}", "recognise activities and record the decisions")
    _say(f"{program} dashboard --config {file}", "serve a page: now, today, 30 days")
    if path != SETTINGS:
        click.echo("To run it as a service from boot on: `Install the service` in docs/INSTALL.md.")


def _say(command_line: str, words: str) -> None:
    click.echo(f"  {command_line}\n      {words}")


def _program() -> str:
    """Return the command that called this program, without its folder if $PATH has it."""
    called = sys.argv[0]
    if Path(called).name != "edgehar" or shutil.which("edgehar") == called:
        return "edgehar"
    return quote(called)


def _number(question: str, count: int) -> int:
    """Ask for a number from 1 to `count`; return it minus 1."""
    answer: int = click.prompt(question, default=1, type=click.IntRange(1, count))
    return answer - 1


def _head(text: str) -> None:
    click.echo()
    click.secho(text, bold=True)
