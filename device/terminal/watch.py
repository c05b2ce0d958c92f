"""Runs the daemon with a live view in place of its sinks."""

import logging
from collections.abc import Callable

from rich.console import Console

from device import factory
from device.config.load import Config
from device.config.source import Source
from device.daemon import loop
from device.daemon.build import with_view
from device.model.classifier import Classifier
from device.pipeline.pipeline import Pipeline
from device.sinks import Outlet
from device.sources import Source as Opened
from device.terminal.live_view import LiveView, PlainView, view_on


def watch(config: Config, setting: Source, stop: Callable[[], bool]) -> None:
    """Show the daemon's decisions until `stop` returns true. Raises EdgeharError.

    Records nothing but the mounting, if the settings name a file for it.
    """
    bundle = factory.open_bundle(config.model, config)
    source = factory.open_source(setting)
    if config.calibration is not None:
        source = factory.calibrated(source, config.calibration)
    state_file = factory.mounting_file(bundle, setting, source.name, config.state)
    mounting = None if state_file is None else state_file.read(bundle.spec.rate_hz)
    view = source_view(source, bundle.id)
    logging.getLogger("device").setLevel(logging.CRITICAL)  # the view shows losses itself
    classify = with_view(Classifier(bundle).probabilities, view)
    pipeline = Pipeline(bundle, classify, config.rotation, mounting)
    loop.run(source, pipeline, bundle.spec, [Outlet(view)], stop, state_file)


def source_view(source: Opened, model: str) -> LiveView | PlainView:
    """Start the view of a source and a model on standard output."""

    def footer() -> str:
        counts = source.counts
        # Samples before the device's hello have no known scale; the line has not lost them.
        lost = counts.get("lost", 0) - counts.get("before_hello", 0)
        text = f"{counts.get('samples', 0)} samples came, {lost} were lost"
        return "; ".join([text, *source.health.problems])

    return view_on(Console(highlight=False), f"{source.name}, {model}", None, footer)
