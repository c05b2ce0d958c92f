"""MODEL_CARD.md: what a person should know before trusting the model."""

from typing import Any, Final

_TEMPLATE: Final = """\
# {name}

Names what its wearer is doing, every {hop_s:g} s, from the last {window_s:g} s of a three-axis
accelerometer and gyroscope: {labels}. When the best of these has less than {threshold:.0%}
probability the answer is `unknown`.

## For whom, and where it sits
{mounting}

## What it was trained on
{data} (SHA-256 {data_sha256}). The people it was tested on took no part in training or in any
choice. What it does for children, for people who walk with an aid, or with the sensor elsewhere
on the body has not been measured.

## How well it does
{windows} windows of people it never saw, without smoothing:

| | accuracy | same class as the trained network |
|---|---|---|
| trained network (Keras, float32) | {keras_accuracy:.2%} | |
{rows}

These figures hold for windows at {rate_hz:g} Hz that lie wholly inside one activity.
The model takes g and rad/s; {clipping}.

## What it must not be used for
It is not a medical device and not a safety device. Do not diagnose, dose, alarm, restrain or
punish by it: it errs, it has seen few people, and what it has not seen it may name wrongly with
high confidence.
"""


def card(manifest: dict[str, Any]) -> str:
    """Write the card from a manifest."""
    spec, check = manifest["signal"], manifest["conversion"]
    rows = [
        f"| this file ({check['form']}), {name} {one['version']} | {one['accuracy']:.2%} "
        f"| {one['agreement']:.2%} |"
        for name, one in check["runtimes"].items()
    ]
    limit = check["input_range"]
    clipping = (
        "nothing is clipped" if limit is None else f"signals are clipped to ±{limit:g} of those"
    )
    return _TEMPLATE.format(
        name=manifest["name"],
        hop_s=spec["hop"] / spec["rate_hz"],
        window_s=spec["window"] / spec["rate_hz"],
        labels=", ".join(label.replace("_", " ") for label in manifest["labels"]),
        threshold=manifest["decision"]["unknown_threshold"],
        mounting=manifest["mounting"],
        data=manifest["training"]["data"],
        data_sha256=manifest["training"]["sha256"],
        windows=check["windows"],
        keras_accuracy=check["keras_accuracy"],
        rows="\n".join(rows),
        rate_hz=spec["rate_hz"],
        clipping=clipping,
    )
