"""A day in the terminal: a picture of characters, and a table of bouts."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from device.history.bouts import MINUTE_MS, Bout, bouts
from device.history.lanes import Lane, hours, lanes, name
from device.history.read_day import Day
from device.history.summary import duration, in_words, summary
from device.history.zone import to_local

_COLUMN_MS = 1_800_000
_BARS = " ▁▂▃▄▅▆▇█"


def show(day: Day) -> None:
    """Print a day."""
    console = Console(highlight=False, markup=False)
    console.print(f"{day.date:%A}, {day.date.day} {day.date:%B %Y}", style="bold")
    columns = (day.end_ms - day.start_ms) // _COLUMN_MS
    if not columns:
        console.print("The time zone skipped this day.")
        return
    if not day.pieces:
        console.print("This day has not begun yet.")
        return
    for line in _picture(day, lanes(day, columns), columns):
        console.print(line, no_wrap=True, crop=False)
    for note in summary(day):
        console.print(note)
    console.print(_table(day, bouts(day.pieces, MINUTE_MS)))
    console.print("The sums, the picture and `share` include times shorter than a minute.")


def _picture(day: Day, rows: list[Lane], columns: int) -> list[Text]:
    scale = ""
    for past, hour in hours(day):
        column = round(past * columns)
        if hour % 3 == 0 and column >= len(scale):
            scale = scale.ljust(column) + f"{hour:02}"
    lines = [Text(f"{'':17}{scale}", "dim")]
    for lane in rows:
        bars = "".join(_BARS[-int(-share * (len(_BARS) - 1))] for share in lane.shares)
        words = f"{lane.name[:16]:16} {bars} {duration(lane.ms):>11}"
        lines.append(Text(words, "green" if lane.activity else "dim"))
    return lines


def _table(day: Day, rows: list[Bout]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("from")
    table.add_column("to")
    table.add_column("duration", justify="right")
    table.add_column("activity", overflow="fold")
    table.add_column("share", justify="right")
    for bout in rows:
        begin, end = (f"{to_local(at, day.zone):%H:%M:%S}" for at in (bout.start_ms, bout.end_ms))
        what = f"unknown: {in_words(bout.what)}" if bout.state == "unknown" else name(bout)
        share = f"{100 * bout.own_ms // bout.ms} %"
        style = "" if bout.state == "ok" else "dim"
        table.add_row(begin, end, duration(bout.ms), what, share, style=style)
    return table
