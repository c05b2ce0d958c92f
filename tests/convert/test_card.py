"""A model card says first what a user may expect, and never lends a figure to what it is not of."""

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
    """What card needs of a manifest, for a model fitted on everybody."""
    data = {
        "sets": {
            "watch": {"about": "on the left", "people": 36, "wrists": 36},
            "units": {"about": "on both wrists", "people": 6, "wrists": 12},
        },
        "people_by_activity": {
            "walking": {"watch": 36, "units": 6},
            "lying": {"units": 6},
        },
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
    """Give the cells behind the first of each table row that begins so."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return [cells[1:] for cells in rows if cells and cells[0] == first]


def test_the_sensor_never_seen_comes_first_then_new_people_then_conversion() -> None:
    text = card(manifest())
    order = ["### On a sensor it has never seen", "### On people it has never seen",
             "### Agreement of the quantised model"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    for number in ("81.1%", "82.2%"):
        assert places[0] < text.index(number) < places[1]
    assert places[1] < text.index("93.1%") < text.index("99.50%")
    assert places[2] < text.index("99.20%")
    assert "4000 windows of people that it was trained on" in text
    assert "of people it never saw, without smoothing" not in text


def test_each_figure_stands_under_its_name() -> None:
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
    assert "80.1% are named rightly by the model alone" in text.replace("\n", " ")


def test_it_says_what_limits_it() -> None:
    text = card(manifest()).replace("\n", " ")
    for words in (
        "Lying was recorded from 6 people of one data set only (units)",
        "Before that, sitting, standing and lying cannot be told apart, and the answer is",
        "comes within 3.8 s in half of the cases, 20.5 s in nine of ten",
        "- watch: on the left; 36 people, 36 wrists",
        "turned at random: 92.0%, 91.0%",
        "not a medical device",
        "does not detect falls",
    ):
        assert words in text


def test_only_an_activity_of_one_data_set_is_said_to_be_scarce() -> None:
    text = card(manifest())
    assert text.count("of one data set only") == 1


def test_without_figures_it_says_so() -> None:
    untested = {**manifest(), "results": {"left_out": None}}
    text = card(untested)
    assert "Do not ship it" in text
    assert "never seen" not in text


@pytest.mark.parametrize("results", [{}, {"test": {"accuracy": 0.9}}])
def test_a_model_tested_on_people_it_never_saw_has_a_table_of_those(
    results: dict[str, Any],
) -> None:
    text = card({**manifest(), "results": results, "orientation": None})
    assert "4000 windows of people it never saw, without smoothing" in text
    assert "trained on everybody" not in text
    assert "left out" not in text.replace("people left out of training", "")
