"""`edgehar demo`: runs the daemon on a synthetic wearer over a virtual serial line."""

import logging
import threading
from functools import partial
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from device import factory
from device.daemon import loop, signals
from device.daemon.build import with_view
from device.decision.decision import Decision
from device.model.classifier import Classifier
from device.pipeline.pipeline import Pipeline
from device.sinks import Outlet
from device.sources.serial import SerialSource
from device.terminal.live_view import LiveView, PlainView, Tally, Truth, view_on
from device.terminal.log import log_to_stderr
from firmware_bridge.errors import EdgeharError
from firmware_bridge.playing import faults
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.playing.line import PtyLine
from firmware_bridge.playing.plan import Played, stream
from firmware_bridge.playing.player import Player
from firmware_bridge.recording import RecordingWriter, check_new
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.wearer import WRIST_NUMBERS, Wearer
from firmware_bridge.whole_file import write_whole

MODEL = "wrist"
SCRIPT = (
    ("standing", 12.0),
    ("walking", 45.0),
    ("stairs", 30.0),
    ("running", 24.0),
    ("sitting", 30.0),
    ("standing", 24.0),
    ("walking", 20.0),
)
"""Starts with half a minute of walking: until the mounting is known, postures are `unknown`."""
FAULTS = ("drop:1%", "unplug:3s@150s")
SPEED = 6.0


@click.command(epilog="\b\nExample:\n  edgehar demo")
@click.option("--picture", metavar="FILE", type=Path, help="Save the last view as an SVG file.")
@click.option("--keep", metavar="FILE", type=Path, help="Keep the wearer's recording, with labels: "
              "a .csv or .csv.gz file.")  # fmt: skip
def command(picture: Path | None, keep: Path | None) -> None:
    """Run the daemon on a synthetic wearer: half a minute, no hardware needed.

    The wearer follows a script. The samples go over a virtual serial line, which loses frames and
    is unplugged once, to the same daemon that `edgehar run` starts. The demo shows that the parts
    work together. It is no measure of accuracy on people.
    """
    if keep is not None:
        check_new(keep)
    console = Console(highlight=False, force_terminal=True if picture else None)
    stop = signals.stop_signal()
    bundle = factory.open_bundle(MODEL)
    samples, labels = Wearer(1, WRIST_NUMBERS).samples(SCRIPT)
    console.print(
        f"A synthetic wearer, {len(samples) / 50:.0f} s at {SPEED:g} times the pace, over a virtual"
        " serial line.\nThe line loses 1 % of its frames on purpose, and is unplugged once.\n"
    )
    tally = Tally(truth := partial(_truth, samples, np.array(labels)))
    with TemporaryDirectory(prefix="edgehar-") as folder:
        line = _PlayedLine(samples, Path(folder) / "wrist")
        source = SerialSource(str(line.link), 115200)
        view = _view(console, bundle.id, truth, source)
        line.start()
        outlets = [Outlet(tally), Outlet(view)]
        pipeline = Pipeline(bundle, with_view(Classifier(bundle).probabilities, view))
        ended = lambda: stop() or not line.playing()  # noqa: E731
        report = loop.run(source, pipeline, bundle.spec, outlets, ended)
        line.stop()
    if keep is not None:
        _keep(keep, samples, labels)
    if picture is not None and isinstance(view, LiveView):
        write_whole(picture, view.picture().encode())
    if not stop():
        _summarise(console, tally, report, line.played)


def _keep(path: Path, samples: Samples, labels: list[str]) -> None:
    # Rounded to 0.1 mg and 0.1 mrad/s: finer than the sensor's LSB, and a tenth of the file's size.
    acc, gyro = samples.acc_g.round(4), samples.gyro_rad_s.round(4)
    try:
        with RecordingWriter(path) as recording:
            recording.write(Samples(samples.t_s, acc, gyro), labels)
    except OSError as error:
        raise EdgeharError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"written: {path}; try: edgehar classify {path}", err=True)


def _view(console: Console, model: str, truth: Truth, source: SerialSource) -> LiveView | PlainView:
    if console.is_terminal:
        logging.getLogger("device").setLevel(logging.CRITICAL)  # the view shows losses itself
    else:
        log_to_stderr()

    def footer() -> str:
        counts = source.counts
        return (
            f"{counts['frames']} frames and {counts['samples']} samples came,"
            f" {counts['lost']} samples were lost; unplugged {counts['unplugged']} times"
        )

    return view_on(console, f"edgehar demo: synthetic wearer, {model}", truth, footer)


def _truth(samples: Samples, labels: NDArray[np.str_], decision: Decision) -> str:
    """Return the wearer's activity in a decision's time; '' if there were several."""
    if decision.start_s is None or decision.end_s is None:
        return ""
    first, last = np.searchsorted(samples.t_s, (decision.start_s, decision.end_s))
    activities = set(labels[first:last].tolist())
    return activities.pop() if len(activities) == 1 else ""


class _PlayedLine:
    """A virtual serial port, and a thread that plays samples on it."""

    def __init__(self, samples: Samples, link: Path) -> None:
        self.link = link
        self.played = Played()
        self._samples = samples
        self._plugged = threading.Event()
        self._stopped = False
        self._error: EdgeharError | None = None
        self._thread = threading.Thread(target=self._play, daemon=True)

    def start(self) -> None:
        """Start playing; return when the port exists."""
        self._thread.start()
        self._plugged.wait(5.0)

    def playing(self) -> bool:
        """Return whether more samples will come. Raises the player's error."""
        if self._error is not None:
            raise self._error
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop sending."""
        self._stopped = True

    def _play(self) -> None:
        device = VirtualDevice()
        trouble = faults.parse(FAULTS)
        actions = stream([self._samples], device, trouble, 1, self.played)
        player = Player(device, PtyLine(self.link), lambda _: self._plugged.set())
        try:
            player.play(takewhile(lambda _: not self._stopped, actions), self.played, SPEED)
        except EdgeharError as error:
            self._error = error


def _summarise(console: Console, tally: Tally, report: loop.Report, played: Played) -> None:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("the synthetic wearer was")
    table.add_column("windows", justify="right")
    table.add_column("right", justify="right")
    for activity, (windows, right) in tally.scores.items():
        table.add_row(activity, str(windows), str(right))
    console.print(table)
    lost, counted = sum(played.lost.values()), report.source["lost"]
    console.print(
        f"The line lost {lost} samples on purpose ({played.lost['drop']} dropped,"
        f" {played.lost['unplug']} while unplugged); the daemon counted {counted}.\n"
        "The wearer is synthetic: this shows that the parts work together. Accuracy on people is in"
        " docs/ACCURACY.md."
    )
