"""The daemon with a live view in place of its sinks."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from device import factory
from device.config.load import Config
from device.config.source import Source
from device.daemon import loop
from device.model.classifier import Classifier
from device.pipeline.pipeline import Pipeline
from device.sinks import Outlet
from device.sources import Source as Opened
from device.terminal.live_view import LiveView, PlainView, view_on
from firmware_bridge.samples import Float64


def watch(config: Config, setting: Source, stop: Callable[[], bool]) -> None:
    """Show what the daemon would decide, until told to stop. Raises EdgeharError.

    Nothing is recorded but, where the settings name a file for it, how the sensor sits.
    """
    bundle = factory.open_bundle(config.model, config)
    source = factory.open_source(setting)
    if config.calibration is not None:
        source = factory.calibrated(source, config.calibration)
    kept = factory.mounting_file(bundle, setting, source.name, config.state)
    before = None if kept is None else kept.read(bundle.spec.rate_hz)
    classifier, view = Classifier(bundle), source_view(source, bundle.id)
    logging.getLogger("device").setLevel(logging.CRITICAL)  # the view says the rest

    def classify(x: NDArray[np.float32]) -> Float64:
        view.look_at(x)
        return classifier.probabilities(x)

    pipeline = Pipeline(bundle, classify, config.rotation, before)
    loop.run(source, pipeline, bundle.spec, [Outlet(view)], stop, kept)


def source_view(source: Opened, model: str) -> LiveView | PlainView:
    """Begin the view of a source and a model at standard output."""

    def footer() -> str:
        counts = source.counts
        # Those before the device has said what they mean are lost on no line.
        lost = counts.get("lost", 0) - counts.get("before_hello", 0)
        text = f"{counts.get('samples', 0)} samples came, {lost} were lost"
        return "; ".join([text, *source.health.problems])

    return view_on(Console(highlight=False), f"{source.name}, {model}", None, footer)
