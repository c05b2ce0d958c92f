"""Short tables for README.md and docs/, made of parts of one result or of several results."""

from collections.abc import Callable, Mapping
from typing import Any, Final

Table = tuple[list[str], list[list[str]]]
"""Head and rows."""
Figures = Mapping[str, Any]
"""The content of a file in results/."""

_EVERYBODY: Final = "new people of all data sets"
_PEOPLE: Final = "new people of "
_PART: Final = "… "
_WALKED: Final = "… of wearers who walked"
_OUR_SENSOR: Final = "MPU-6050"


def accuracy(wrist: Figures, replay: Figures) -> Table:
    """Return windows and accuracy for new people, each new sensor, and the waist model."""
    people, sensors, sensor = [], [], ""
    for title, windows, share, *_ in wrist["table"]["rows"]:
        if title == _EVERYBODY:
            people.append(["`wrist`: new people, known sensors", f"{int(windows):,}", share])
        elif title.startswith(_PEOPLE):
            sensor = ""
        elif not title.startswith(_PART):
            sensor = title
            new = f"`wrist`: a sensor never seen, {title}"
            sensors.append([new, f"{int(windows):,}", share])
        elif sensor == _OUR_SENSOR and title.startswith(_WALKED):
            sensors.append([title, f"{int(windows):,}", share])
    belt = ["`waist`: new people (HAPT), the whole path", f"{replay['windows']:,}"]
    return ["tested on", "windows", "accuracy"], [
        *people,
        *sensors,
        [*belt, f"{replay['accuracy']:.1%}"],
    ]


def missed(bench: Figures) -> Table:
    """Return the budgets that the measured medians exceed."""
    rows = [row for row in bench["table"]["rows"] if row[-1] == "missed"]
    head = ["budget missed", "median", "budget"]
    return head, [row[:3] for row in rows] or [["none", "", ""]]


def machine(bench: Figures) -> Table:
    """Return the machine, the packages and the model of the measurements."""
    on = bench["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in on["versions"].items())
    return ["measured on", ""], [
        ["processor", f"{on['cpu']}, {on['cores']} cores ({', '.join(on['vectors'])})"],
        ["Python", on["python"]],
        ["packages", versions],
        ["load in the minute before", str(on["load"])],
        ["model", bench["model"]],
    ]


SHORT_TABLES: Final[Mapping[str, tuple[tuple[str, ...], Callable[..., Table]]]] = {
    "accuracy": (("wrist", "replay"), accuracy),
    "bench-missed": (("bench",), missed),
    "bench-machine": (("bench",), machine),
}
"""Results and function that make a table, by the name in the page's marker."""
