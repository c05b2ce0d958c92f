"""Measures decoding, the signal path and inference within this process."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np

from device.bench import Figure, Skipped
from device.model.bundle import load, locate
from device.model.classifier import Classifier
from device.model.runtime import RUNTIMES
from device.signal.path import SignalPath
from device.signal.windows import Windows
from firmware_bridge.decoder import Decoder
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.playing.faults import Faults
from firmware_bridge.playing.plan import Played, stream
from firmware_bridge.sample_assembler import Assembler
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.wearer import Wearer

_READ_BYTES = 4096
_WINDOWS = 500
_INFERENCE_US = {"tflite_runtime": 200.0, "ai_edge_litert": 60.0}


def hour() -> Samples:
    """Return an hour of a synthetic wearer at 50 Hz, who moves for half of the time."""
    script = [("walking", 300.0), ("sitting", 300.0), ("walking_upstairs", 300.0)]
    samples, _ = Wearer(seed=1).samples([*script, ("standing", 300.0)] * 3)
    return samples


def signal_path(model: str, runs: int) -> Iterator[Figure]:
    """Measure CPU time from samples to windows: the part with a budget, and all steps."""
    samples, spec = hour(), load(locate(model)).spec
    points = np.concatenate([samples.acc_g, samples.gyro_rad_s], axis=1).T.copy()
    for what, work, budget in (
        ("filters, gravity split and windows", lambda: Windows(spec).push(points), 50.0),
        ("the same with screening and time base", lambda: SignalPath(spec).push(samples), None),
    ):
        times = tuple(1e3 * t for t in _timed(work, runs))
        yield Figure(f"{what}, CPU per hour of data", "ms", times, budget)


def decoding(_: str, runs: int) -> Iterator[Figure]:
    """Measure the rate of decoding bytes to samples, in reads of 4 kB."""
    samples = hour()
    line = b"".join(a.data for a in stream([samples], VirtualDevice(), Faults(), 0, Played()))

    def decode() -> None:
        decoder, assembler = Decoder(), Assembler()
        for at in range(0, len(line), _READ_BYTES):
            assembler.push(decoder.feed(line[at : at + _READ_BYTES]))
        if assembler.counts.samples != len(samples):
            raise AssertionError("the decoder lost samples")

    rates = tuple(len(samples) / t for t in _timed(decode, runs))
    yield Figure("frame decoding, 10 samples a frame", "samples/s", rates, 300_000.0, at_least=True)


def inference(model: str, runs: int) -> Iterator[Figure]:
    """Measure the CPU time per window in each runtime; on noise, since LSTM kernels skip zeros."""
    bundle = load(locate(model))
    noise = np.random.default_rng(1).standard_normal((_WINDOWS, bundle.spec.window, 9))
    x = noise.astype(np.float32)
    runtimes = [name for name in RUNTIMES if find_spec(name)]
    if not runtimes:
        raise Skipped("no TFLite runtime is installed")
    for name in runtimes:
        classifier = Classifier(bundle, runtime=name)
        times = _timed(partial(classifier.probabilities, x), runs)
        values = tuple(1e6 * t / _WINDOWS for t in times)
        yield Figure(f"inference per window, {name}", "us", values, _INFERENCE_US[name])


def _timed(work: Callable[[], object], runs: int) -> list[float]:
    """Return the CPU time of each run in seconds, after a run to warm up."""
    work()
    times = []
    for _ in range(runs):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return times
