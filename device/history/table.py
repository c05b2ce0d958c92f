"""A day in the terminal: a picture out of letters, and a table of what lasted."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from device.history.day import SHORT_MS, Bout
from device.history.lanes import Lane, course, duration, hours, in_words, lanes, name, reasons
from device.history.whole_day import Day
from device.history.zone import to_local

LEAST_MS = 60_000
"""Shorter bouts are in the sums and in the picture, not in the table."""
_COLUMN_MS = 1_800_000
_BARS = " ▁▂▃▄▅▆▇█"


def show(day: Day) -> None:
    """Print it, on 79 columns."""
    console = Console(highlight=False, width=None)
    found = lanes(day, _COLUMN_MS)
    known_ms = sum(lane.ms for lane in found if lane.is_activity)
    console.print(f"[bold]{day.date:%A}, {day.date.day} {day.date:%B %Y}[/bold]")
    if not known_ms:
        console.print("Nothing was recognised on this day.")
    for line in _picture(day, found):
        console.print(line, no_wrap=True)
    console.print(f"{duration(known_ms)} of known activity; the rest is not counted as any.")
    if why := reasons(day):
        console.print("Unknown: " + ", ".join(f"{duration(ms)} {words}" for words, ms in why))
    for words in _notes(day):
        console.print(words, style="yellow")
    long, short = course(day, LEAST_MS)
    if long:
        console.print(_table(day, long))
    if short:
        console.print(
            f"{short} shorter ones ({SHORT_MS // 1000} s to a minute) are in the sums above, and so"
            f" is every flicker; two bouts less than {SHORT_MS // 1000} s apart are one here."
        )


def _picture(day: Day, found: list[Lane]) -> list[Text]:
    scale = ""
    for at_ms, hour in hours(day):
        column = (at_ms - day.start_ms) // _COLUMN_MS
        if hour % 3 == 0 and column >= len(scale):
            scale = scale.ljust(column) + f"{hour:02}"
    lines = [Text(f"{'':19}{scale}", "dim")]
    for lane in found:
        bars = "".join(_BARS[-int(-share * (len(_BARS) - 1))] for share in lane.shares)
        words = f"{lane.name[:18]:18} {bars} {duration(lane.ms):>11}"
        lines.append(Text(words, "green" if lane.is_activity else "dim"))
    return lines


def _table(day: Day, long: list[Bout]) -> Table:
    table = Table(box=None, pad_edge=False)
    for words in ("from", "to", "for", ""):
        table.add_column(words, justify="right" if words == "for" else "left")
    table.add_column("of it", justify="right")
    for bout in long:
        begin, end = (to_local(at, day.zone) for at in (bout.start_ms, bout.end_ms))
        share = f"{100 * bout.own_ms // bout.ms} %"
        style = "" if bout.state == "ok" else "dim"
        lasted = duration(bout.ms)
        table.add_row(
            f"{begin:%H:%M:%S}", f"{end:%H:%M:%S}", lasted, _words(bout), share, style=style
        )
    return table


def _words(bout: Bout) -> str:
    return f"unknown: {in_words(bout.what)}" if bout.state == "unknown" else name(bout)


def _notes(day: Day) -> list[str]:
    notes = []
    for step in day.steps:
        way = "forward" if step.by_s > 0 else "back"
        at = to_local(step.utc_ms, day.zone)
        notes.append(
            f"The clock was set {way} by {_precisely(abs(step.by_s))} at {at:%H:%M:%S}; what came"
            " before, since the boot, is shown where it belongs."
        )
    if day.misdated:
        notes.append(
            f"{day.misdated} decisions are left out: they are dated in the time of others, by a"
            " clock that was never set right. `edgehar history` has them."
        )
    return notes


def _precisely(by_s: float) -> str:
    if by_s < 60:
        return f"{by_s:.1f} s"
    days, rest_s = divmod(round(by_s), 86400)
    return (f"{days} d " if days else "") + duration(1000 * rest_s)
