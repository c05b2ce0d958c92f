"""`edgehar classify`: recordings in, the decisions that `run` would make out, at full speed."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path

import click

from device import factory
from device.calibration import file as calibrations
from device.commands import settings
from device.commands.settings import config_option
from device.decision.decision import to_json
from device.model.classifier import Classifier, self_test
from device.pipeline.parallel import read_ahead, workers
from device.pipeline.pipeline import Pipeline
from device.sources.recording import RecordingSource

LONG_BYTES = 4 << 20
"""Of text, some ten minutes: below it, more processes cost more than they save."""
_QUIET_S, _EVERY_S = 2.0, 0.5


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar classify walk.csv.gz\n"
    "  for f in *.csv; do edgehar classify $f > ${f%.csv}.jsonl; done"
)
@click.argument("recordings", metavar="RECORDING...", nargs=-1, required=True, type=Path)
@click.option("--model", metavar="NAME|FILE", help="A shipped model's name, or a bundle "
              "[default: the active one of `edgehar models`].")  # fmt: skip
@config_option
@click.option("--calibration", metavar="FILE", type=Path, help="From `edgehar calibrate`.")
def command(
    recordings: tuple[Path, ...],
    model: str | None,
    config_path: Path | None,
    calibration: Path | None,
) -> None:
    """Classify recordings: one decision a line, as JSON, on standard output.

    Each recording is a stream of its own and their decisions come in the order given; the first
    of each is `warming_up`, and with several a line on stderr names each one as it begins. The
    decisions are those that `edgehar run` makes of the same samples, without `time`.
    """
    config = settings.load(config_path)
    calibration = calibration or config.calibration
    errors = calibrations.read(calibration).calibration if calibration else None
    bundle = factory.open_bundle(model or config.model, config)
    self_test(bundle)
    progress = _Progress()
    with ExitStack() as stack:
        long = sum(path.stat().st_size for path in recordings if path.is_file()) > LONG_BYTES
        classify = (
            stack.enter_context(workers(bundle)) if long else Classifier(bundle).probabilities
        )
        for path in recordings:
            if len(recordings) > 1:
                click.echo(f"edgehar: {path}", err=True)
            pipeline = Pipeline(bundle, classify, config.rotation)
            for raw in read_ahead(path) if long else RecordingSource(path).blocks():
                block = errors.apply(raw) if errors else raw
                lines = [f"{to_json(decision)}\n" for decision in pipeline.push(block)]
                sys.stdout.write("".join(lines))
                progress.note(path, float(block.t_s[-1]) if len(block) else 0.0)
            sys.stdout.flush()
    progress.end()


class _Progress:
    """A line on stderr, if it is a terminal and the work takes long enough to wonder."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _QUIET_S if sys.stderr.isatty() else float("inf")
        self._shown = False

    def note(self, path: Path, t_s: float) -> None:
        if time.monotonic() >= self._next:
            self._next, self._shown = time.monotonic() + _EVERY_S, True
            click.echo(f"\r\x1b[K{path}: at {t_s / 3600:.1f} h", err=True, nl=False)

    def end(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
