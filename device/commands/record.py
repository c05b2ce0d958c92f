"""`edgehar record`: what a sensor sends, into a recording."""

import logging
import time
from contextlib import closing
from pathlib import Path

import click

from device.commands import options
from device.daemon import in_words
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.recording import RecordingWriter

log = logging.getLogger(__name__)


@click.command(
    epilog="\b\nExample:\n"
    "  edgehar record --source serial:/dev/ttyUSB0 --out walk.csv.gz --seconds 60"
)
@click.option("--source", metavar="SOURCE", required=True, help="serial:PORT[?baud=N].")
@click.option("--out", metavar="FILE", required=True, type=Path, help="A .csv or .csv.gz file.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after so long.")
def command(source: str, out: Path, seconds: float | None) -> None:
    """Record samples until Ctrl-C, SIGTERM or the time is up.

    The file appears under its name when it is whole; until then it is FILE.part.
    """
    options.log_to_stderr()
    opened = options.open_source(source)
    stop = options.until_told_to_stop()
    end = time.monotonic() + seconds if seconds else float("inf")
    taken = 0
    try:
        with RecordingWriter(out) as recording, closing(opened.blocks()) as blocks:
            log.info("recording %s to %s", opened.name, out)
            for block in blocks:
                if len(block):
                    recording.write(block)
                    taken += len(block)
                if stop() or time.monotonic() >= end:
                    break
            if not taken:
                raise InputError(f"{opened.name} gave no samples, so there is no recording")
    except OSError as error:
        raise EdgeharError(f"cannot write {out}: {error.strerror}; see {out}.part") from error
    finally:
        if not taken:
            out.with_name(f"{out.name}.part").unlink(missing_ok=True)
    log.info("%s: %s", out, in_words({"samples": taken, **opened.counts}))
