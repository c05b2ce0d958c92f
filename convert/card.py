"""Writes MODEL_CARD.md from a manifest."""

from collections.abc import Iterator
from typing import Any, Final

from convert import card_cross_validation

_TEMPLATE: Final = """\
# {name}

Every {hop_s:g} s this model names the activity of its wearer, from the last {window_s:g} s of a
three-axis accelerometer and gyroscope: {labels}. If the best of these has a probability below
{threshold:.0%}, the answer is `unknown`.{decision}

## Who wears it, and where
{mounting}{orientation}

## What it was trained on
{trained_on}Nobody has measured the model on children, on people who walk with an aid, or with the
sensor elsewhere on the body.

## How well it does
{how_well}

| | accuracy | same class as the trained network |
|---|---|---|
| trained network (Keras, float32) | {keras_accuracy:.2%} | |
{rows}

These figures are valid for windows at {rate_hz:g} Hz that lie entirely within one activity.
The inputs are in g and rad/s; {clipping}.

## What it must not be used for
This model is not a medical device and not a safety device. Do not diagnose, dose, alarm, restrain
or punish by it: the model makes errors, few people took part in its training, and it may name an
unknown activity wrongly, with high confidence.{further}
"""

_SEEN_ALL: Final = """

### Agreement of the quantised model with the trained network
On {windows} windows from the training people, so this accuracy is not valid for new people:"""

_ON_A_WRIST: Final = """ It does not detect falls: they are at best `unknown`. It does not detect
lying: mostly, lying is called sitting. While the mounting is not known, postures are `unknown`."""


def card(manifest: dict[str, Any]) -> str:
    """Return the card in Markdown."""
    spec, check = manifest["signal"], manifest["conversion"]
    rows = [
        f"| this file ({check['form']}), {name} {one['version']} | {one['accuracy']:.2%} "
        f"| {one['agreement']:.2%} |"
        for name, one in check["runtimes"].items()
    ]
    limit = check["input_range"]
    clipping = "nothing is clipped" if limit is None else f"signals are clipped to ±{limit:g}"
    if "left_out" in manifest["results"]:  # all people took part in training
        trained_on = card_cross_validation.trained_on(manifest) + "\n\n"
        how_well = card_cross_validation.how_well(manifest, manifest["results"]["left_out"])
        how_well += _SEEN_ALL.format(windows=check["windows"])
        further = _ON_A_WRIST
    else:
        training = manifest["training"]
        trained_on = (
            f"{training['data']} (SHA-256 {training['sha256']}). The test people took no part in "
            "training or in the\nchoice of the model. "
        )
        how_well = (
            f"{check['windows']} windows of people who took no part in training, without smoothing:"
        )
        further = ""
    return _TEMPLATE.format(
        name=manifest["name"],
        hop_s=spec["hop"] / spec["rate_hz"],
        window_s=spec["window"] / spec["rate_hz"],
        labels=", ".join(label.replace("_", " ") for label in manifest["labels"]),
        threshold=manifest["decision"]["unknown_threshold"],
        decision="".join(_decision_in_words(manifest)),
        mounting=manifest["mounting"],
        orientation=_orientation_in_words(manifest["orientation"]),
        trained_on=trained_on,
        how_well=how_well,
        further=further,
        keras_accuracy=check["keras_accuracy"],
        rows="\n".join(rows),
        rate_hz=spec["rate_hz"],
        clipping=clipping,
    )


def _decision_in_words(manifest: dict[str, Any]) -> Iterator[str]:
    decision, spec = manifest["decision"], manifest["signal"]
    if decision["unknown_output"]:
        yield (
            " The answer is also `unknown` if the output `none of these`, which was"
            "\ntrained on other activities, is the most probable."
        )
    if decision["temperature"] != 1:
        yield (
            "\nProbabilities are calibrated on people left out of training (temperature"
            f" {decision['temperature']:.3g})."
        )
    smoothing = decision["smoothing"]
    if smoothing is not None:
        stays = [row[state] for state, row in enumerate(smoothing["transition"])]
        windows = 1 / max(1 - sum(stays) / len(stays), 1e-3)
        yield (
            "\nAn HMM filter smooths the probabilities over time (an activity is expected to last"
            f"\n{windows * spec['hop'] / spec['rate_hz']:.0f} s on average),"
            " so a decision may come a few windows after the change."
        )
    worn = manifest.get("worn")
    if worn is not None:
        yield (
            f"\nIf the sensor is too still for {worn['doubt_after_s']:g} s, the answer is"
            f" `unknown`; after {worn['after_s']:g} s it is `not_worn`."
        )


def _orientation_in_words(orientation: dict[str, Any] | None) -> str:
    if orientation is None:
        return ""
    postures = ", ".join(label.replace("_", " ") for label in orientation["postures"])
    postures = " and ".join(postures.rsplit(", ", 1))
    return (
        "\n\nThe mounting is estimated while the wearer walks."
        f" Before that, {postures or 'no posture'} cannot be distinguished, and the answer is"
        "\n`unknown` (reason: mounting), not a guess."
    )
