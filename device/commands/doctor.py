"""`edgehar doctor`: checks the board, the port and the sensor, and prints a page of findings."""

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
from device.doctor.finding import Finding, Level, exit_code
from device.terminal.status_line import StatusLine
from firmware_bridge.errors import EdgeharError

LISTEN_S = 20.0
_STYLES: dict[Level, str] = {
    "ok": "green", "warn": "yellow", "fail": "red", "skipped": "bright_black",
}  # fmt: skip
_INDENT = " " * 10


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar doctor\n"
    "  edgehar doctor --source serial:/dev/ttyUSB0\n"
    "  edgehar doctor --config /etc/edgehar.toml --json\n"
    "\b\nIn the first half of the measurement, leave the sensor lying still. In the second half,\n"
    "hold it in the hand and turn it slowly in all directions. Exit code: 0 if no check failed,\n"
    "1 if a check failed, 2 for a wrong command."
)
@click.option("--source", metavar="SOURCE", help="As in `run`  [default: every sensor found].")
@config_option
@click.option("--seconds", type=click.FloatRange(2, 3600), default=LISTEN_S, show_default=True,
              help="Time to listen.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(source: str | None, config_path: Path | None, seconds: float, *, as_json: bool) -> None:
    """Check board, port and sensor. Each problem comes with advice."""
    named = configs.parse_source(source) if source else None
    page = _examine(named, config_path, seconds)
    if not as_json:
        sys.exit(_print(page))
    findings = list(page)
    code = exit_code([finding for _, finding in findings])
    rows = [{"part": part, **asdict(finding)} for part, finding in findings]
    click.echo(json.dumps({"findings": rows, "exit": code}, indent=1))
    sys.exit(code)


def examine(source: Source, seconds: float) -> int:
    """Print the findings on a source as they come; return 1 if a check failed, else 0."""
    return _print(_examine(source, None, seconds))


def _print(page: Iterable[tuple[str, Finding]]) -> int:
    findings, last = list[Finding](), ""
    for part, finding in page:
        _print_one(part, finding, new=part != last)
        findings.append(finding)
        last = part
    levels = [finding.level for finding in findings]
    counts = [click.style(f"{levels.count(level)} {level}", _STYLES[level]) for level in _STYLES]
    click.echo("\n" + ", ".join(counts))
    return exit_code(findings)


def _examine(
    named: Source | None, config_path: Path | None, seconds: float
) -> Iterator[tuple[str, Finding]]:
    settings, findings = _settings(config_path)
    yield from (("board", finding) for finding in findings)
    for check in _board(settings):
        yield from (("board", finding) for finding in _safely(check))
    source = named or settings.source
    sources = [source] if source else []
    if not sources:
        yield from (("search", finding) for finding in _safely(partial(_search, sources)))
    for one in sources:
        findings = _safely(partial(port, one))
        if all(finding.level != "fail" and finding.name != ports.IN_USE for finding in findings):
            yield from ((_name(one), finding) for finding in findings)
            findings = _safely(partial(_sensor, one, settings.calibration, seconds))
        yield from ((_name(one), finding) for finding in findings)


def _safely(check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Turn an exception of a check into a finding: the doctor runs on broken systems."""
    try:
        return list(check())
    except Exception as error:  # noqa: BLE001 -- the other checks must go on
        text = f"the check itself failed: {type(error).__name__}: {error}"
        return [Finding("fail", "doctor", text, "please report this, with the whole page")]


def _settings(path: Path | None) -> tuple[configs.Config, list[Finding]]:
    path = paths.find_settings(path)
    if path is None:
        return configs.Config(), []
    try:
        return configs.load(path), [Finding("ok", "settings", f"{path}: read")]
    except EdgeharError as error:
        return configs.Config(), [Finding("fail", "settings", str(error), "correct that line")]


def _board(settings: configs.Config) -> Iterator[Callable[[], Iterable[Finding]]]:
    yield lambda: [board.python()]
    yield lambda: [board.model(settings)]
    state = settings.state.parent if settings.state else paths.state_directory()
    if settings.sqlite is not None:
        yield partial(board.database, settings.sqlite)
    if state is not None:
        yield partial(board.folder, state, "state folder")
    if settings.sqlite is None and state is None:
        yield partial(board.folder, Path.cwd(), "this folder", needed=False)
    if settings.calibration is not None:
        calibration = settings.calibration
        yield lambda: [board.calibration(calibration)]
    yield lambda: [board.clock()]
    yield lambda: [board.service()]


def _print_one(part: str, finding: Finding, *, new: bool) -> None:
    if new:
        click.secho(part, bold=True)
    level = click.style(f"{finding.level:8}", _STYLES[finding.level])
    click.echo(f"  {level}{_wrapped(f'{finding.name}: {finding.text}', '')[len(_INDENT) :]}")
    if finding.advice:
        click.echo(_wrapped(finding.advice, "-> "))


def _wrapped(text: str, mark: str) -> str:
    """Wrap a text to the terminal's width, indented, with a mark before the first line."""
    width = shutil.get_terminal_size((100, 24)).columns
    after = _INDENT + " " * len(mark)
    return textwrap.fill(
        text, max(width, 40), initial_indent=_INDENT + mark, subsequent_indent=after,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _name(source: Source) -> str:
    address = f":0x{source.address:02x}" if source.kind == "i2c" else ""
    return f"{source.kind}:{source.path}{address}"


def _search(sources: list[Source]) -> Iterator[Finding]:
    """Look for sensors; adds ports and chips to `sources`."""
    serial_ports = ports.serial_ports()
    sources += [Source("serial", path) for path in serial_ports]
    buses = ports.i2c_buses()
    chips = [chip for bus in buses for chip in ports.chips(bus)]
    sources += [Source("i2c", str(bus), address=address) for bus, address, _ in chips]
    yield Finding("ok", "serial ports", ", ".join(serial_ports) or "none with a device")
    descriptions = [f"{name} at i2c:{bus}:0x{address:02x}" for bus, address, name in chips]
    searched = f"no chip of the MPU-6050 family on {len(buses)} buses" if buses else "no bus exists"
    text = ", ".join(descriptions) or searched
    yield Finding("ok", "i2c", text)
    if not sources:
        advice = "plug it in, or name it: --source serial:/dev/ttyUSB0 or i2c:1:0x68"
        yield Finding("fail", "sensor", "none found", advice)


def port(source: Source) -> list[Finding]:
    """Check the port or bus without opening it; a recording has none."""
    if source.kind == "serial":
        return ports.serial_port(source.path)
    if source.kind == "i2c":
        return ports.i2c_bus(int(source.path), source.address)
    return []


def _sensor(source: Source, calibration: Path | None, seconds: float) -> list[Finding]:
    from device import factory  # noqa: PLC0415 -- loads the whole pipeline
    from device.doctor import measure, sensor  # noqa: PLC0415

    opened = factory.open_source(source)
    if calibration is not None:
        with contextlib.suppress(EdgeharError):  # an unreadable file has its own finding
            opened = factory.calibrated(opened, calibration)
    with StatusLine() as line:

        def tell(since: float, samples: int) -> None:
            still = since < seconds / 2
            do = "leave it lying still" if still else "turn it slowly in all directions"
            line.show(f"{since:.0f} of {seconds:g} s, {samples} samples | {do}")

        return sensor.findings(measure.listen(opened, seconds, tell))
