"""`edgehar doctor`: one page on what works here, what does not, and what to do."""

import contextlib
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from device.commands.settings import config_option
from device.config import load as configs
from device.config import paths
from device.config.source import Source
from device.doctor import board, ports
from device.doctor.finding import Finding, exit_code
from device.terminal.status_line import StatusLine
from firmware_bridge.errors import EdgeharError

LISTEN_S = 20.0
_STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "skipped": "bright_black"}
_INDENT = " " * 10


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar doctor\n"
    "  edgehar doctor --source serial:/dev/ttyUSB0\n"
    "  edgehar doctor --config /etc/edgehar.toml --json\n"
    "\b\nWhile it listens, leave the sensor lying still for the first half, then hold it in the\n"
    "hand and turn it slowly, all ways round. Exit code: 0 if nothing failed, 1 if something did,\n"
    "2 if the command itself was wrong."
)
@click.option("--source", metavar="SOURCE", help="As in `run`; else what is found is looked at.")
@config_option
@click.option("--seconds", type=click.FloatRange(2, 3600), default=LISTEN_S, show_default=True,
              help="To listen.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(source: str | None, config_path: Path | None, seconds: float, *, as_json: bool) -> None:
    """Find out what is wrong: board, port, sensor, each line with what to do about it."""
    given = configs.parse_source(source) if source else None
    found = _examine(given, config_path, seconds)
    if not as_json:
        sys.exit(_printed(found))
    findings = list(found)
    code = exit_code([finding for _, finding in findings])
    page = [{"part": part, **asdict(finding)} for part, finding in findings]
    click.echo(json.dumps({"findings": page, "exit": code}, indent=1))
    sys.exit(code)


def examined(source: Source, seconds: float) -> int:
    """Print the page of a source, as it comes; return 1 if anything failed, else 0."""
    return _printed(_examine(source, None, seconds))


def _printed(found: Iterable[tuple[str, Finding]]) -> int:
    findings, last = list[Finding](), ""
    for part, finding in found:
        _print(part, finding, new=part != last)
        findings.append(finding)
        last = part
    _print_sum([finding.level for finding in findings])
    return exit_code(findings)


def _examine(
    given: Source | None, config_path: Path | None, seconds: float
) -> Iterator[tuple[str, Finding]]:
    settings, said = _settings(config_path)
    for finding in said:
        yield "board", finding
    for look in _board(settings):
        for finding in _safely(look):
            yield "board", finding
    source = given or settings.source
    sources = [source] if source else []
    if not sources:
        found = _safely(lambda: _found(sources))
        for finding in found:
            yield "search", finding
    for one in sources:
        found = _safely(partial(port, one))
        usable = all(each.level != "fail" and each.name != ports.IN_USE for each in found)
        if usable:
            yield from ((_name(one), finding) for finding in found)
            found = _safely(partial(_sensor, one, settings.calibration, seconds))
        yield from ((_name(one), finding) for finding in found)


def _safely(look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Turn the failure of a check into a finding: the doctor runs on broken systems."""
    try:
        return list(look())
    except Exception as error:  # noqa: BLE001 -- whatever it is, the other checks matter more
        text = f"the check itself failed: {type(error).__name__}: {error}"
        return [Finding("fail", "doctor", text, "please report this, with the whole page")]


def _settings(path: Path | None) -> tuple[configs.Config, list[Finding]]:
    path = paths.find_settings(path)
    if path is None:
        return configs.Config(), []
    try:
        return configs.load(path), [Finding("ok", "settings", f"{path}: read")]
    except EdgeharError as error:
        return configs.Config(), [Finding("fail", "settings", str(error), "look at that line")]


def _board(settings: configs.Config) -> Iterator[Callable[[], Iterable[Finding]]]:
    yield lambda: [board.python()]
    yield lambda: [board.model(settings)]
    state = settings.state.parent if settings.state else paths.state_directory()
    if settings.sqlite is not None:
        database = settings.sqlite
        yield lambda: board.database(database)
    if state is not None:
        folder = state
        yield lambda: board.folder(folder, "state folder")
    if settings.sqlite is None and state is None:
        yield lambda: board.folder(Path.cwd(), "this folder", needed=False)
    if settings.calibration is not None:
        calibration = settings.calibration
        yield lambda: [board.calibration(calibration)]
    yield lambda: [board.clock()]
    yield lambda: [board.service()]


def _print(part: str, finding: Finding, *, new: bool) -> None:
    if new:
        click.secho(part, bold=True)
    level = click.style(f"{finding.level:8}", _STYLES[finding.level])
    click.echo(f"  {level}{_wrapped(f'{finding.name}: {finding.text}', '')[len(_INDENT) :]}")
    if finding.advice:
        click.echo(_wrapped(finding.advice, "-> "))


def _wrapped(text: str, mark: str) -> str:
    """Break a text into lines that fit, all indented, the first with a mark."""
    width = shutil.get_terminal_size((100, 24)).columns
    after = _INDENT + " " * len(mark)
    return textwrap.fill(
        text, max(width, 40), initial_indent=_INDENT + mark, subsequent_indent=after,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _print_sum(levels: list[str]) -> None:
    counts = [(level, levels.count(level)) for level in _STYLES]
    click.echo("\n" + ", ".join(click.style(f"{n} {level}", _STYLES[level]) for level, n in counts))


def _name(source: Source) -> str:
    address = f":0x{source.address:02x}" if source.kind == "i2c" else ""
    return f"{source.kind}:{source.path}{address}"


def _found(sources: list[Source]) -> Iterator[Finding]:
    """Look for sensors; adds to `sources` what is worth listening to."""
    serial_ports = ports.serial_ports()
    sources += [Source("serial", path) for path in serial_ports]
    buses = ports.i2c_buses()
    chips = [chip for bus in buses for chip in ports.chips(bus)]
    sources += [Source("i2c", str(bus), address=address) for bus, address, _ in chips]
    yield Finding("ok", "serial ports", ", ".join(serial_ports) or "none with a device")
    said = [f"{name} at i2c:{bus}:0x{address:02x}" for bus, address, name in chips]
    text = ", ".join(said) or f"no chip of the family on {len(buses)} buses"
    yield Finding("ok", "i2c", text)
    if not sources:
        advice = "plug it in, or name it: --source serial:/dev/ttyUSB0 or i2c:1:0x68"
        yield Finding("fail", "sensor", "none found", advice)


def port(source: Source) -> list[Finding]:
    """Look at the port or bus without opening it; a recording has none."""
    if source.kind == "serial":
        return ports.serial_port(source.path)
    if source.kind == "i2c":
        return ports.i2c_bus(int(source.path), source.address)
    return []


def _sensor(source: Source, calibration: Path | None, seconds: float) -> list[Finding]:
    from device import factory  # noqa: PLC0415 -- it loads the model path
    from device.doctor import measure, sensor  # noqa: PLC0415

    opened = factory.open_source(source)
    if calibration is not None:
        # One that cannot be read has its own line.
        with contextlib.suppress(EdgeharError):
            opened = factory.calibrated(opened, calibration)
    with StatusLine() as line:

        def tell(since: float, samples: int) -> None:
            do = "leave it lying still" if since < seconds / 2 else "turn it slowly, all ways round"
            line.show(f"{since:.0f} of {seconds:g} s, {samples} samples | {do}")

        return sensor.findings(measure.listen(opened, seconds, tell))
