"""`edgehar calibrate`: measures a sensor's constant errors and writes them to a small file."""

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from device import factory
from device.calibration import file as files
from device.calibration.faces import HOLD_S, Result, SixFaces, residual, rounded
from device.calibration.still import Still, StillFinder
from device.calibration.values import Calibration
from device.sources import Source
from device.terminal.status_line import StatusLine
from firmware_bridge.errors import EdgeharError, InputError

REST_S = 10.0
PATIENCE_S = 300.0
"""The command gives up after this time without a new time of rest."""
SILENCE_S = 15.0
"""The command gives up after this time without a sample."""


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar calibrate --source serial:/dev/ttyUSB0 --out wrist.json\n"
    "  edgehar calibrate --source serial:/dev/ttyUSB0 --out wrist.json --rest-only\n"
    "  edgehar run --source serial:/dev/ttyUSB0 --calibration wrist.json\n"
    "\b\nSix faces: hold the sensor still for 4 s with each of its six sides up, in any order,\n"
    "best against a table's edge or a box. No side needs to be level. A tilted position at rest\n"
    "is used to check the result."
)
@click.option("--source", metavar="SOURCE", required=True, help="As in `run`; also recording:FILE.")
@click.option("--out", metavar="FILE", required=True, type=Path, help="The calibration file.")
@click.option("--rest-only", is_flag=True, help="Measure the gyroscope's bias alone: lay the "
              "sensor down for 11 s. The accelerometer's values in FILE stay.")  # fmt: skip
def command(source: str, out: Path, *, rest_only: bool) -> None:
    """Measure a sensor's constant errors: accelerometer offset and scale, gyroscope bias.

    The positions may come in any order. The file is small JSON; `run` and `classify` use it with
    --calibration. An earlier file is replaced.
    """
    opened = factory.open_source(source)
    earlier = files.read(out).calibration if rest_only and out.exists() else Calibration()
    _must_be_writable(out)
    with StatusLine() as line:
        result = _rest(opened, line, earlier) if rest_only else _six(opened, line)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    files.write(out, files.made(result, opened.name, date, opened.health.temperature_c))
    click.echo(_summary(result))
    click.echo(f"written to {out}; use it: edgehar run --source {source} --calibration {out}")


def _must_be_writable(out: Path) -> None:
    """Check before the measurement that the file can be written. Raises InputError."""
    if out.is_dir():
        raise InputError(f"cannot write {out}: it is a folder; give a file's name")
    part = out.with_name(f"{out.name}.part")
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}; give another name") from error


def _stills(
    source: Source, finder: StillFinder, line: StatusLine, wanted: Callable[[], str]
) -> Generator[Still]:
    """Yield times of rest. Raises EdgeharError after a silence, or PATIENCE_S without rest."""
    heard = last = time.monotonic()
    with closing(source.blocks()) as blocks:
        for block in blocks:
            for still in finder.push(block):
                last = time.monotonic()
                yield still
            now = time.monotonic()
            heard = now if len(block) else heard
            if now - heard > SILENCE_S:
                raise EdgeharError(
                    f"no samples from {source.name} for {SILENCE_S:g} s; try"
                    f" edgehar doctor --source {source.name}"
                )
            if now - last > PATIENCE_S:
                raise EdgeharError(f"gave up after {PATIENCE_S:g} s: {wanted()}")
            state = finder.moving or f"still for {finder.held_s:g} s"
            line.show(f"{wanted()} | now: {state}")
    raise EdgeharError(f"{source.name} ended: {wanted()}")


def _six(source: Source, line: StatusLine) -> Result:
    six, finder = SixFaces(), StillFinder(HOLD_S)

    def wanted() -> str:
        return f"not seen yet: {' '.join(six.missing)} up"

    line.say(
        f"Hold the sensor still for {HOLD_S + 1:g} s with each side up: {' '.join(six.missing)}"
    )
    with closing(_stills(source, finder, line, wanted)) as stills:
        for still in stills:
            line.say(six.offer(still) + (f"; {wanted()}" if six.missing else ""))
            if six.result is not None:
                return six.result
    raise AssertionError  # _stills ends with an error


def _rest(source: Source, line: StatusLine, earlier: Calibration) -> Result:
    finder = StillFinder(REST_S)

    def wanted() -> str:
        return f"no {REST_S:g} s of rest yet; before: {finder.disturbed}"

    line.say(f"Lay the sensor down and do not touch it for {REST_S + 1:g} s.")
    with closing(_stills(source, finder, line, wanted)) as stills:
        still = next(stills)
    calibration = replace(earlier, gyro_bias_rad_s=rounded(still.gyro_rad_s))
    return Result(calibration, {"at rest": residual(calibration, [still.later_acc_g])})


def _summary(result: Result) -> str:
    def row(name: str, values: Iterable[float], form: str, unit: str) -> str:
        return f"{name:22}" + " ".join(f"{value:{form}}" for value in values) + f"  {unit}"

    calibration = result.calibration
    offset_mg = [1000 * value for value in calibration.acc_offset_g]
    bias_dps = np.degrees(calibration.gyro_bias_rad_s).tolist()
    lines = [
        f"{'':22}       x        y        z",
        row("accelerometer offset", offset_mg, "+8.1f", "mg"),
        row("accelerometer scale", calibration.acc_scale, "8.4f", ""),
        row("gyroscope bias", bias_dps, "+8.2f", "deg/s"),
    ]
    for where, off in result.residuals.items():
        lines.append(
            f"|a| off 1 g, rms, {where}: {off.before_mg:.1f} mg before, {off.after_mg:.1f} mg after"
        )
    return "\n".join(line.rstrip() for line in lines)
