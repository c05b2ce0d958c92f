"""A day as an SVG picture for light and dark pages."""

from html import escape
from itertools import groupby
from textwrap import wrap

from device.history.colours import css, css_class
from device.history.lanes import Lane, hours, lanes
from device.history.read_day import Day
from device.history.summary import duration, summary

_PLOT_X, _PLOT_Y, _PLOT_WIDTH = 160, 74, 720
_WIDTH, _LANE, _BAR = 1010, 26, 20
_LEAST = 1.5
"""Smallest height of a bar, for an activity that fills little of its column."""
_NOTE_CHARACTERS = 140
_STYLE = """
text{font:13px system-ui,sans-serif;fill:#222}
.title{font-size:19px;font-weight:600}.small{font-size:12px;fill:#666}
.page{fill:#fff}.lane{fill:#f3f3f3}.tick{stroke:#ccc}.silent{fill:#999}
@media(prefers-color-scheme:dark){text{fill:#e6e6e6}.small{fill:#aaa}.page{fill:#161616}
.lane{fill:#242424}.tick{stroke:#484848}.silent{fill:#8a8a8a}}
"""


def svg(day: Day) -> str:
    """Draw one lane per activity or state; a bar's height is its share of two minutes."""
    rows = lanes(day, _PLOT_WIDTH) if day.pieces else []
    below = _PLOT_Y + _LANE * len(rows)
    notes = [line for note in summary(day) for line in wrap(note, _NOTE_CHARACTERS)]
    if not rows:
        notes.insert(0, "no decisions stored for this day; `edgehar run --sqlite` stores decisions")
    height = below + 34 + 18 * len(notes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{_heading(day)}</title><style>{_STYLE}{css()}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" x="20" y="36">{_heading(day)}</text>',
        *_axis(day, below),
        *(part for at, lane in enumerate(rows) for part in _lane(lane, at)),
        *(
            f'<text class="small" x="20" y="{below + 30 + 18 * at}">{escape(note)}</text>'
            for at, note in enumerate(notes)
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _heading(day: Day) -> str:
    return f"{day.date:%A}, {day.date.day} {day.date:%B %Y}"


def _axis(day: Day, below: int) -> list[str]:
    parts = []
    for past, hour in hours(day):
        x = _PLOT_X + _PLOT_WIDTH * past
        if hour % 3 == 0:
            up, at = _PLOT_Y - 6, f'x="{x:.1f}" y="{_PLOT_Y - 11}"'
            parts.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{up}" y2="{below}"/>')
            parts.append(f'<text class="small" {at} text-anchor="middle">{hour:02}</text>')
    return parts


def _lane(lane: Lane, at: int) -> list[str]:
    top = _PLOT_Y + _LANE * at + (_LANE - _BAR) / 2
    base = top + _BAR
    text, colour = "small", "silent"
    if lane.activity:
        text, colour = "", css_class(lane.activity)
    name, time = escape(lane.name), duration(lane.ms)
    return [
        f'<text class="{text}" x="{_PLOT_X - 12}" y="{base - 5}" text-anchor="end">{name}</text>',
        f'<rect class="lane" x="{_PLOT_X}" y="{top}" width="{_PLOT_WIDTH}" height="{_BAR}"/>',
        f'<path class="{colour}" d="{_bars(lane, base)}"><title>{name}: {time}</title></path>',
        f'<text class="{text}" x="{_PLOT_X + _PLOT_WIDTH + 12}" y="{base - 5}">{time}</text>',
    ]


def _bars(lane: Lane, base: float) -> str:
    """Return the outline of the bars; neighbours of equal height become one bar."""
    heights = [round(max(_LEAST, share * _BAR), 1) if share else 0.0 for share in lane.shares]
    path, x = "", _PLOT_X
    for height, group in groupby(heights):
        width = len(list(group))
        if height:
            path += f"M{x} {base}v-{height}h{width}v{height}z"
        x += width
    return path
