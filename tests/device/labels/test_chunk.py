from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from device.labels import chunk
from firmware_bridge.samples import Samples
from tests.device.labels.made_up import same, samples

BOOT = bytes(range(16))
HEAD = 100
"""Bytes of a chunk before the compressed part."""
ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)


def packed(some: Samples) -> bytes:
    return chunk.packed(some, BOOT, (10.0, 12.0), 1e9)


@st.composite
def anything(draw: st.DrawFn) -> Samples:
    """Any float64 values, also -0.0 and NaN."""
    size = draw(st.integers(1, 40))
    values = draw(arrays.arrays(np.float64, (size, 7), elements=ANY))
    return Samples(values[:, 0].copy(), values[:, 1:4], values[:, 4:], draw(st.integers(0, 2**32)))


@given(anything())
def test_any_samples_come_back_bit_for_bit(given_: Samples) -> None:
    (found,) = chunk.read(packed(given_))
    assert same(found.samples(), given_)
    assert found.samples().lost == min(given_.lost, 2**32 - 1)
    assert (found.boot, found.start_s, found.end_s, found.offset_s) == (BOOT, 10.0, 12.0, 1e9)


@pytest.mark.parametrize("acc_full_scale_g", [2, 4, 8, 16])
@pytest.mark.parametrize("gyro_full_scale_dps", [250, 500, 1000, 2000])
def test_what_a_sensor_counts_takes_a_quarter(
    acc_full_scale_g: int, gyro_full_scale_dps: int
) -> None:
    chance = np.random.default_rng(1)
    counts = chance.normal(0, 30, (2, 250, 3)).round().astype(np.int16)
    counts[:, 0] = -32768
    counts[:, 1] = 32767
    some = Samples(
        samples(3600.0, 250).t_s,
        counts[0] * (acc_full_scale_g / 32768),
        counts[1] * (gyro_full_scale_dps / 32768 * np.pi / 180),
    )
    content = packed(some)
    assert len(content) < len(some) * 7 * 8 / 4
    (found,) = chunk.read(content)
    assert same(found.samples(), some)


MANY = [samples(10.0 * n, 20, seed=n, lost=n) for n in range(6)]
FILE = b"".join(map(packed, MANY))
ENDS = np.cumsum([len(packed(one)) for one in MANY]).tolist()


def test_a_file_that_was_cut_anywhere_has_the_chunks_before_the_cut() -> None:
    for cut in range(len(FILE) + 1):
        whole = sum(end <= cut for end in ENDS)
        found = list(chunk.read(FILE[:cut]))
        assert len(found) == whole
        if cut in ENDS or cut % 97 == 0:
            for one, before in zip(found, MANY, strict=False):
                assert same(one.samples(), before)


@settings(max_examples=300)
@given(st.integers(0, len(FILE) - 1), st.binary(min_size=1, max_size=300))
def test_what_was_overwritten_is_refused_and_all_else_is_there(at: int, garbage: bytes) -> None:
    damaged = (FILE[:at] + garbage + FILE[at + len(garbage) :])[: len(FILE)]
    spoilt = {
        n
        for n, (begin, end) in enumerate(pairwise([0, *ENDS]))
        if damaged[begin:end] != FILE[begin:end]
    }
    found = list(chunk.read(damaged))
    assert [one.lost for one in found] == [n for n in range(len(MANY)) if n not in spoilt]
    assert all(same(one.samples(), MANY[one.lost]) for one in found)


@given(st.binary(max_size=2000))
def test_other_files_have_nothing_in_them(content: bytes) -> None:
    assert not list(chunk.read(content))
    assert not list(chunk.read(chunk.MARK + content))


@given(st.binary(max_size=200), st.integers(1, chunk.MOST))
def test_what_only_looks_whole_is_an_error_of_one_kind(content: bytes, size: int) -> None:
    found = chunk.Chunk(BOOT, 0.0, 1.0, 0.0, 0.0, 1.0, size, 0, packed(MANY[0])[:HEAD] + content)
    with pytest.raises(ValueError, match="not a chunk"):
        found.samples()


def test_samples_are_dated_between_the_first_and_the_last() -> None:
    (found,) = chunk.read(packed(MANY[1]))
    taken_s = found.taken_s(MANY[1].t_s)
    assert (taken_s[0], taken_s[-1]) == (10.0, 12.0)
    np.testing.assert_allclose(np.diff(taken_s), 2.0 / 19, atol=0.001)
