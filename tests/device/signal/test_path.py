import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device.signal.path import Gap, SignalPath, StretchStart, windows_of
from firmware_bridge.samples import Float64, Samples
from tests.device.signal.streams import SPEC, chunks, exact, moments, push_all, walk, windows

ROTATION = [[0.0, -1.0, 0.0], [0.6, 0.0, -0.8], [0.8, 0.0, 0.6]]
CUTS = st.lists(st.integers(0, 1500), max_size=25)


def rough(seed: int, rate_hz: float) -> Samples:
    """About 30 s with jitter, losses, gaps, duplicates, steps back and values out of range."""
    rng = np.random.default_rng(seed)
    n = int(30 * rate_hz)
    t_s = moments(n, rate_hz, jitter=rng.uniform(0, 0.6), seed=seed) + rng.uniform(-10, 1e5)
    for _ in range(3):
        t_s[rng.integers(n) :] += rng.choice([0.03, 0.2, 0.26, 3.0])
    samples = walk(t_s, seed, lost=int(rng.integers(5)))
    for array in (samples.t_s, samples.acc_g, samples.gyro_rad_s):
        array[rng.integers(n, size=4)] = rng.choice([np.nan, np.inf, -np.inf, 1e3, -1e12, 1e300])
    again = np.sort(np.concatenate([np.arange(n), rng.integers(n, size=20)]))
    swap = rng.integers(n, size=5)
    again[swap], again[swap + 7] = again[swap + 7], again[swap]
    return Samples(
        samples.t_s[again], samples.acc_g[again], samples.gyro_rad_s[again], samples.lost
    )


@settings(max_examples=60, deadline=None)
@example(seed=5, rate_hz=50, cuts=list(range(1500)))  # sample by sample, the first block empty
@given(seed=st.integers(0, 2**32), rate_hz=st.sampled_from([20, 50, 104]), cuts=CUTS)
def test_any_chunking_gives_the_same_bits(seed: int, rate_hz: float, cuts: list[int]) -> None:
    samples = rough(seed, rate_hz)
    whole, parts = SignalPath(SPEC, ROTATION), SignalPath(SPEC, ROTATION)
    events = whole.push(samples)
    assert exact(push_all(parts, chunks(samples, cuts))) == exact(events)
    assert parts.counts == whole.counts
    assert seed != 5 or len(windows(events)) > 3


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    places=st.lists(st.integers(1, 999), min_size=1, max_size=10),
    kind=st.sampled_from(["nan", "inf", "huge", "late clock", "again", "back"]),
)
def test_bad_samples_change_only_the_counts(seed: int, places: list[int], kind: str) -> None:
    samples = walk(moments(1000, 50, 0.1, seed), seed)
    table = np.column_stack([samples.t_s, samples.acc_g, samples.gyro_rad_s])
    rows = np.sort(np.array(places))
    reason, column, value = {
        "nan": ("not_finite", 2, np.nan),
        "inf": ("not_finite", 0, np.inf),
        "huge": ("implausible", 6, -71.0),
        "late clock": ("implausible", 0, 1e300),
        "again": ("repeated", 0, table[rows - 1, 0]),
        "back": ("backward", 0, table[rows - 1, 0] - 5),
    }[kind]
    bad = table[rows]
    bad[:, column] = value
    with_bad = np.insert(table, rows, bad, axis=0)
    clean, path = SignalPath(SPEC), SignalPath(SPEC)
    expected = clean.push(samples)
    events = path.push(Samples(with_bad[:, 0], with_bad[:, 1:4], with_bad[:, 4:]))
    assert [row[:-1] for row in exact(events)] == [row[:-1] for row in exact(expected)]
    assert path.counts == clean.counts | {reason: len(places)}


@settings(max_examples=40, deadline=None)
@example(losses=[(384, 2), (385, 3)], gap_s=0.0)  # the end of a window is not in it
@given(
    losses=st.lists(st.tuples(st.integers(1, 1400), st.integers(1, 9)), max_size=8),
    gap_s=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_each_loss_is_reported_once_and_in_its_place(
    losses: list[tuple[int, int]], gap_s: float
) -> None:
    t_s = moments(1500, 50)
    t_s[700:] += gap_s
    samples, path = walk(t_s), SignalPath(SPEC)
    blocks = chunks(samples, [place for place, _ in losses])
    for (_, count), (i, block) in zip(sorted(losses), enumerate(blocks[1:], 1), strict=True):
        blocks[i] = Samples(block.t_s, block.acc_g, block.gyro_rad_s, count)
    events = push_all(path, blocks)
    assert path.counts["lost"] == sum(count for _, count in losses)
    reported_to_s = -np.inf
    for event in events:
        if isinstance(event, Gap):
            continue
        # A loss just before the first sample belongs to the start.
        until_s = getattr(event, "end_s", np.nextafter(event.start_s, np.inf))
        lost = [count for place, count in losses if reported_to_s <= t_s[place] < until_s]
        assert event.lost == sum(lost)
        reported_to_s = until_s


def test_windows_lie_on_the_hop_grid_from_the_warm_up_on() -> None:
    events = SignalPath(SPEC).push(walk(moments(3000, 50) + 7))
    start, *rest = events
    assert isinstance(start, StretchStart)
    got = windows(rest)
    assert len(got) == len(rest)
    assert start.start_s == 7
    assert start.ready_s == pytest.approx(got[0].end_s)
    hop_s = SPEC.hop / SPEC.rate_hz
    starts = [window.start_s for window in got]
    np.testing.assert_allclose(starts, 7 + SPEC.warm_up_s + hop_s * np.arange(len(got)))
    assert all(w.end_s - w.start_s == pytest.approx(2.56) for w in got)
    assert all(w.x.shape == (128, 9) and w.x.dtype == np.float32 for w in got)
    np.testing.assert_array_equal(got[0].x[64:], got[1].x[:64])
    # A window is delayed only by the look-ahead of the time base.
    assert got[-1].end_s > 7 + 60 - hop_s - 0.5


def test_at_rest_total_is_gravity_and_body_is_zero() -> None:
    n = 1000
    still = Samples(np.arange(n) / 50, np.tile([0.6, 0.0, -0.8], (n, 1)), np.zeros((n, 3)))
    for window in windows_of(still, SPEC):
        np.testing.assert_allclose(window.x[:, :3], np.tile([0.6, 0, -0.8], (128, 1)), atol=1e-6)
        np.testing.assert_allclose(window.x[:, 3:], 0, atol=1e-6)


def test_gravity_is_split_from_the_gait() -> None:
    t_s = moments(3000, 50)
    swing = 0.3 * np.sin(2 * np.pi * 2 * t_s)
    acc = np.stack([np.zeros(3000), 1 + swing, np.zeros(3000)], axis=1)
    body = windows_of(Samples(t_s, acc, np.zeros((3000, 3))), SPEC)[-1].x[:, 7]
    assert abs(body.mean()) < 0.01
    assert body.max() == pytest.approx(0.3, rel=0.05)


def test_no_window_spans_a_gap_and_windows_resume_when_warm() -> None:
    t_s = moments(3000, 50)
    t_s[1500:] += 0.3
    events = SignalPath(SPEC).push(walk(t_s))
    kinds = [e for e in events if not hasattr(e, "x")]
    _, gap, second = kinds
    assert isinstance(gap, Gap)
    assert (gap.start_s, gap.end_s) == (t_s[1499], t_s[1500])
    assert isinstance(second, StretchStart)
    assert second.start_s == t_s[1500]
    before = [w for w in windows(events) if w.start_s < gap.end_s]
    after = [w for w in windows(events) if w.start_s >= gap.end_s]
    # The grid is completed to the last sample before the gap: 23 whole hops in 1500 points.
    assert len(before) == 1500 // 64 - 3
    assert max(w.end_s for w in before) <= gap.start_s + 0.02
    assert min(w.start_s for w in after) == pytest.approx(gap.end_s + SPEC.warm_up_s)
    # As if the source had been switched on after the gap.
    fresh = windows_of(walk(t_s)[1500:], SPEC)
    assert exact(after) == exact(fresh)


def test_a_gap_just_below_the_limit_is_bridged() -> None:
    t_s = moments(1000, 50)
    t_s[500:] += 0.22
    start, *rest = SignalPath(SPEC).push(walk(t_s))
    assert isinstance(start, StretchStart)
    assert len(rest) == len(windows(rest)) == 1011 // 64 - 3


@pytest.mark.parametrize(
    ("t_s", "events"),
    [
        (np.zeros(100_000), 1),
        (np.arange(3000) * 60.0, 2 * 3000 - 1),
        (np.arange(100_000) * 1e-6, 1),
        (np.array([0, 1e9, 2e9, -1e9, 1e9 + 1]), 5),
        (np.full(1000, 1.7e18), 0),
        (-np.arange(1000.0), 1),
        (np.concatenate([np.arange(32) * 1e-4, 1 + np.arange(2000) * 0.249]), None),
        (np.concatenate([np.arange(32) * 0.25, 8 + np.arange(40_000) * 1e-4]), None),
    ],
    ids=["frozen", "one a minute", "1 MHz", "leaps", "nanoseconds", "backward", "slower", "faster"],
)
def test_a_hostile_clock_costs_little(t_s: Float64, events: int | None) -> None:
    samples = walk(t_s)
    got = SignalPath(SPEC).push(samples)
    assert events is None or len(got) == events
    assert all(np.abs(window.x).max() < 3 for window in windows(got))
    parts = chunks(samples, range(0, len(t_s), 997))
    assert exact(push_all(SignalPath(SPEC), parts)) == exact(got)
