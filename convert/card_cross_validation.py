"""Writes the cross-validated scores of a model card, if all people took part in the training."""

from collections.abc import Iterator
from typing import Any, Final

_FIGURES: Final = (
    ("windows", "windows"),
    ("accuracy", "accuracy"),
    ("known_rejected", "called unknown"),
    ("calibration_error", "calibration error"),
)


def trained_on(manifest: dict[str, Any]) -> str:
    """List the training data sets, and the activities that only one of them holds."""
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
                f"\n{activity.capitalize()} was recorded from {people} people of one data set only "
                f"({name}): whether the\nmodel detects it on other people is not known."
            )
    return (
        f"{training['data']} (SHA-256 of archives and settings: "
        f"{training['sha256']}).\nAll people of these data sets took part in training:\n\n"
        + "\n".join(lines)
    )


def how_well(manifest: dict[str, Any], left_out: dict[str, Any] | None) -> str:
    """Return the scores in Markdown, those of new sensors first; None: there are no scores."""
    if left_out is None:
        return (
            "That is not known. All people took part in training, and no model trained in the same "
            "way\nwas tested on people left out. Do not ship it."
        )
    return "\n\n".join(_sections(left_out, manifest["labels"]))


def _sections(left_out: dict[str, Any], labels: list[str]) -> Iterator[str]:
    yield (
        "All people of the data sets took part in the training of this model. The figures are "
        "those of models\ntrained in the same way without some of the people, before "
        "quantisation, for a wearer who walks first.\n`accuracy` and `called unknown` are over "
        "walking, running, stairs, sitting and standing; there `unknown`\ncounts as wrong. The "
        "columns by activity are recall; the column `unknown` is the share of other\nactivities "
        "that were called unknown."
    )
    yield (
        "### On a new sensor\n"
        "Each data set is left out in turn: other people, another sensor, other straps. Expect "
        "this accuracy with\nyour own sensor.\n\n"
        + _table("left out", left_out["datasets"], labels)
    )
    people = left_out["people"]
    whole = people["all"]
    yield (
        "### On new people with a known sensor\n"
        "Each fifth of the people is left out in turn. These figures are valid only for the "
        "sensors and straps\nlisted above.\n\n" + _table("people of", people, labels)
    )
    yield (
        f"Of these people's windows {whole['accuracy_raw']:.1%} are classified correctly by the "
        f"model alone,\n{whole['accuracy_forced']:.1%} after smoothing without `unknown`, and "
        f"{whole['accuracy_stairs_as_walking']:.1%} by the decisions if\nstairs count as walking."
    )
    delay_s = left_out["smoothing"]["delay_s"]
    yield (
        "Smoothing adds a delay: after the first window entirely within a new activity, the "
        f"right decision comes\nwithin {delay_s['median']:.1f} s in half of the cases, within "
        f"{delay_s['90 %']:.1f} s in nine of ten, and after {delay_s['mean']:.1f} s on\n"
        "average (an activity that is never detected counts with its whole length)."
    )
    turns = left_out["turns"]
    random = ", ".join(f"{share:.1%}" for share in turns["random"])
    yield (
        f"For a fifth of the people, with the sensor as they wore it, {turns['as it comes']:.1%} "
        f"of the windows are\nright; with each sensor turned at random, in the same recordings: "
        f"{random}."
    )


def _table(head: str, rows: dict[str, dict[str, Any]], labels: list[str]) -> str:
    recalls = [*labels, "unknown"]
    titles = [
        head,
        *(title for _, title in _FIGURES),
        *(name.replace("_", " ") for name in recalls),
    ]
    lines = [titles, ["---"] + ["--:"] * (len(titles) - 1)]
    for name, scores in rows.items():
        figures = [str(scores["windows"]), *(_share(scores[key]) for key, _ in _FIGURES[1:])]
        shares = (scores["recall"].get(label) for label in recalls)
        lines.append([name, *figures, *("" if s is None else f"{s:.0%}" for s in shares)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
