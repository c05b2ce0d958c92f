"""A model card's figures where the model was fitted on everybody.

They are those of models made in the same way that left a data set, or people, out.
"""

from collections.abc import Iterator
from typing import Any, Final

_FIGURES: Final = (
    ("windows", "windows"),
    ("accuracy", "accuracy"),
    ("known_rejected", "called unknown"),
    ("calibration_error", "calibration error"),
)


def trained_on(manifest: dict[str, Any]) -> str:
    """Say whose recordings made the model, and which activities few of them did."""
    training = manifest["training"]
    data = training["config"]["data"]
    lines = [
        f"- {name}: {one['about']}; {one['people']} people, {one['wrists']} wrists"
        for name, one in data["sets"].items()
    ]
    for activity, by_set in data["people_by_activity"].items():
        if len(by_set) == 1:
            name, people = next(iter(by_set.items()))
            lines.append(
                f"\n{activity.capitalize()} was seen from {people} people of one data set only "
                f"({name}): whether it is\ntold on anybody else is not known."
            )
    return (
        f"{training['data']} (SHA-256 of archives and settings: "
        f"{training['sha256']}).\nEverybody in them took part in training:\n\n" + "\n".join(lines)
    )


def how_well(manifest: dict[str, Any], left_out: dict[str, Any] | None) -> str:
    """Give figures, those for a sensor never seen first; None: there are none for this model."""
    if left_out is None:
        return (
            "Nobody knows. This model has seen everybody there is, and no model made in the same "
            "way\nwas tested on people left out. Do not ship it."
        )
    return "\n\n".join(_sections(left_out, manifest["labels"]))


def _sections(left_out: dict[str, Any], labels: list[str]) -> Iterator[str]:
    yield (
        "This model has seen everybody there is. These are the figures of models made in the same "
        "way, not\nyet quantised, that left somebody out, decision by decision as a wearer gets "
        "them who walks first.\nAccuracy and `called unknown` are over walking, running, stairs, "
        "sitting and standing, of which a window\ncalled unknown is wrong. The columns by activity "
        "are recall; `unknown` is the share of other activities\nso called."
    )
    yield (
        "### On a sensor it has never seen\n"
        "Each data set left out in turn: other people, another sensor, other straps. Expect this "
        "of a sensor of\nyour own.\n\n" + _table("left out", left_out["datasets"], labels)
    )
    people = left_out["people"]
    whole = people["all"]
    yield (
        "### On people it has never seen, with a sensor it has\n"
        "Each fifth of the people left out in turn. These hold only for the sensors and straps "
        "listed above.\n\n" + _table("people of", people, labels)
    )
    yield (
        f"Of these people's windows {whole['accuracy_raw']:.1%} are named rightly by the model "
        f"alone,\n{whole['accuracy_forced']:.1%} after smoothing if `unknown` is never said, and "
        f"{whole['accuracy_stairs_as_walking']:.1%} as decided if\nstairs may be called walking."
    )
    delay_s = left_out["smoothing"]["delay_s"]
    yield (
        "Smoothing costs time: after the first window wholly in a new activity the right name comes"
        f"\n{delay_s['median']:.1f} s later in half of the cases, {delay_s['90 %']:.1f} s in nine "
        f"of ten, {delay_s['mean']:.1f} s on average (one never\nnamed counts all it lasted)."
    )
    turns = left_out["turns"]
    random = ", ".join(f"{share:.1%}" for share in turns["random"])
    yield (
        f"A fifth of the people, as they strapped the sensor on: {turns['as it comes']:.1%} right. "
        f"The same\nrecordings with each sensor turned at random: {random}."
    )


def _table(head: str, rows: dict[str, dict[str, Any]], labels: list[str]) -> str:
    recalls = [*labels, "unknown"]
    titles = [
        head,
        *(title for _, title in _FIGURES),
        *(name.replace("_", " ") for name in recalls),
    ]
    lines = [titles, ["---"] + ["--:"] * (len(titles) - 1)]
    for name, of in rows.items():
        figures = [str(of["windows"]), *(_share(of[key]) for key, _ in _FIGURES[1:])]
        shares = (of["recall"].get(label) for label in recalls)
        lines.append([name, *figures, *("" if s is None else f"{s:.0%}" for s in shares)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
