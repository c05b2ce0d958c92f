"""Trains and scores the classifiers that are not networks, each with every seed; resumable."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmware_bridge.whole_file import write_json
from train.fitting import stored_results
from train.fitting.baselines import BASELINES, TILTED_COPIES, measure
from train.waist.data import Data


def run_baseline(name: str, data: Data, seeds: Sequence[int], prefix: str) -> list[dict[str, Any]]:
    """Train and score a classifier; each result has `float` (scores), `seconds`, `us_a_window`."""
    stem = stored_results.FOLDER / f"{prefix}{name.replace(' ', '-')}"
    return [_one(Path(f"{stem}-{seed}.json"), name, data, seed) for seed in seeds]


def _one(path: Path, name: str, data: Data, seed: int) -> dict[str, Any]:
    key = {
        "model": repr(BASELINES[name](seed)),
        "tilted_copies": TILTED_COPIES,
        "data": data.sha256,
        "windows": len(data.train),
        "seed": seed,
    }
    if (done := stored_results.read(path, key)) is not None:
        return done
    measured = measure(name, seed, data.train, data.test)
    done = {
        "key": key,
        "float": measured.scores.to_dict(),
        "seconds": round(measured.seconds, 2),
        "us_a_window": round(measured.us_a_window, 1),
    }
    write_json(path, done)
    return done
