"""Reliability of confidence: whether labels with 80 % confidence are right in 80 % of windows."""

import numpy as np
from numpy.typing import NDArray

BINS = 10


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[list[list[float]], float]:
    """Return windows, mean confidence and accuracy of each bin, and the expected calibration error.

    The error is the mean difference of confidence and accuracy, weighted by windows (Naeini et al.
    2015).
    """
    at = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows, error = [], 0.0
    for one in range(BINS):
        of = at == one
        if not of.any():
            rows.append([0, 0.0, 0.0])
            continue
        mean, share = float(confidence[of].mean()), float(right[of].mean())
        rows.append([int(of.sum()), mean, share])
        error += float(of.mean()) * abs(mean - share)
    return rows, error
