"""The program whose instructions are counted under QEMU; marks the counted sections.

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
"""The same number as in instructions.c."""
WINDOWS = 20
FRAME = 10
BEFORE_S, LENGTH_S = 12.0, 40.0
"""Length of the warm-up, which is not counted, and of the counted part."""


def mark() -> None:
    """Make instructions.c print the present count."""
    with contextlib.suppress(OSError):  # the file is never open
        os.write(MARK_FD, b"")


def main(model: str, runs: int) -> None:
    """In each run, classify windows and turn samples into decisions, with marks around each."""
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
        pipeline, decisions = Batching(Pipeline(bundle, classify), bundle.spec), 0
        for at in range(0, len(samples), FRAME):
            if samples.t_s[at] == BEFORE_S:
                decisions = 0
                mark()
            decisions += len(pipeline.push(samples[at : at + FRAME]))
        mark()
        print(decisions, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
