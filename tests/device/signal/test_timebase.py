import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.signal.timebase import Timebase
from firmware_bridge.samples import Float64
from tests.device.signal.streams import moments

RATE_HZ = 50.0


def resampled(t_s: Float64, values: Float64) -> tuple[Float64, Float64]:
    """Return the times and values (m,) of the grid, without the ends."""
    timebase = Timebase(RATE_HZ)
    rows = np.concatenate([timebase.push(t_s, np.tile(values, (6, 1))), timebase.finish()], axis=1)
    at = np.arange(rows.shape[1]) / RATE_HZ
    return at[100:-100], rows[0, 100:-100]


def tone(rate_hz: float, tone_hz: float, jitter: float, seconds: float = 60) -> tuple[float, float]:
    """Return the gain of a tone on the grid, and the rms of the rest as a share of the tone's."""
    t_s = moments(int(rate_hz * seconds), rate_hz, jitter)
    t_s -= t_s[0]
    at, y = resampled(t_s, np.sin(2 * np.pi * tone_hz * t_s + 0.3))
    basis = np.stack([np.sin(2 * np.pi * tone_hz * at), np.cos(2 * np.pi * tone_hz * at)], axis=1)
    parts, *_ = np.linalg.lstsq(basis, y, rcond=None)
    return float(np.hypot(*parts)), float(np.sqrt(2) * np.std(y - basis @ parts))


@pytest.mark.parametrize(
    ("rate_hz", "jitter"),
    [(100, 0.0), (100, 0.05), (104, 0.0), (104, 0.1), (200, 0.0), (200, 0.1), (1000, 0.2)],
)
@pytest.mark.parametrize("tone_hz", [30.0, 40.0])
def test_a_tone_above_half_the_grids_rate_is_removed(
    rate_hz: float, jitter: float, tone_hz: float
) -> None:
    t_s = moments(int(60 * rate_hz), rate_hz, jitter)
    t_s -= t_s[0]
    _, y = resampled(t_s, np.sin(2 * np.pi * tone_hz * t_s))
    assert np.sqrt(2) * y.std() < 0.01


@pytest.mark.parametrize("rate_hz", [20, 25, 49.3, 50, 52, 100, 104, 200, 1000])
@pytest.mark.parametrize(("jitter", "noise"), [(0.0, 0.001), (0.02, 0.002), (0.1, 0.007)])
def test_a_gait_passes_unchanged(rate_hz: float, jitter: float, noise: float) -> None:
    gain, rest = tone(rate_hz, 3.0, jitter)
    assert gain == pytest.approx(1, abs=0.005)
    assert rest < noise


@pytest.mark.parametrize("tone_hz", [1.0, 8.0, 12.0, 15.0])
def test_a_source_of_the_same_rate_is_nearly_unchanged(tone_hz: float) -> None:
    gain, rest = tone(50, tone_hz, 0)
    assert gain == pytest.approx(1, abs=0.002)
    assert rest < 0.001


@pytest.mark.parametrize(("rate_hz", "tone_hz"), [(20, 6.0), (25, 8.0)])
def test_a_slow_source_leaves_no_images(rate_hz: float, tone_hz: float) -> None:
    t_s = moments(int(rate_hz * 80), rate_hz)
    at, y = resampled(t_s, np.sin(2 * np.pi * tone_hz * t_s))
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    hz = np.fft.rfftfreq(len(y), at[1] - at[0])
    assert spectrum[np.abs(hz - (rate_hz - tone_hz)) < 0.5].max() < 0.002 * spectrum.max()


@pytest.mark.parametrize("jitter", [0.0, 0.3, 0.9])
def test_a_constant_stays_constant_to_the_ends(jitter: float) -> None:
    t_s = moments(500, 50, jitter)
    t_s -= t_s[0]
    timebase = Timebase(RATE_HZ)
    rows = np.concatenate([timebase.push(t_s, np.full((6, 500), 0.7)), timebase.finish()], axis=1)
    np.testing.assert_allclose(rows, 0.7, rtol=1e-12)
    assert rows.shape[1] == int(t_s[-1] * RATE_HZ) + 1


@pytest.mark.parametrize("missing", [1, 3, 10])
def test_a_short_gap_is_bridged_by_a_straight_line(missing: int) -> None:
    # A ramp must stay a ramp; a sinc over the gap would ring.
    t_s = np.delete(np.arange(500) / 50, slice(250, 250 + missing))
    at, y = resampled(t_s, 0.1 * t_s)
    np.testing.assert_allclose(y, 0.1 * at, rtol=0, atol=1e-3)


def test_timestamps_in_bursts_give_bounded_values() -> None:
    # Ten samples stamped within 2 ms, five times a second, like a phone's batches.
    t_s = (np.arange(3000) // 10) * 0.2 + (np.arange(3000) % 10) * 2e-4
    _, y = resampled(t_s, np.random.default_rng(0).uniform(-1, 1, len(t_s)))
    assert np.abs(y).max() < 3


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rates_hz=st.tuples(*[st.sampled_from([5.0, 20.0, 50.0, 104.0, 400.0, 3000.0])] * 2),
    jitter=st.sampled_from([0.0, 0.1, 0.6]),
    cuts=st.lists(st.integers(1, 599), max_size=20, unique=True),
)
def test_any_chunking_gives_the_same_bits(
    seed: int, rates_hz: tuple[float, float], jitter: float, cuts: list[int]
) -> None:
    # In float64: float32 windows nearly always hide a difference in the last bits.
    rng = np.random.default_rng(seed)
    period_s = np.repeat(1 / np.array(rates_hz), [150, 450])  # the source changes its rate
    steps = period_s * (1 + jitter * rng.uniform(-1, 1, 600))
    steps[rng.integers(600, size=5)] *= rng.choice([2, 3.4, 0.01])
    t_s, values = np.cumsum(steps) - steps[0], rng.normal(size=(6, 600))

    def grid(bounds: list[int]) -> Float64:
        timebase = Timebase(RATE_HZ)
        rows = [
            timebase.push(t_s[a:b], values[:, a:b])
            for a, b in zip([0, *bounds], [*bounds, 600], strict=True)
        ]
        return np.concatenate([*rows, timebase.finish()], axis=1)

    assert grid(sorted(cuts)).tobytes() == grid([]).tobytes()
