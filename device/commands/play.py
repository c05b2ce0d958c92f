"""`edgehar play`: sends a recording over a serial line, as the firmware would."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from device.terminal.status_line import QUIET_S, StatusLine
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.playing import faults
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.playing.line import PortLine, PtyLine
from firmware_bridge.playing.plan import Action, Played, stream
from firmware_bridge.playing.player import Player, Saver
from firmware_bridge.recording import RecordingWriter, check_new, read_blocks
from firmware_bridge.whole_file import write_json


def _speed(_ctx: click.Context, _param: click.Parameter, value: str) -> float | None:
    """Return the factor; None means no pause between frames."""
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{value!r} is neither a factor above 0 nor max")
    return speed


@click.command(
    epilog="\b\nFaults, repeatable by --seed; positions in seconds of the recording:\n"
    "  drop:1%  flip:1%  duplicate:1%  reorder:1%  garbage:1%\n"
    "                  damage that share of the frames with samples; at most one fault a frame\n"
    "  stall:3s@60s    send nothing for 3 s of real time, then catch up\n"
    "  unplug:3s@60s   the port vanishes; the samples of those 3 s are never sent\n"
    "  reboot@90s      the device's numbering and clock start from 0\n"
    "\b\nExamples:\n"
    "  edgehar play walk.csv.gz --port /dev/ttyUSB1\n"
    "  edgehar play walk.csv.gz --link /tmp/wrist --speed max \\\n"
    "      --fault drop:1% --fault unplug:3s@60s --save sent.csv\n"
    "  edgehar run --source serial:/tmp/wrist        # in another terminal"
)
@click.argument("recording", metavar="RECORDING", type=Path)
@click.option("--port", metavar="PORT", type=Path, help="A serial port, used at 115200 baud.")
@click.option("--pty", is_flag=True, help="Make a virtual port and print its name. Playing starts "
              "when a reader has opened the port and has asked for a hello.")  # fmt: skip
@click.option("--link", metavar="PATH", type=Path, help="Name the virtual port; implies --pty.")
@click.option("--speed", metavar="X", callback=_speed, default="1", show_default=True,
              help="A factor on the recording's pace, or max: as fast as possible.")  # fmt: skip
@click.option("--fault", "specs", metavar="SPEC", multiple=True,
              help="A fault from the list below; may be repeated.")  # fmt: skip
@click.option("--seed", metavar="N", type=int, default=0, help="Seed of the faults.")
@click.option("--save", metavar="FILE", type=Path, help="Write the recording as a reader gets it: "
              "rounded to the sensor's LSB and to µs, without the samples that were not delivered "
              "intact and in order.")  # fmt: skip
@click.option("--report", metavar="FILE", type=Path, help="Write a JSON summary on exit.")
def command(  # noqa: PLR0913 -- one for each option
    recording: Path,
    port: Path | None,
    *,
    pty: bool,
    link: Path | None,
    speed: float | None,
    specs: tuple[str, ...],
    seed: int,
    save: Path | None,
    report: Path | None,
) -> None:
    """Play a recording as the firmware would send it: +-4 g, +-500 deg/s, 10 samples a frame.

    Prints exact counts of sent and lost samples to standard error at the end.
    """
    pty = pty or link is not None
    if pty == (port is not None):
        raise InputError("play needs either --port PORT or --pty")
    if save is not None:
        check_new(save)
    trouble = faults.parse(specs)
    blocks = read_blocks(recording)
    first = next(blocks, None)
    if first is None:
        raise InputError(f"{recording}: has no samples")
    device, played = VirtualDevice(), Played()
    actions = stream(chain([first], blocks), device, trouble, seed, played)
    try:
        with ExitStack() as stack:
            if port is not None:
                line: PortLine | PtyLine = PortLine(port)
            else:
                # A fixed name, so that an unplugged port comes back under the same name.
                folder = stack.enter_context(TemporaryDirectory(prefix="edgehar-"))
                line = PtyLine(link or Path(folder) / "port")
            listeners = [_progress(stack.enter_context(StatusLine(QUIET_S)))]
            saver = None
            if save is not None:
                saver = Saver(device, stack.enter_context(RecordingWriter(save)))
                listeners.append(saver.take)
            on_plug = click.echo if pty else lambda _: None
            Player(device, line, on_plug, listeners).play(actions, played, speed)
            if saver is not None:
                saver.write()
    except OSError as error:
        raise EdgeharError(f"cannot write {save}: {error.strerror}") from error
    summary = {
        **asdict(played),
        "saturated": device.saturated,
        "skipped": device.skipped,
        "seed": seed,
        "faults": list(specs),
    }
    if report is not None:
        write_json(report, summary)
    click.echo(_in_words(played, device), err=True)


def _in_words(played: Played, device: VirtualDevice) -> str:
    lost = ", ".join(f"{cause} {count}" for cause, count in played.lost.items() if count)
    text = (
        f"played {played.samples} samples in {played.frames} frames: {played.delivered} delivered,"
        f" {sum(played.lost.values())} lost{f' ({lost})' if lost else ''}"
    )
    counts = {
        "frames sent twice": played.duplicates,
        "bursts of garbage": played.garbage,
        "stalls": played.stalls,
        "unplugged": played.unplugs,
        "reboots": played.reboots,
        "values beyond full scale": device.saturated,
        "samples skipped (not finite, or back in time)": device.skipped,
    }
    return "; ".join([text, *(f"{name}: {count}" for name, count in counts.items() if count)])


def _progress(status: StatusLine) -> Callable[[Action], None]:
    """Return a listener that shows the position of an action in the recording."""
    begin_us: list[int] = []

    def note(action: Action) -> None:
        if not begin_us:
            begin_us.append(action.due_us)
        minutes, seconds = divmod((action.due_us - begin_us[0]) // 1_000_000, 60)
        status.show(f"played {minutes}:{seconds:02d} of the recording")

    return note
