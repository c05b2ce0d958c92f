"""Reports on the whole path with new people: player, virtual serial line, daemon, int8 model."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.model import bundle as bundles
from firmware_bridge.errors import EdgeharError
from train.datasets import hapt
from train.datasets.waist import LABELS, TEST_PEOPLE
from train.results import pages
from train.results.pictures import confusion_picture
from train.results.provenance import provenance
from train.results.scores import Scores, score
from train.studies.replay import Replayed, replay, without_time
from train.waist.windows import activities


def report(folder: Path, *, quick: bool) -> str:
    """Replay the recordings of every test person; write results/replay.json and .png unless quick.

    Raises EdgeharError if the daemon and `classify` differ on the same samples.
    """
    data = hapt.load(folder)
    recordings = [one for one in data.recordings if one.person in TEST_PEOPLE]
    recordings = recordings[:1] if quick else recordings
    bundle = bundles.load(bundles.locate("waist"))
    y, probabilities, recorded_s, played_s = [], [], 0.0, 0.0
    for recording in recordings:
        with tempfile.TemporaryDirectory() as place:
            done = replay(recording, Path(place))
        if without_time(done.live) != without_time(done.offline):
            raise EdgeharError(
                f"`run` and `classify` decide differently on experiment {recording.experiment} of "
                f"HAPT, person {recording.person}; play it alone to find the cause"
            )
        truth, outputs = labelled(recording, done, bundle.spec.rate_hz)
        y.append(truth)
        probabilities.append(outputs)
        recorded_s += len(recording.samples) / hapt.RATE_HZ
        played_s += done.seconds
    scores = score(np.concatenate(y), np.concatenate(probabilities), LABELS)
    head, rows = _table(scores)
    if not quick:
        figures: dict[str, Any] = {
            **scores.to_dict(),
            "model": bundle.id,
            "people": sorted({recording.person for recording in recordings}),
            "recordings": len(recordings),
            "recorded_s": round(recorded_s),
            "played_s": round(played_s, 1),
            "data": data.sha256,
            **provenance(),
        }
        pages.write("replay", figures, head, rows)
        confusion_picture(pages.FOLDER / "replay.png", scores, "replay, int8, test people")
    return pages.markdown(head, rows)


def labelled(
    recording: hapt.Recording, done: Replayed, rate_hz: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return labels (n,) and probabilities (n, classes) of windows wholly in a labelled segment.

    A window with the decision `unknown` counts as wrong: the probability of its label is set to 0.
    """
    windows = [one for one in done.live if one["probabilities"] is not None]
    starts_s, ends_s = (np.array([one[end] for one in windows]) for end in ("start_s", "end_s"))
    truth = activities(recording, starts_s, ends_s, rate_hz)
    rows = np.array([[one["probabilities"][label] for label in LABELS] for one in windows])
    for i, one in enumerate(windows):
        if one["activity"] is None:
            rows[i, truth[i]] = 0.0
    inside = truth >= 0
    return truth[inside], rows[inside]


def _table(scores: Scores) -> tuple[list[str], list[list[str]]]:
    head = ["true \\ predicted", *LABELS, "recall", "precision"]
    rows = [
        [label, *map(str, counts), f"{scores.recall[label]:.1%}", f"{scores.precision[label]:.1%}"]
        for label, counts in zip(LABELS, scores.confusion, strict=True)
    ]
    total = f"{scores.accuracy:.2%} of {scores.windows} windows"
    return head, [*rows, ["accuracy", total, *[""] * (len(head) - 2)]]
