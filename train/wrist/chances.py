"""How often each training window is drawn: every activity and wearer gets its fair share."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from train.wrist.windows import WristWindows

Weighed = Literal["by data set", "by wearer"]
"""Whose windows count for how much: data sets by the root of their size and within one all wearers
alike, for a sensor never seen; or wearers by the root of theirs, for new people of the big sets."""


def fair_chances(
    windows: WristWindows, shares: tuple[float, ...], weighed: Weighed
) -> NDArray[np.float64]:
    """Give each window's chance to be drawn: classes by `shares`, within one as `weighed` says."""
    chances = np.zeros(len(windows))
    present = [(c, share) for c, share in enumerate(shares) if (windows.y == c).any()]
    for c, share in present:
        of_class = windows.y == c
        if weighed == "by wearer":
            chances[of_class] = share * _among_wearers(windows.wearer[of_class], np.sqrt)
            continue
        sets, counts = np.unique(windows.dataset[of_class], return_counts=True)
        for name, part in zip(sets, np.sqrt(counts) / np.sqrt(counts).sum(), strict=True):
            of_set = of_class & (windows.dataset == name)
            chances[of_set] = share * part * _among_wearers(windows.wearer[of_set], _alike)
    whole: NDArray[np.float64] = chances / chances.sum()
    return whole


def _among_wearers(
    wearer: NDArray[np.str_], due: Callable[[NDArray[np.int64]], NDArray[Any]]
) -> NDArray[np.float64]:
    """Share 1 out among (n,) windows, to each wearer what is due for so many."""
    _, inverse, sizes = np.unique(wearer, return_inverse=True, return_counts=True)
    each: NDArray[np.float64] = (due(sizes) / due(sizes).sum() / sizes)[inverse]
    return each


def _alike(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """All wearers alike; but one of whom little is known gets no more than thirty windows' due."""
    return np.minimum(sizes, 30)
