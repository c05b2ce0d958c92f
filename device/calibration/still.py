"""Detects times of rest by the variation of the values, because their mean may be wrong."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from device.calibration.values import MAX_BIAS_RAD_S, MAX_OFFSET_G, SCALES
from firmware_bridge.samples import Float64, Samples

PIECE_S: Final = 0.5
LONGEST_GAP_S: Final = 0.25
FEWEST: Final = 5
"""Smallest number of samples in a piece."""
MOST_G: Final = 0.02
"""Largest standard deviation within a piece, and largest difference between the means of two: five
times the noise of an MPU-6050, half of the movement of a hand that tries to hold still."""
MOST_RAD_S: Final = 0.02
_LENGTH_G: Final = (SCALES[0] - 3**0.5 * MAX_OFFSET_G, SCALES[1] + 3**0.5 * MAX_OFFSET_G)


@dataclass(frozen=True, slots=True)
class Still:
    """A time of rest."""

    acc_g: Float64
    """(3,) mean over the first two thirds."""
    later_acc_g: Float64
    """(3,) mean over the last third, to check the fit."""
    gyro_rad_s: Float64
    """(3,) mean."""
    acc_noise_g: Float64
    """(3,) standard deviation."""
    gyro_noise_rad_s: Float64
    seconds: float


class StillFinder:
    """Finds times of rest in a stream; reports each one once, `hold_s` after it settled."""

    def __init__(self, hold_s: float) -> None:
        self._need = round(hold_s / PIECE_S)
        self._rows: list[Float64] = []
        self._begun_s = self._last_s = -np.inf
        self._run: list[Float64] = []
        self.moving = "no samples yet"
        """Reason why the sensor is not still; '' while it is still."""
        self.disturbed = self.moving
        """The last reason that was not ''."""
        self.unlikely = ""
        """The last reason why constant values were not a rest."""

    @property
    def held_s(self) -> float:
        """Time for which the sensor has been still, without the time to settle."""
        return max(len(self._run) - 1, 0) * PIECE_S

    def push(self, samples: Samples) -> list[Still]:
        """Add a block of any length; return the times of rest that it completes."""
        stills: list[Still] = []
        if samples.lost:
            self._restart("samples were lost")
        rows = np.column_stack([samples.acc_g, samples.gyro_rad_s])
        for t_s, row in zip(samples.t_s.tolist(), rows, strict=True):
            if not 0 <= t_s - self._last_s <= LONGEST_GAP_S and self._rows:
                self._restart("samples were lost")
            if self._rows and t_s >= self._begun_s + PIECE_S:
                stills += self._end_piece()
            if not self._rows:
                self._begun_s = t_s
            self._rows.append(row)
            self._last_s = t_s
        return stills

    def _restart(self, why: str) -> None:
        self._rows, self._run = [], []
        self.moving = self.disturbed = why

    def _end_piece(self) -> list[Still]:
        piece, self._rows = np.array(self._rows), []
        self.moving = _unrest(piece)
        if not self.moving:
            self.moving = _unlikely(piece)
            self.unlikely = self.moving or self.unlikely
        if self.moving:
            self._run, self.disturbed = [], self.moving
            return []
        if self._run:
            step = np.abs(piece.mean(axis=0) - self._run[0].mean(axis=0))
            if (step[:3] > MOST_G).any() or (step[3:] > MOST_RAD_S).any():
                self._run = []
                self.moving = self.disturbed = "it is being turned slowly"
        if len(self._run) > self._need:
            return []
        self._run.append(piece)
        # The first piece is left out: the sensor may still vibrate from being put down.
        return [_still(self._run[1:])] if len(self._run) > self._need else []


def _unrest(piece: Float64) -> str:
    """Return the reason why a piece (n, 6) is not a rest; '' for a rest."""
    if len(piece) < FEWEST:
        return f"fewer than {FEWEST / PIECE_S:g} samples per second"
    if not np.isfinite(piece).all():
        return "values are not finite"
    deviation = piece.std(axis=0)
    shake_mg, turn_dps = 1000 * deviation[:3].max(), np.degrees(deviation[3:].max())
    if turn_dps > np.degrees(MOST_RAD_S):
        most = np.degrees(MOST_RAD_S)
        return f"it moves: the angular rate varies by {turn_dps:.1f} deg/s (at most {most:.1f})"
    if shake_mg > 1000 * MOST_G:
        return f"it moves: the acceleration varies by {shake_mg:.0f} mg (at most {1000 * MOST_G:g})"
    return ""


def _unlikely(piece: Float64) -> str:
    """Return the reason why a constant piece (n, 6) is not a rest; '' for a rest."""
    mean = piece.mean(axis=0)
    if (piece == piece[0]).all():
        return "the values never change: the sensor is stuck"
    rate_rad_s = float(np.abs(mean[3:]).max())
    if rate_rad_s > MAX_BIAS_RAD_S:
        return f"it turns at {np.degrees(rate_rad_s):.0f} deg/s, more than any sensor reads at rest"
    length_g = float(np.linalg.norm(mean[:3]))
    if not _LENGTH_G[0] <= length_g <= _LENGTH_G[1]:
        return f"it reads {length_g:.2f} g, at rest it must read about 1; check its full scale"
    return ""


def _still(run: list[Float64]) -> Still:
    first = np.concatenate(run[: -(len(run) // 3) or None])
    every = np.concatenate(run)
    later = np.concatenate(run[-(len(run) // 3) :])
    # Variance within pieces, so that a slow drift does not count as noise. A constant has exactly
    # none, although rounding of its mean gives it a small one.
    variances = [np.where(np.ptp(piece, axis=0) > 0, piece.var(axis=0), 0.0) for piece in run]
    noise = np.sqrt(np.mean(variances, axis=0))
    return Still(
        acc_g=first[:, :3].mean(axis=0),
        later_acc_g=later[:, :3].mean(axis=0),
        gyro_rad_s=every[:, 3:].mean(axis=0),
        acc_noise_g=noise[:3],
        gyro_noise_rad_s=noise[3:],
        seconds=len(run) * PIECE_S,
    )
