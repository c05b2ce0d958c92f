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
    """About 30 s with jitter, losses, long and short holes, duplicates, steps back and poison."""
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
@given(seed=st.integers(0, 2**32), rate_hz=st.sampled_from([20, 50, 104]), cuts=CUTS)
def test_any_chunking_gives_the_same_bits(seed: int, rate_hz: float, cuts: list[int]) -> None:
    samples = rough(seed, rate_hz)
    whole, parts = SignalPath(SPEC, ROTATION), SignalPath(SPEC, ROTATION)
    assert exact(push_all(parts, chunks(samples, cuts))) == exact(whole.push(samples))
    assert parts.counts == whole.counts


def test_sample_by_sample_gives_the_same_bits() -> None:
    samples = rough(5, 50)
    one_by_one = push_all(SignalPath(SPEC), chunks(samples, range(len(samples))))
    assert exact(one_by_one) == exact(SignalPath(SPEC).push(samples))
    assert len(windows(one_by_one)) > 3


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    places=st.lists(st.integers(1, 999), min_size=1, max_size=10),
    kind=st.sampled_from(["nan", "inf", "huge", "late clock", "again", "back"]),
)
def test_poison_changes_nothing_but_the_count(seed: int, places: list[int], kind: str) -> None:
    samples = walk(moments(1000, 50, 0.1, seed), seed)
    t_s, acc, gyro = (
        np.repeat(a, 1, axis=0) for a in (samples.t_s, samples.acc_g, samples.gyro_rad_s)
    )
    rows = np.sort(np.array(places))
    bad_t, bad_acc, bad_gyro = t_s[rows].copy(), acc[rows].copy(), gyro[rows].copy()
    match kind:
        case "nan":
            bad_acc[:, 1] = np.nan
        case "inf":
            bad_t[:] = np.inf
        case "huge":
            bad_gyro[:, 2] = -71.0
        case "late clock":
            bad_t[:] = 1e300
        case "again":
            bad_t[:] = t_s[rows - 1]
        case "back":
            bad_t[:] = t_s[rows - 1] - 5
    poisoned = Samples(
        np.insert(t_s, rows, bad_t),
        np.insert(acc, rows, bad_acc, axis=0),
        np.insert(gyro, rows, bad_gyro, axis=0),
    )
    clean, path = SignalPath(SPEC), SignalPath(SPEC)
    expected, got = clean.push(samples), path.push(poisoned)
    assert [row[:-1] for row in exact(got)] == [row[:-1] for row in exact(expected)]
    name = {"nan": "not_finite", "inf": "not_finite", "again": "repeated", "back": "backward"}
    assert path.counts == clean.counts | {name.get(kind, "implausible"): len(places)}


@settings(max_examples=40, deadline=None)
@example(losses=[(384, 2), (385, 3)], gap_s=0.0)  # at the end of a window, which is not in it
@given(
    losses=st.lists(st.tuples(st.integers(1, 1400), st.integers(1, 9)), max_size=8),
    gap_s=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_each_loss_is_said_once_and_where_it_was(
    losses: list[tuple[int, int]], gap_s: float
) -> None:
    t_s = moments(1500, 50)
    t_s[700:] += gap_s
    samples, path = walk(t_s), SignalPath(SPEC)
    blocks = chunks(samples, [place for place, _ in losses])
    for (_, count), (i, block) in zip(sorted(losses), enumerate(blocks[1:], 1), strict=True):
        blocks[i] = Samples(block.t_s, block.acc_g, block.gyro_rad_s, count)
    events = push_all(path, blocks)
    told = [e for e in events if not isinstance(e, Gap)]
    assert path.counts["lost"] == sum(count for _, count in losses)
    said_to = -np.inf
    for event in told:
        until_s = event.start_s if isinstance(event, StretchStart) else event.end_s
        including = isinstance(event, StretchStart)
        expected = sum(
            count
            for place, count in losses
            if said_to <= t_s[place]
            and (t_s[place] < until_s or (including and t_s[place] == until_s))
        )
        assert event.lost == expected
        said_to = np.nextafter(until_s, np.inf) if including else until_s


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
    # Nothing is held back longer than the time base must look ahead.
    assert got[-1].end_s > 7 + 60 - hop_s - 0.5


def test_at_rest_total_is_gravity_and_body_is_nothing() -> None:
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


def test_a_silence_at_the_limit_is_bridged() -> None:
    t_s = moments(1000, 50)
    t_s[500:] += 0.22
    start, *rest = SignalPath(SPEC).push(walk(t_s))
    assert isinstance(start, StretchStart)
    assert len(rest) == len(windows(rest)) == 1011 // 64 - 3


def test_empty_blocks_are_nothing_but_their_loss() -> None:
    path, nothing = SignalPath(SPEC), Samples(np.empty(0), np.empty((0, 3)), np.empty((0, 3)), 4)
    assert path.push(nothing) == []
    assert path.last_s is None
    start = path.push(walk(moments(1, 50)))[0]
    assert isinstance(start, StretchStart)
    assert start.lost == 4


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
