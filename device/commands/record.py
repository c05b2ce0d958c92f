"""`edgehar record`: writes a sensor's samples to a recording, with labels typed meanwhile."""

import logging
import os
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from shlex import quote

import click

from device import factory
from device.daemon import signals
from device.daemon.loop import in_words
from device.labels.typed import LabelTrack, Typist, can_be_typed, cleaned
from device.sources import Source
from device.terminal.log import log_to_stderr
from device.terminal.prompt_line import PromptLine
from device.terminal.status_line import StatusLine
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.recording import RecordingWriter, check_new
from firmware_bridge.samples import Samples

log = logging.getLogger(__name__)

SAVE_EVERY_S = 5.0
"""A power cut may lose the samples of this time."""


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar record --source serial:/dev/ttyUSB0 --out walk.csv.gz --seconds 60\n"
    "  (sleep 5; echo walking; sleep 60; echo; sleep 5) | \\\n"
    "      edgehar record --source serial:/dev/ttyUSB0 --out walk.csv --seconds 70\n"
    "\b\nLabels: type one and press Enter. It applies from that moment until the next label. An\n"
    "empty line ends it. Samples are written as the sensor gave them, without calibration."
)
@click.option("--source", metavar="SOURCE", required=True, help="As in `run`.")
@click.option("--out", metavar="FILE", required=True, type=Path, help="A .csv or .csv.gz file.")
@click.option("--force", is_flag=True, help="Replace a recording of that name.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Time to record.")
def command(source: str, out: Path, seconds: float | None, *, force: bool) -> None:
    """Record samples until Ctrl-C, SIGTERM or the end of the time; label them meanwhile.

    FILE appears when it is complete. Until then, and after a crash, the samples are in FILE.part.
    Where samples were lost, a comment line gives their number.
    """
    check_new(out, "give another name, or --force to replace it", force=force)
    opened = factory.open_source(source)
    part = out.with_name(f"{out.name}.part")
    if part.exists():
        raise InputError(
            f"{part} exists, from a recording that still runs or was cut short; to rescue it,"
            f" without the incomplete line: {_rescue(part)} && rm {quote(str(part))}"
        )
    session = _Session(opened, labelled=can_be_typed())
    stop = signals.stop_signal()
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup ignores it
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    end = time.monotonic() + seconds if seconds else float("inf")
    try:
        with ExitStack() as stack:
            session.show_in(stack)
            recording = stack.enter_context(RecordingWriter(out))
            blocks = stack.enter_context(closing(opened.blocks()))
            log.info("recording %s to %s", opened.name, out)
            for block in blocks:
                session.take(block, recording)
                if stop() or time.monotonic() >= end:
                    break
            if not session.samples:
                raise InputError(f"{opened.name} gave no samples, so there is no recording")
    except OSError as error:
        raise EdgeharError(f"cannot write {out}: {error.strerror}; see {part}") from error
    except EdgeharError as error:
        if session.samples:
            log.error("the samples until then are in %s", part)  # noqa: TRY400 -- one line
        else:
            part.unlink(missing_ok=True)
        raise error from None
    log.info("%s: %s", out, session.summary())


def _rescue(part: Path) -> str:
    """Return the shell command that makes a recording of the file that a crash left."""
    name = quote(str(part))
    rescued = quote(str(part.with_name(f"rescued-{part.name.partition('.')[0]}.csv")))
    if part.suffixes[-2:-1] == [".gz"]:
        return f"zcat < {name} 2>&- | head -n -1 > {rescued}"
    return f"head -n -1 {name} > {rescued}"


class _Session:
    """A recording in progress, with the labels typed meanwhile."""

    def __init__(self, source: Source, *, labelled: bool) -> None:
        self._source = source
        self._typist = Typist() if labelled else None
        self._track = LabelTrack()
        self._by_label: Counter[str] = Counter()
        self._view: StatusLine | PromptLine = StatusLine()
        self._begun_s: float | None = None
        self._save_s = 0.0
        self.samples = 0

    def show_in(self, stack: ExitStack) -> None:
        """Log to standard error; on a terminal, draw a status line too."""
        if self._typist and sys.stderr.isatty() and os.isatty(0):
            self._view = PromptLine("label> ")
            # In the background, reading then fails instead of stopping the program.
            signal.signal(signal.SIGTTIN, signal.SIG_IGN)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        stack.enter_context(self._view)
        log_to_stderr(self._view.say)

    def take(self, block: Samples, recording: RecordingWriter) -> None:
        """Write a block with its labels."""
        now = time.monotonic()
        self._hear()
        if len(block):
            if block.lost:
                recording.comment(f"{block.lost} samples were lost here")
            labels = self._track.of(block.t_s, now) if self._typist else None
            recording.write(block, labels)
            self._by_label.update(labels or ())
            self.samples += len(block)
            self._begun_s = self._begun_s or now
        if self.samples and now >= self._save_s:
            self._save_s = now + SAVE_EVERY_S
            recording.flush()
        self._view.show(self._status(now))

    def summary(self) -> str:
        """Return the numbers of samples and losses, and of samples by label."""
        text = in_words({"samples": self.samples, **self._source.counts})
        labels = [f"{label} {count}" for label, count in self._by_label.items() if label]
        return f"{text}; labelled: {', '.join(labels)}" if labels else text

    def _hear(self) -> None:
        lines = self._typist.lines() if self._typist else []
        if lines and isinstance(self._view, PromptLine):
            self._view.entered(len(lines))
        for at_s, line in lines:
            try:
                label = cleaned(line)
            except ValueError as error:
                log.warning("label refused: %s", error)
                continue
            self._track.typed(at_s, label)
            log.info("label: %s", label or "none")

    def _status(self, now: float) -> str:
        seconds = now - self._begun_s if self._begun_s else 0.0
        lost = self._source.counts.get("lost", 0)
        return (
            f"{seconds:.0f} s, {self.samples} samples, {lost} lost,"
            f" label: {self._track.label or 'none'}"
        )
