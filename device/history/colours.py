"""Colours of the activities in the dashboard and in the SVG picture, for light and dark pages."""

from typing import Final

OTHER: Final = "other"
"""Any activity that is not in the table."""
COLOURS: Final = {
    # Okabe and Ito (2008), safe for colour-blind readers; the last four colours extend their set.
    "running": ("#d55e00", "#ee7733"),
    "walking": ("#0072b2", "#3f9fdc"),
    "walking_upstairs": ("#8a9a00", "#c3d13a"),
    "walking_downstairs": ("#56b4e9", "#8ccdf2"),
    "stairs": ("#009e73", "#2bbd90"),
    "standing": ("#cc79a7", "#d98fb8"),
    "sitting": ("#e69f00", "#edb13c"),
    "lying": ("#8b5e3c", "#c2916b"),
    "unknown": ("#6b7280", "#98a2b0"),
    OTHER: ("#7a68a6", "#a794d6"),
}
"""For each activity: its colour on a light page and on a dark page."""


def css_class(activity: str) -> str:
    """Return the CSS class with the colour of an activity."""
    return f"fill-{activity if activity in COLOURS else OTHER}"


def css() -> str:
    """Return the style sheet of these classes, for light and dark pages."""
    light = "".join(_rule(name, pair[0]) for name, pair in COLOURS.items())
    dark = "".join(_rule(name, pair[1]) for name, pair in COLOURS.items())
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}\n"


def _rule(name: str, colour: str) -> str:
    return f".fill-{name}{{fill:{colour};background:{colour};--key:{colour}}}\n"
