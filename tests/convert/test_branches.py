"""A network with branches as int8 on every runtime."""

import numpy as np
import pytest

from convert.conversion_process import convert
from convert.runtime_process import installed
from device.model.runtime import Model
from tests.convert.models import branching_network, trained, verify_on_every_runtime, windows

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lstm", ["unrolled", "fused"])
def test_a_network_with_branches_is_as_good_in_int8_on_every_runtime(lstm: str) -> None:
    x, y = windows(1000, seed=2)
    representative, _ = windows(400, seed=3)
    model = trained(branching_network, 5, 3e-3)
    converted, reference = convert(model, representative, [("int8", lstm)], test=x)
    assert verify_on_every_runtime(converted[0], reference, x, y).input_range == 2.0


def test_batch_normalisation_leaves_no_operation_of_its_own() -> None:
    x, _ = windows(400, seed=3)
    model = trained(branching_network, 5, 3e-3)
    converted, reference = convert(model, x, [("float32", "fused")], test=x)
    for runtime in installed():
        probabilities = Model(converted[0].flatbuffer, runtime).run(x)
        np.testing.assert_allclose(probabilities, reference, atol=1e-4)
    assert "RSQRT" not in converted[0].operations
    assert "BATCH_MATMUL" not in converted[0].operations
