"""Order, figures and warnings of a model card."""

from typing import Any

import pytest

from convert.card import card

LABELS = ["walking", "running", "stairs", "sitting", "standing", "lying"]


def figures(accuracy: float, **recall: float) -> dict[str, Any]:
    return {
        "windows": 1234,
        "accuracy": accuracy,
        "accuracy_raw": 0.801,
        "accuracy_forced": 0.902,
        "accuracy_stairs_as_walking": 0.953,
        "recall": recall,
        "known_rejected": 0.043,
        "calibration_error": 0.021,
    }


def manifest() -> dict[str, Any]:
    """Return the fields that a card needs, of a model whose training included all people."""
    data = {
        "sets": {
            "watch": {"about": "on the left", "people": 36, "wrists": 36},
            "units": {"about": "on both wrists", "people": 6, "wrists": 12},
        },
        "people_by_activity": {"walking": {"watch": 36, "units": 6}, "lying": {"units": 6}},
    }
    left_out = {
        "datasets": {"watch": figures(0.811, walking=0.9, unknown=0.612),
                     "units": figures(0.822, walking=0.8, lying=0.0)},
        "people": {"all": figures(0.931, walking=0.95), "units": figures(0.942, lying=0.7)},
        "smoothing": {"gain": 0.1, "delay_s": {"median": 3.84, "mean": 9.1, "90 %": 20.48}},
        "turns": {"as it comes": 0.93, "random": [0.92, 0.91]},
    }  # fmt: skip
    one = {"version": "1.0", "accuracy": 0.991, "agreement": 0.992}
    return {
        "name": "wrist",
        "labels": LABELS,
        "signal": {"hop": 64, "window": 128, "rate_hz": 50.0},
        "decision": {
            "smoothing": {"transition": [[0.98, 0.02], [0.02, 0.98]]},
            "unknown_output": True,
            "temperature": 1.2,
            "softening": 1.0,
            "unknown_threshold": 0.45,
        },
        "orientation": {"postures": ["sitting", "standing", "lying"]},
        "mounting": "On either wrist.",
        "training": {"data": "Both.", "sha256": "ab" * 32, "config": {"data": data}},
        "results": {"left_out": left_out},
        "conversion": {
            "form": "int8", "windows": 4000, "keras_accuracy": 0.995, "input_range": 2.5,
            "runtimes": {"runtime": one},
        },
    }  # fmt: skip


def row(text: str, first: str) -> list[list[str]]:
    """Return the further cells of each table row with this first cell."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return [cells[1:] for cells in rows if cells and cells[0] == first]


def test_new_sensors_come_first_then_new_people_then_conversion() -> None:
    text = card(manifest())
    order = ("### On a new sensor", "### On new people", "### Agreement of the quantised model")
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    for number in ("81.1%", "82.2%"):
        assert places[0] < text.index(number) < places[1]
    assert places[1] < text.index("93.1%") < text.index("99.50%")
    assert places[2] < text.index("99.20%")
    assert "4000 windows from the training people" in text
    assert "took no part in training, without smoothing" not in text


def test_each_figure_is_in_its_column() -> None:
    text = card(manifest())
    (head,) = row(text, "left out")
    (watch,) = row(text, "watch")
    of = dict(zip(head, watch, strict=True))
    assert of["accuracy"] == "81.1%"
    assert of["walking"] == "90%"
    assert of["unknown"] == "61%"
    assert of["called unknown"] == "4.3%"
    assert of["calibration error"] == "2.1%"
    assert of["lying"] == ""
    never_seen, new_people = row(text, "units")
    assert dict(zip(head, never_seen, strict=True))["lying"] == "0%"
    assert dict(zip(head, new_people, strict=True))["lying"] == "70%"
    assert "80.1% are classified correctly by the model alone" in text.replace("\n", " ")


def test_the_limits_are_named() -> None:
    text = card(manifest()).replace("\n", " ")
    for words in (
        "Lying was recorded from 6 people of one data set only (units)",
        "Before that, sitting, standing and lying cannot be distinguished, and the answer is",
        "comes within 3.8 s in half of the cases, within 20.5 s in nine of ten",
        "- watch: on the left; 36 people, 36 wrists",
        "in the same recordings: 92.0%, 91.0%",
        "not a medical device",
        "does not detect falls",
    ):
        assert words in text
    assert text.count("of one data set only") == 1


def test_without_scores_the_card_warns() -> None:
    text = card({**manifest(), "results": {"left_out": None}})
    assert "Do not ship it" in text
    assert "### On" not in text


@pytest.mark.parametrize("results", [{}, {"test": {"accuracy": 0.9}}])
def test_a_model_with_test_people_has_a_table_of_those(results: dict[str, Any]) -> None:
    text = card({**manifest(), "results": results, "orientation": None})
    assert "4000 windows of people who took no part in training, without smoothing" in text
    assert "All people" not in text
    assert "left out" not in text.replace("people left out of training", "")
