"""`edgehar classify`: makes the decisions of `run` from recordings, at full speed."""

import sys
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
from device.terminal.status_line import QUIET_S, StatusLine

LONG_BYTES = 4 << 20
"""About ten minutes of samples as text. For less, more processes cost more than they save."""


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

    Each recording is a separate stream, so its first decision is `warming_up`. If several are
    given, a line on standard error names each. The decisions are those that `edgehar run` makes
    from the same samples, without `time`.
    """
    config = settings.load(config_path)
    calibration = calibration or config.calibration
    errors = calibrations.read(calibration).calibration if calibration else None
    bundle = factory.open_bundle(model or config.model, config)
    self_test(bundle)
    with ExitStack() as stack:
        status = stack.enter_context(StatusLine(QUIET_S))
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
                if len(block):
                    status.show(f"{path}: at {float(block.t_s[-1]) / 3600:.1f} h")
            sys.stdout.flush()
