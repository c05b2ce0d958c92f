import numpy as np
import pytest
from scipy import signal

from device.signal import butterworth
from device.signal.gravity_split import GravitySplit
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64

DESIGNS = [
    (order, cutoff, rate)
    for order in range(1, 9)
    for cutoff, rate in [(0.3, 50.0), (20.0, 50.0), (24.9, 50.0), (0.05, 100.0), (3.0, 20.0)]
]


@pytest.mark.parametrize(("order", "cutoff", "rate"), DESIGNS)
def test_response_steady_state_and_output_are_scipys(
    order: int, cutoff: float, rate: float
) -> None:
    ours = butterworth.lowpass(order, cutoff, rate)
    theirs = signal.butter(order, cutoff, fs=rate, output="sos")
    at = np.concatenate([[0.0], np.geomspace(1e-3, rate / 2 * 0.999, 200)])
    (_, response), (_, expected) = (signal.sosfreqz(each, at, fs=rate) for each in (ours, theirs))
    np.testing.assert_allclose(response, expected, rtol=0, atol=1e-9)

    x = np.random.default_rng(1).normal(size=(300, 3)) + 5
    state = butterworth.steady_state(ours)[:, None] * x[0]
    zi = signal.sosfilt_zi(theirs)[:, :, None] * x[0]
    expected, _ = signal.sosfilt(theirs, x, axis=0, zi=zi)
    np.testing.assert_allclose(butterworth.run(ours, x, state), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("spec", [SignalSpec(), SignalSpec(hop=16, noise_order=4, gravity_order=1)])
def test_block_after_block_equals_scipy_on_the_whole(spec: SignalSpec) -> None:
    x = np.random.default_rng(2).normal(size=(6, 100 * spec.hop)) + 1
    blocks = GravitySplit(spec)
    blocks.start(x[:, 0])
    got = [
        np.concatenate(blocks.block(x[:, at : at + spec.hop]), axis=1)
        for at in range(0, x.shape[1], spec.hop)
    ]

    def filtered(order: int, cutoff: float, y: Float64) -> Float64:
        sos = signal.butter(order, cutoff, fs=spec.rate_hz, output="sos")
        zi = signal.sosfilt_zi(sos)[:, None, :] * y[None, :, :1]
        return np.asarray(signal.sosfilt(sos, y, axis=1, zi=zi)[0])

    quiet = filtered(spec.noise_order, spec.noise_cutoff_hz, x)
    body = quiet[:3] - filtered(spec.gravity_order, spec.gravity_cutoff_hz, quiet[:3])
    expected = np.concatenate([quiet, body]).T
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=0, atol=1e-9)
