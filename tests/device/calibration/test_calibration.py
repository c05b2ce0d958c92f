"""Constant errors are measured at rest, removed from samples, and kept in a file."""

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
from device.calibration.values import Calibrated, Calibration, Triple
from device.sources.recording import RecordingSource
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples
from tests.device.still_life import GYRO_NOISE_RAD_S, UP, positions, tilted


def three(low: float, high: float) -> st.SearchStrategy[Triple]:
    return st.tuples(*[st.floats(low, high)] * 3)


def offered(samples: Samples) -> tuple[SixFaces, list[str]]:
    """Offer all times of rest; return also the messages."""
    six = SixFaces()
    return six, [six.offer(still) for still in StillFinder(HOLD_S).push(samples)]


def fitted(samples: Samples) -> Result:
    six, messages = offered(samples)
    assert six.result is not None, messages
    return six.result


@given(
    three(-0.29, 0.29), three(0.81, 1.24), three(-0.34, 0.34), st.permutations(FACES),
    st.lists(st.tuples(st.floats(0, 8), st.floats(0, 6.28)), min_size=6, max_size=6),
    st.integers(0, 1000),
)  # fmt: skip
@settings(max_examples=60)
def test_any_possible_errors_are_measured_with_tilted_faces(
    offset: Triple, scale: Triple, bias: Triple, order: list[str], tilts: list[Any], seed: int
) -> None:
    up = [tilted(UP[face], *tilt) for face, tilt in zip(order, tilts, strict=True)]
    result = fitted(positions(up, offset_g=offset, scale=scale, bias_rad_s=bias, seed=seed))
    measured = result.calibration
    # The mean of 100 samples has a deviation of 0.4 mg; six deviations, and tilts add to them.
    np.testing.assert_allclose(measured.acc_offset_g, offset, rtol=0, atol=0.004)
    np.testing.assert_allclose(measured.acc_scale, scale, rtol=0, atol=0.004)
    np.testing.assert_allclose(measured.gyro_bias_rad_s, bias, rtol=0, atol=GYRO_NOISE_RAD_S / 4)
    assert result.residuals["at the six faces"].after_mg < 3


def test_the_residual_is_that_of_samples_outside_the_fit() -> None:
    """A drift of 12 mg after the fitted part is visible."""
    samples = positions(list(UP.values()), hold_s=4.0, offset_g=(0.05, -0.02, 0.08))
    residual = fitted(samples).residuals["at the six faces"]
    assert residual.before_mg == pytest.approx(55, abs=5)
    assert residual.after_mg < 1.5
    late = samples.acc_g.copy()
    within = samples.t_s % 5.5
    late[(within > 2.4) & (within < 4)] *= 1.012
    residual = fitted(replace(samples, acc_g=late)).residuals["at the six faces"]
    assert residual.after_mg == pytest.approx(12, abs=2)


def test_skewed_axes_show_at_tilted_positions() -> None:
    """Offset and scale cannot correct them, and the six faces do not show them."""
    corner = [(1, 1, 1), (-1, 1, 1)]
    samples = positions([*[*UP.values()][:5], *corner, UP["-z"]])
    skew = np.array([[1, 0.03, 0], [0, 1, 0.03], [0, 0, 1]])
    residuals = fitted(replace(samples, acc_g=samples.acc_g @ skew.T)).residuals
    assert residuals["at the six faces"].after_mg < 2
    assert residuals["at tilted positions, not fitted"].positions == 2
    assert residuals["at tilted positions, not fitted"].after_mg > 8


def test_a_repeated_face_and_a_tilted_one_are_refused_with_the_reason() -> None:
    six, messages = offered(positions([UP["+z"], UP["+z"], (1, 1, 1), UP["-x"]]))
    assert six.result is None
    assert six.missing == ["+x", "+y", "-y", "-z"]
    assert messages[0] == "+z up: taken"
    assert messages[1] == "refused: +z up was seen already"
    assert messages[2].startswith("refused: tilted, 5")
    assert messages[3] == "-x up: taken"


def test_a_face_that_only_seemed_level_must_be_repeated() -> None:
    level = [np.array(UP[face], float) for face in FACES[1:]]
    six, messages = offered(positions([tilted(UP["+x"], 27, 1.0), *level, UP["+x"]]))
    assert "repeat: +x was tilted by 27 degrees" in messages[5]
    assert six.result is not None
    assert "at tilted positions, not fitted" in six.result.residuals


def test_a_rotation_about_the_vertical_is_detected() -> None:
    samples = positions([*UP.values(), UP["-y"]])
    gyro = samples.gyro_rad_s.copy()
    gyro[(samples.t_s > 3 * 6.5 - 0.5) & (samples.t_s < 3 * 6.5 + 5.2), 1] += 0.1
    six, messages = offered(replace(samples, gyro_rad_s=gyro))
    assert "repeat: -y was being turned" in messages[5]
    assert six.result is not None
    assert abs(six.result.calibration.gyro_bias_rad_s[1]) < 0.001


def test_impossible_errors_are_refused() -> None:
    with pytest.raises(EdgeharError, match="too large for a sensor of this kind: acc_offset_g"):
        offered(positions(list(UP.values()), offset_g=(0.35, 0, 0)))


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
def test_a_disturbed_rest_is_refused_with_the_reason(spoil: Any, why: str) -> None:
    finder = StillFinder(2.0)
    assert finder.push(spoil(positions([UP["+z"]]))) == []
    assert why in finder.moving


def test_the_vibration_after_putting_down_is_left_out() -> None:
    samples = positions([UP["+z"]], hold_s=4.5)
    ringing = 0.03 * np.exp(-samples.t_s / 0.2) * (samples.t_s < 0.5)
    (still,) = StillFinder(3.0).push(replace(samples, acc_g=samples.acc_g + ringing[:, None]))
    np.testing.assert_allclose(still.acc_g, UP["+z"], atol=0.0015)


def test_a_slow_turn_is_no_rest() -> None:
    """Three degrees per second without tremor: each piece alone is still."""
    samples = positions([UP["+z"]], hold_s=12)
    angle = np.radians(3) * samples.t_s
    turn = np.stack([np.sin(angle), 0 * angle, np.cos(angle) - 1], axis=1)
    assert StillFinder(3.0).push(replace(samples, acc_g=samples.acc_g + turn)) == []


def test_lost_samples_end_a_rest() -> None:
    samples = positions([UP["+z"]], hold_s=4.0)
    assert len(StillFinder(3.0).push(samples)) == 1
    assert StillFinder(3.0).push(replace(samples, t_s=samples.t_s + (samples.t_s > 2))) == []
    finder = StillFinder(3.0)
    assert finder.push(samples[:100]) + finder.push(replace(samples[100:], lost=2)) == []


@given(st.lists(st.integers(1, 400), max_size=12))
@settings(max_examples=20)
def test_the_cut_into_blocks_changes_nothing(cuts: list[int]) -> None:
    samples = positions([UP["+z"], UP["-x"]])
    finder, edges = StillFinder(HOLD_S), np.cumsum([0, *cuts]).tolist()
    stills = [
        still
        for start, end in zip(edges, [*edges[1:], len(samples)], strict=True)
        for still in finder.push(samples[start:end])
    ]
    whole = StillFinder(HOLD_S).push(samples)
    assert len(stills) == len(whole) == 2
    for one, other in zip(stills, whole, strict=True):
        np.testing.assert_array_equal(one.acc_g, other.acc_g)
        np.testing.assert_array_equal(one.gyro_rad_s, other.gyro_rad_s)


@given(three(-0.3, 0.3), three(0.8, 1.25), three(-0.3, 0.3))
def test_a_calibration_gives_the_true_values(offset: Triple, scale: Triple, bias: Triple) -> None:
    random = np.random.default_rng(1)
    truth_g, truth_rad_s = random.normal(size=(2, 50, 3))
    read = Samples(np.arange(50.0), offset + scale * truth_g, truth_rad_s + bias, lost=7)
    corrected = Calibration(offset, scale, bias).apply(read)
    np.testing.assert_allclose(corrected.acc_g, truth_g, atol=1e-12)
    np.testing.assert_allclose(corrected.gyro_rad_s, truth_rad_s, atol=1e-12)
    assert corrected.lost == 7
    assert corrected.t_s is read.t_s


def test_which_face_is_up() -> None:
    for face, up in UP.items():
        assert face_up(np.array(up, float)) == (face, 0.0)
    assert face_up(tilted(UP["-y"], 10, 2.0))[0] == "-y"
    assert face_up(tilted(UP["-y"], 10, 2.0))[1] == pytest.approx(10)
    assert face_up(np.zeros(3))[1] == 90


def test_a_calibrated_source_gives_corrected_samples(tmp_path: Path) -> None:
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


def test_a_file_is_read_as_it_was_written(path: Path) -> None:
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
def test_an_invalid_file_is_refused(path: Path, change: dict[str, Any], words: str) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=words) as refused:
        files.read(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 50_000, b"[]", b"7", b"{}", b"{" + b" " * 70_000 + b"}"]
)
def test_another_file_is_refused_in_one_line(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="calibration") as refused:
        files.read(path)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="cannot read the calibration"):
            files.read(path)
