"""Constant errors are found again, whatever they are; what is no rest is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.calibration import file as files
from device.calibration.faces import FACES, HOLD_S, Residual, Result, SixFaces, face_up
from device.calibration.still import StillFinder
from device.calibration.values import Calibrated, Calibration
from device.sources.recording import RecordingSource
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples
from tests.device.still_life import GYRO_NOISE_RAD_S, UP, positions, tilted


def three(low: float, high: float) -> st.SearchStrategy[tuple[float, float, float]]:
    return st.tuples(*[st.floats(low, high)] * 3)


def shown(samples: Samples) -> tuple[SixFaces, list[str]]:
    six = SixFaces()
    return six, [six.offer(still) for still in StillFinder(HOLD_S).push(samples)]


@given(
    three(-0.29, 0.29), three(0.81, 1.24), three(-0.34, 0.34), st.permutations(FACES),
    st.lists(st.tuples(st.floats(0, 8), st.floats(0, 6.28)), min_size=6, max_size=6),
    st.integers(0, 1000),
)  # fmt: skip
@settings(max_examples=60)
def test_any_plausible_errors_are_found_however_crooked_it_is_held(
    offset: tuple[float, float, float],
    scale: tuple[float, float, float],
    bias: tuple[float, float, float],
    order: list[str],
    tilts: list[tuple[float, float]],
    seed: int,
) -> None:
    up = [tilted(UP[face], *tilt) for face, tilt in zip(order, tilts, strict=True)]
    read = positions(up, offset_g=offset, scale=scale, bias_rad_s=bias, seed=seed)
    six, said = shown(read)
    assert six.result is not None, said
    found = six.result.calibration
    # The mean of 100 samples is off by 0.4 mg; six standard deviations, and tilts add to it.
    np.testing.assert_allclose(found.acc_offset_g, offset, rtol=0, atol=0.004)
    np.testing.assert_allclose(found.acc_scale, scale, rtol=0, atol=0.004)
    np.testing.assert_allclose(found.gyro_bias_rad_s, bias, rtol=0, atol=GYRO_NOISE_RAD_S / 4)
    assert six.result.residuals["at the six faces"].after_mg < 3


def test_the_residual_is_of_what_was_not_fitted() -> None:
    """Twelve milli-g of drift after the fitted part must show."""
    read = positions(list(UP.values()), hold_s=4.0, offset_g=(0.05, -0.02, 0.08))
    six, _ = shown(read)
    assert six.result is not None
    honest = six.result.residuals["at the six faces"]
    assert honest.before_mg == pytest.approx(55, abs=5)
    assert honest.after_mg < 1.5
    late = read.acc_g.copy()
    within = read.t_s % 5.5
    late[(within > 2.4) & (within < 4)] *= 1.012
    six, _ = shown(replace(read, acc_g=late))
    assert six.result is not None
    assert six.result.residuals["at the six faces"].after_mg == pytest.approx(12, abs=2)


def test_axes_that_are_not_square_show_at_tilted_positions() -> None:
    """Offset and scale cannot mend them, and the six faces alone cannot tell."""
    corner = [(1, 1, 1), (-1, 1, 1)]
    read = positions([*[*UP.values()][:5], *corner, UP["-z"]])
    skew = np.array([[1, 0.03, 0], [0, 1, 0.03], [0, 0, 1]])
    six, said = shown(replace(read, acc_g=read.acc_g @ skew.T))
    assert six.result is not None, said
    assert six.result.residuals["at the six faces"].after_mg < 2
    aside = six.result.residuals["at tilted positions, not fitted"]
    assert aside.positions == 2
    assert aside.after_mg > 8


def test_a_face_twice_and_a_tilted_one_are_refused_with_the_reason() -> None:
    six, said = shown(positions([UP["+z"], UP["+z"], (1, 1, 1), UP["-x"]]))
    assert six.result is None
    assert six.missing == ["+x", "+y", "-y", "-z"]
    assert said[0] == "+z up: taken"
    assert said[1] == "refused: +z up was seen already"
    assert said[2].startswith("refused: tilted, 5")
    assert said[3] == "-x up: taken"


def test_what_looked_level_and_was_not_is_asked_for_again() -> None:
    crooked = tilted(UP["+x"], 27, 1.0)
    rest = [np.array(UP[face], float) for face in FACES[1:]]
    six, said = shown(positions([crooked, *rest, UP["+x"]]))
    assert "repeat: +x was tilted by 27 degrees" in said[5]
    assert six.result is not None
    assert "at tilted positions, not fitted" in six.result.residuals


def test_turning_about_the_vertical_is_noticed_though_gravity_stands_still() -> None:
    read = positions([*UP.values(), UP["-y"]])
    turned = read.gyro_rad_s.copy()
    during = (read.t_s > 3 * 6.5 - 0.5) & (read.t_s < 3 * 6.5 + 5.2)
    turned[during, 1] += 0.1
    six, said = shown(replace(read, gyro_rad_s=turned))
    assert "repeat: -y was being turned" in said[5]
    assert six.result is not None
    assert abs(six.result.calibration.gyro_bias_rad_s[1]) < 0.001


def test_six_faces_of_no_sensor_are_refused() -> None:
    read = positions(list(UP.values()), offset_g=(0.35, 0, 0))
    with pytest.raises(EdgeharError, match="too large for a sensor of this kind: acc_offset_g"):
        shown(read)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda s: replace(s, gyro_rad_s=s.gyro_rad_s + 0.1 * np.sin(9 * s.t_s)[:, None]),
         "angular rate varies by 4"),
        (lambda s: replace(s, acc_g=s.acc_g + 0.1 * np.sin(30 * s.t_s)[:, None]),
         "acceleration varies by 7"),
        (lambda s: replace(s, acc_g=2 * s.acc_g), "reads 2.00 g"),
        (lambda s: replace(s, gyro_rad_s=s.gyro_rad_s + 0.5), "turns at 29 deg/s"),
        (lambda s: replace(s, acc_g=s.acc_g * np.nan), "not finite"),
        (lambda s: replace(s, acc_g=0 * s.acc_g + 0.5, gyro_rad_s=0 * s.gyro_rad_s), "stuck"),
        (lambda s: s[:1], "no samples"),
        (lambda s: Samples(s.t_s[::12], s.acc_g[::12], s.gyro_rad_s[::12]), "fewer than 10"),
    ],
)  # fmt: skip
def test_what_is_no_rest_is_none_and_the_reason_is_said(spoil: Any, why: str) -> None:
    finder = StillFinder(2.0)
    assert finder.push(spoil(positions([UP["+z"]]))) == []
    assert why in finder.moving


def test_what_still_rings_after_it_was_set_down_is_left_out() -> None:
    read = positions([UP["+z"]], hold_s=4.5)
    ringing = 0.03 * np.exp(-read.t_s / 0.2) * (read.t_s < 0.5)
    (still,) = StillFinder(3.0).push(replace(read, acc_g=read.acc_g + ringing[:, None]))
    np.testing.assert_allclose(still.acc_g, UP["+z"], atol=0.0015)


def test_a_slow_turn_is_no_rest() -> None:
    """Three degrees a second with no tremor at all: each piece looks still."""
    t_s = np.arange(0, 12, 0.02)
    angle = np.radians(3) * t_s
    read = positions([UP["+z"]], hold_s=12)
    turn = np.stack([np.sin(angle), 0 * angle, np.cos(angle) - 1], axis=1)
    assert StillFinder(3.0).push(replace(read, acc_g=read.acc_g + turn)) == []


def test_lost_samples_end_a_rest() -> None:
    read = positions([UP["+z"]], hold_s=4.0)
    assert len(StillFinder(3.0).push(read)) == 1
    gap = Samples(read.t_s + (read.t_s > 2), read.acc_g, read.gyro_rad_s)
    assert StillFinder(3.0).push(gap) == []
    finder = StillFinder(3.0)
    assert finder.push(read[:100]) + finder.push(replace(read[100:], lost=2)) == []


@given(st.lists(st.integers(1, 400), max_size=12))
@settings(max_examples=20)
def test_the_cut_into_blocks_changes_nothing(cuts: list[int]) -> None:
    read = positions([UP["+z"], UP["-x"]])
    finder, edges = StillFinder(HOLD_S), np.cumsum([0, *cuts]).tolist()
    found = [
        still
        for start, end in zip(edges, [*edges[1:], len(read)], strict=True)
        for still in finder.push(read[start:end])
    ]
    whole = StillFinder(HOLD_S).push(read)
    assert len(found) == len(whole) == 2
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_array_equal(one.acc_g, other.acc_g)
        np.testing.assert_array_equal(one.gyro_rad_s, other.gyro_rad_s)


@given(three(-0.3, 0.3), three(0.8, 1.25), three(-0.3, 0.3))
def test_what_is_put_right_is_the_truth(
    offset: tuple[float, float, float],
    scale: tuple[float, float, float],
    bias: tuple[float, float, float],
) -> None:
    random = np.random.default_rng(1)
    truth_g, truth_rad_s = random.normal(size=(2, 50, 3))
    read = Samples(np.arange(50.0), offset + scale * truth_g, truth_rad_s + bias, lost=7)
    right = Calibration(offset, scale, bias).apply(read)
    np.testing.assert_allclose(right.acc_g, truth_g, atol=1e-12)
    np.testing.assert_allclose(right.gyro_rad_s, truth_rad_s, atol=1e-12)
    assert right.lost == 7
    assert right.t_s is read.t_s


def test_which_way_is_up() -> None:
    for face, up in UP.items():
        assert face_up(np.array(up, float)) == (face, 0.0)
    assert face_up(tilted(UP["-y"], 10, 2.0))[0] == "-y"
    assert face_up(tilted(UP["-y"], 10, 2.0))[1] == pytest.approx(10)
    assert face_up(np.zeros(3))[1] == 90


def test_a_calibrated_source_is_the_source_put_right(tmp_path: Path) -> None:
    read = positions([UP["+z"]])
    path = tmp_path / "raw.csv"
    with RecordingWriter(path) as writer:
        writer.write(read)
    source = Calibrated(RecordingSource(path), Calibration((0, 0, 0.1), (1, 1, 2 - 0.9), (0, 0, 0)))
    (block,) = source.blocks()
    np.testing.assert_allclose(block.acc_g[:, 2], (read.acc_g[:, 2] - 0.1) / 1.1, atol=1e-12)
    assert source.name == f"recording:{path}"
    assert source.date(1.0) is None


VALUES = Calibration((0.01, -0.02, 0.081), (1.01, 0.99, 1.0), (0.02, -0.01, 0.3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "wrist.json"
    result = Result(VALUES, {"at the six faces": Residual(6, 55.0, 0.5)})
    files.write(path, files.made(result, "serial:/dev/a", "2026-01-01T00:00:00+00:00", 31.5))
    return path


def test_a_file_gives_back_what_was_written(path: Path) -> None:
    back = files.read(path)
    assert back.calibration == VALUES
    assert back.source == "serial:/dev/a"
    assert back.residuals["at the six faces"]["after_mg"] == 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"acc_offset_g": [0, 0, 0.31]}, r"acc_offset_g\[2\] is 0.31"),
        ({"acc_scale": [1, 0.5, 1]}, r"acc_scale\[1\] is 0.5"),
        ({"gyro_bias_rad_s": [0.4, 0, 0]}, r"gyro_bias_rad_s\[0\]"),
        ({"acc_scale": [1, 1]}, "list of 3 numbers"),
        ({"acc_scale": ["1", 1, 1]}, "must be a number"),
        ({"acc_scale": [True, 1, 1]}, "must be a number"),
        ({"acc_offset_g": [float("nan"), 0, 0]}, "must be a number"),
        ({"acc_offset_g": [10**400, 0, 0]}, "must be a number"),
        ({"schema": 2}, "schema 2"),
        ({"schema": [1]}, "schema"),
        ({"more": 1}, "'more' is not known"),
        ({"temperature_c": 4000}, "temperature_c"),
        ({"source": 3}, "source must be printable text"),
        ({"residuals": []}, "residuals"),
    ],
)
def test_a_file_that_would_spoil_everything_is_refused(
    path: Path, change: dict[str, Any], words: str
) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=words) as refused:
        files.read(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 50_000, b"[]", b"7", b"{}", b"{" + b" " * 70_000 + b"}"]
)
def test_what_is_no_calibration_is_one_line(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="calibration") as refused:
        files.read(path)
    assert "\n" not in str(refused.value)


def test_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the calibration"):
        files.read(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot read the calibration"):
        files.read(tmp_path)
