"""The live view in a terminal: the latest decisions, the probabilities and the movement."""

import io
import re
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from device.decision.decision import IN_WORDS, Decision

WIDTH = 64
"""Width of the strip, columns; a full bar has half as many."""
_PANEL = WIDTH + 16
_LAST = 4
_STRIP_G = 1.0
Truth = Callable[[Decision], str]
"""Returns the true activity in a decision's time; '' if there were several.

None, if the truth is not known.
"""
_STYLES = {
    "ok": "bold green",
    "unknown": "yellow",
    "warming_up": "cyan",
    "not_worn": "magenta",
    "no_data": "bold red",
}
_SHADES, _ASCII_SHADES = " ▁▂▃▄▅▆▇█", " .:-=+*#%@"


class Tally:
    """A sink that counts right decisions."""

    name = "tally"

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self.scores: dict[str, tuple[int, int]] = {}
        """(windows, right) by true activity."""

    def write(self, decision: Decision) -> None:
        """Count a decision, if its window has one true activity."""
        truth = self._truth(decision)
        if truth and decision.probabilities is not None:
            windows, right = self.scores.get(truth, (0, 0))
            self.scores[truth] = windows + 1, right + (decision.activity == truth)

    def close(self) -> None:
        """Do nothing."""


def view_on(
    console: Console, title: str, truth: Truth | None, footer: Callable[[], str]
) -> "LiveView | PlainView":
    """Start the view that fits a console."""
    if not console.is_terminal:
        return PlainView(truth)
    return LiveView(console, title, truth, footer)


class PlainView:
    """A sink that prints a line for each decision: for a pipe or a log."""

    name = "lines"

    def __init__(self, truth: Truth | None) -> None:
        self._truth = truth

    def look_at(self, x: NDArray[np.float32]) -> None:
        """Do nothing: lines show no signals."""

    def write(self, decision: Decision) -> None:
        """Print a decision."""
        at = "       -" if decision.end_s is None else f"{decision.end_s:7.1f}s"
        truth = "" if self._truth is None else f"  truth: {self._truth(decision) or '-'}"
        print(f"{at}  {in_words(decision):32}{truth}".rstrip(), flush=True)

    def close(self) -> None:
        """Do nothing."""


class LiveView:
    """A sink that redraws the terminal at each decision."""

    name = "terminal"

    def __init__(
        self, console: Console, title: str, truth: Truth | None, footer: Callable[[], str]
    ) -> None:
        """Start drawing; `footer` returns the last line, with counts of samples."""
        self._title, self._truth, self._footer = title, truth, footer
        self._shades = _ASCII_SHADES if console.options.ascii_only else _SHADES
        self._strip = ""
        self._decisions: deque[Decision] = deque(maxlen=_LAST)
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def look_at(self, x: NDArray[np.float32]) -> None:
        """Take the model's windows (n, window, 9); the strip shows the last one."""
        size_g = np.linalg.norm(x[-1, :, 6:], axis=1)
        peaks = np.array([part.max() for part in np.array_split(size_g, WIDTH)])
        levels = np.minimum(peaks / _STRIP_G, 1) * (len(self._shades) - 1)
        self._strip = "".join(self._shades[int(level)] for level in np.ceil(levels))

    def write(self, decision: Decision) -> None:
        """Draw a decision."""
        self._decisions.append(decision)
        self._live.update(self._drawn(decision), refresh=True)

    def close(self) -> None:
        """Stop drawing; the last picture stays."""
        self._live.stop()

    def picture(self) -> str:
        """Return the last picture as SVG, without fonts from the web."""
        page = Console(record=True, width=_PANEL, file=io.StringIO(), force_terminal=True)
        page.print(self._drawn(self._decisions[-1]))
        svg = page.export_svg(title="edgehar demo", clear=False)
        return re.sub(r"@font-face \{.*?\}\n?", "", svg, flags=re.DOTALL)

    def _drawn(self, decision: Decision) -> RenderableType:
        now = Text.assemble(("now     ", "dim"), _named(decision))
        if self._truth is not None:
            now.append("\ntruth   ", "dim").append(self._truth(decision) or "-", "")
        strip = Text.assemble(
            ("body acceleration in the last window, up to 1 g\n", "dim"), (self._strip, "magenta")
        )
        parts = [now, self._bars(decision), strip, self._table(), Text(self._footer(), "dim")]
        spaced = [piece for part in parts for piece in (part, Text())][:-1]
        return Panel(Group(*spaced), title=self._title, width=_PANEL, box=box.ROUNDED)

    def _bars(self, decision: Decision) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for label, share in (decision.probabilities or {}).items():
            style = "green" if label == decision.activity else "blue"
            bar = "#" if self._shades is _ASCII_SHADES else "█"
            table.add_row(label, f"{share:4.0%}", Text(bar * round(share * WIDTH / 2), style))
        about = Text("probabilities of the last window alone; decisions are smoothed", "dim")
        return Group(about, table) if decision.probabilities else Text("no window yet", "dim")

    def _table(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        truth = () if self._truth is None else ("truth",)
        for heading in ("at", "decision", *truth, "samples lost"):
            table.add_column(heading)
        for decision in list(self._decisions)[::-1]:
            at = "" if decision.end_s is None else f"{decision.end_s:.1f} s"
            lost = str(decision.lost or "")
            truth = () if self._truth is None else (self._truth(decision) or "-",)
            table.add_row(at, _named(decision), *truth, lost)
        return table


def _named(decision: Decision) -> Text:
    return Text(in_words(decision), _STYLES.get(decision.state, ""))


def in_words(decision: Decision) -> str:
    """Return `walking 97%`; without an activity, the state and the reason."""
    if decision.reason is not None:
        return f"{decision.state.replace('_', ' ')}: {IN_WORDS[decision.reason]}"
    if decision.activity is None or decision.confidence is None:
        return decision.state.replace("_", " ")
    return f"{decision.activity.replace('_', ' ')} {decision.confidence:.0%}"
