"""`edgehar init`: from a sensor that is plugged in to settings that work, in five minutes."""

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
"""Where a sensor can be worn: in words, and the model; None is the one that `run` takes."""
_CHECK = """\
  USB   a microcontroller with edgehar's firmware is plugged in, by a cable that
        carries data; dmesg -w shows whether it is seen
  I2C   it is switched on (raspi-config, Interface Options, I2C), and the sensor
        is wired as docs/I2C.md says; i2cdetect -y 1 shows 68 or 69
  UART  raspi-config, Interface Options, Serial Port: no login shell, but the
        serial port hardware
  all   you may use them: sudo usermod -aG dialout,i2c $USER, then log in again"""


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar init\n"
    "  edgehar init --source serial:/dev/ttyUSB0 --worn wrist --yes\n"
    "\b\nThe settings go to ~/.config/edgehar/edgehar.toml; root's, where there is systemd, to\n"
    f"{SETTINGS}, which `edgehar service install` takes."
)
@click.option("--source", metavar="SOURCE", help="A port or bus as in `run`; else what is found.")
@click.option("--worn", type=click.Choice(list(WORN)), help="Where the sensor is worn.")
@click.option("--config", "path", metavar="FILE", type=Path, help="Where the settings go.")
@click.option("--yes", is_flag=True, help="Ask nothing and do not watch at the end; nothing is "
              "written if the doctor fails anything or FILE is there.")  # fmt: skip
def command(source: str | None, worn: str | None, path: Path | None, *, yes: bool) -> None:
    """Set a sensor up: find it, examine it, write the settings, watch it at work.

    Which wrist it is does not matter and is not asked: from the wearer's own walking the model
    finds out how the sensor sits. Ctrl-C ends it at any time, and leaves nothing half done.
    """
    path = path or paths.of_init()
    if source is not None:
        _sensor(source)
    if yes and path.exists():
        raise InputError(f"{path} is there already; move it away, or name another: --config")
    if not yes and not sys.stdin.isatty():
        raise InputError("no terminal to ask at; give --source, --worn and --yes")
    logging.getLogger("device").setLevel(logging.CRITICAL)  # the screen says what the log would
    try:
        _set_up(source, worn, path, asks=not yes)
    except click.Abort:  # at a question, below which nothing is written yet
        click.echo(err=True)
        raise


def _set_up(source: str | None, worn: str | None, path: Path, *, asks: bool) -> None:
    if asks:
        click.echo("Ctrl-C ends this at any time. Nothing is written before you have seen it.")
    source = source or _found(asks=asks)
    setting = _sensor(source)
    _examine(setting, asks=asks)
    worn = worn or (_where_worn() if asks else "wrist")
    model = WORN[worn][1]
    content = first_settings.text(source, model, path)
    wanted = not asks or _agreed(path, content)
    stop = signals.until_told_to_stop()  # from here on Ctrl-C ends what goes on, not all of it
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
        raise InputError("a recording is no sensor; give --source serial:PORT or i2c:BUS")
    return setting


def _found(*, asks: bool) -> str:
    """Return the source to take; raises EdgeharError if there is none."""
    _head("The sensor")
    click.echo(f"Asking I2C buses, and serial ports for {search.PATIENCE_S:g} s at most ...")
    found = [*search.serial_ports(), *search.i2c_chips()]
    usable = [candidate for candidate in found if candidate.usable]
    for candidate in found:
        mark = usable.index(candidate) + 1 if candidate.usable and len(usable) > 1 else "-"
        click.echo(f"  {mark}  {candidate.source}\n     {candidate.says}")
    if not usable:
        _despair(found, asks=asks)
    if len(usable) == 1:
        click.echo(f"Only one can be used, and is taken: {usable[0].source}")
        return usable[0].source
    if not asks:
        names = " or ".join(candidate.source for candidate in usable)
        raise InputError(f"there is more than one sensor; give --source {names}")
    return usable[_number("Which one", len(usable))].source


def _despair(found: Sequence[Candidate], *, asks: bool) -> None:
    """Say what to do where no sensor was found, and raise EdgeharError."""
    advices = list(dict.fromkeys(candidate.advice for candidate in found if candidate.advice))
    for advice in advices:
        click.echo(f"  -> {advice}")
    click.echo(f"No sensor was found. To check:\n{_CHECK}")
    if asks and click.confirm("See the demo meanwhile? It needs no sensor", default=True):
        click.get_current_context().invoke(demo.command)
    raise EdgeharError("no sensor was found; see to what stands above, then: edgehar init")


def _examine(setting: Source, *, asks: bool) -> None:
    _head("The doctor")
    finding = doctor.port(setting)[0]
    if finding.name == ports.IN_USE:
        raise EdgeharError(f"{finding.text}; {finding.advice}")
    click.echo(
        f"It listens for {doctor.LISTEN_S:g} s. Lay the sensor down and let go of it. Half-way,\n"
        "as it then says, take it in the hand and turn it slowly, all ways round."
    )
    if asks:
        click.prompt("Press Enter when it lies still", "", prompt_suffix="", show_default=False)
    if not doctor.examined(setting, doctor.LISTEN_S):
        return
    if asks:
        click.echo("Something failed. What to do about it stands after each ->.")
    if not asks or not click.confirm("Go on all the same", default=False):
        raise EdgeharError("the doctor failed something, so nothing is set up; mend it, try again")


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
    click.echo(f"There is such a file; it would be kept as {first_settings.earlier(path)}.")
    return click.confirm("Write this one in its place", default=False)


def _watch(config: configs.Config, setting: Source, stop: Callable[[], bool]) -> None:
    _head("Live, until Ctrl-C")
    if config.model is None:
        click.echo(
            "Strap it on and walk for half a minute: from that it finds out how the sensor\n"
            "sits, and until then it cannot tell sitting from standing."
        )
    else:
        click.echo("Put it on and move about.")
    watch(config, setting, stop)


def _say_next(path: Path) -> None:
    program, file = _program(), quote(str(path))
    _head("From now on")
    if path == SETTINGS:
        _say(f"{program} service install", "start it now, and at each boot")
        _say(f"{program} service status", "how it is")
    else:
        _say(f"{program} run --config {file}", "recognise, and keep what was decided")
    _say(f"{program} dashboard --config {file}", "a page: what now, the day, 30 days")
    if path != SETTINGS:
        click.echo("As a service, from boot on: see `For good` in docs/INSTALL.md.")


def _say(command_line: str, words: str) -> None:
    click.echo(f"  {command_line}\n      {words}")


def _program() -> str:
    """Return how this program was called, as short as it can be."""
    called = sys.argv[0]
    if Path(called).name != "edgehar" or shutil.which("edgehar") == called:
        return "edgehar"
    return quote(called)


def _number(question: str, count: int) -> int:
    """Ask for one of `count` numbered answers; return its index."""
    answer: int = click.prompt(question, default=1, type=click.IntRange(1, count))
    return answer - 1


def _head(text: str) -> None:
    click.echo()
    click.secho(text, bold=True)
