"""The configured rotation from sensor to wearer axes."""

import numpy as np
import pytest

from device.mounting.rotation import Mounting
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64

QUARTER_TURN = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]


def test_a_quarter_turn_about_z() -> None:
    xyz = np.array([[1.0], [2.0], [3.0]])
    np.testing.assert_array_equal(Mounting(QUARTER_TURN).apply(xyz).T, [[-2.0, 1.0, 3.0]])


def test_a_rotation_keeps_the_norm() -> None:
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.linalg.det(rotation)
    xyz = rng.normal(size=(3, 50))
    turned = Mounting(rotation).apply(xyz)
    np.testing.assert_allclose((turned**2).sum(axis=0), (xyz**2).sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(turned, rotation @ xyz, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rotation", [None, np.eye(3)])
def test_no_rotation_changes_no_bit(rotation: Float64 | None) -> None:
    xyz = np.array([[-0.0], [1e-300], [3.0]])
    assert Mounting(rotation).apply(xyz).tobytes() == xyz.tobytes()


@pytest.mark.parametrize(
    ("rotation", "what"),
    [
        ([[1, 0], [0, 1]], "three rows of three"),
        ([[1, 0, 0], [0, 1]], "three rows of three"),
        ("xyz", "three rows of three"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, float("nan")]], "three rows of three"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, -1]], "mirror"),
        ([[2, 0, 0], [0, 0.5, 0], [0, 0, 1]], "right angles"),
        ([[1, 0.1, 0], [0, 1, 0], [0, 0, 1]], "right angles"),
        ([[1e200, 0, 0], [0, 1, 0], [0, 0, 1]], "right angles"),
    ],
)
def test_an_invalid_rotation_is_refused(rotation: list[list[float]], what: str) -> None:
    with pytest.raises(InputError, match=what):
        Mounting(rotation)
