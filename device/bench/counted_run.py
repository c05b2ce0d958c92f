"""What instructions.py counts: run under QEMU, it marks where each stretch begins and ends.

usage: python -m device.bench.counted_run MODEL RUNS
"""

import contextlib
import os
import sys

import numpy as np

from device.model.bundle import load, locate
from device.model.classifier import Classifier
from device.pipeline.batching import Batching
from device.pipeline.pipeline import Pipeline
from firmware_bridge.simulator.wearer import Wearer

MARK_FD = 1022
"""As in instructions.c."""
WINDOWS = 20
FRAME = 10
BEFORE_S, LENGTH_S = 12.0, 40.0
"""The first windows, and the stretch that is counted."""


def mark() -> None:
    """Have the count so far printed; nothing else."""
    with contextlib.suppress(OSError):  # there is no such file
        os.write(MARK_FD, b"")


def main(model: str, runs: int) -> None:
    """Mark before and after: windows classified, then samples made into decisions. By turns."""
    bundle = load(locate(model))
    classify = Classifier(bundle).probabilities
    noise = np.random.default_rng(1).standard_normal((WINDOWS, bundle.spec.window, 9))
    x = noise.astype(np.float32)
    classify(x)
    walk = [("walking", BEFORE_S + LENGTH_S / 2), ("sitting", LENGTH_S / 2)]
    samples, _ = Wearer(seed=1).samples(walk)
    for _ in range(runs):
        mark()
        classify(x)
        mark()
        waiting, decisions = Batching(Pipeline(bundle, classify), bundle.spec), 0
        for at in range(0, len(samples), FRAME):
            if samples.t_s[at] == BEFORE_S:
                decisions = 0
                mark()
            decisions += len(waiting.push(samples[at : at + FRAME]))
        mark()
        print(decisions, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
