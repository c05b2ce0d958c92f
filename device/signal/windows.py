"""Windows: filters the grid points of a stretch, splits off gravity and cuts windows."""

import numpy as np
from numpy.typing import NDArray

from device.signal.gravity_split import GravitySplit
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64


class Windows:
    """Takes one stretch after another. A window is complete with its last grid point."""

    def __init__(self, spec: SignalSpec) -> None:
        self._hop = spec.hop
        self._in_window = spec.window // spec.hop
        self._first = spec.warm_up_blocks + self._in_window
        self._filter = GravitySplit(spec)
        self.start()

    def start(self) -> None:
        """Begin a new stretch."""
        self._rest = np.empty((6, 0))
        self._count = 0
        self._blocks: list[NDArray[np.float32]] = []

    def push(self, points: Float64) -> list[tuple[int, NDArray[np.float32]]]:
        """Take grid points (6, n); return windows (window, 9), each with its first point's index.

        Channels: total acc xyz [g], gyro xyz [rad/s], body acc xyz [g].
        """
        hop = self._hop
        if self._count == 0 and not self._rest.size and points.size:
            self._filter.start(points[:, 0])
        points = np.concatenate([self._rest, points], axis=1)
        whole = points.shape[1] // hop * hop
        self._rest = points[:, whole:]
        windows = []
        for at in range(0, whole, hop):
            filtered, body = self._filter.block(points[:, at : at + hop])
            block = np.empty((hop, 9), dtype=np.float32)
            block[:, :6] = filtered
            block[:, 6:] = body
            self._blocks = [*self._blocks, block][-self._in_window :]
            self._count += 1
            if self._count >= self._first:
                first = (self._count - self._in_window) * hop
                windows.append((first, np.concatenate(self._blocks)))
        return windows
