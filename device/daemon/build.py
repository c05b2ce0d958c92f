"""Assembles the daemon from its settings, and again each time the settings are reloaded."""

import logging
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device import factory
from device.config.load import Config
from device.config.source import Source as SourceSetting
from device.daemon import loop, signals
from device.daemon.observer import InferenceTimes
from device.daemon.reload import report_refused, reread
from device.daemon.reloadable_source import DecidedUntil, ReloadableSource
from device.daemon.systemd_notify import Notifier
from device.decision.daily_totals import DailyTotals
from device.model.bundle import Bundle
from device.model.classifier import Classifier
from device.model.trial import ActiveModel
from device.mounting.state_file import MountingFile
from device.pipeline.pipeline import Classify, Pipeline
from device.sinks import Outlet, Sink
from device.sinks.stdout import Stdout
from device.sources import Source
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.samples import Float64

log = logging.getLogger(__name__)


class View(Sink, Protocol):
    """A sink that draws decisions, and the windows that they are made of."""

    def look_at(self, x: NDArray[np.float32]) -> None:
        """Take windows (n, window, 9) that go to the model."""


Show = Callable[[Source, str], View]
"""Makes a view of a source and a model's id."""


@dataclass(frozen=True, slots=True)
class _Run:
    """The parts that stay the same through reloads."""

    source: ReloadableSource
    notifier: Notifier | None
    show: Show | None


@dataclass(frozen=True, slots=True)
class _Ready:
    """The parts of a daemon, until the settings are reloaded."""

    config: Config
    model: ActiveModel
    pipeline: Pipeline
    times: InferenceTimes
    outlets: list[Outlet]
    mounting: MountingFile | None
    today: DailyTotals | None
    decided: DecidedUntil


def run(settings: Callable[[], Config], show: Show | None = None) -> dict[str, Any]:
    """Run the daemon until a signal stops it; return a summary that can be written as JSON.

    `settings` reads the settings, at the start and at each reload. `show` makes the view that
    replaces JSON lines on standard output. Raises EdgeharError, and reports it to systemd before.
    """
    notifier = Notifier.from_environment()
    try:
        return _run(settings, notifier, show)
    except EdgeharError as error:
        if notifier is not None:
            notifier.failed(str(error))
        raise


def _run(
    settings: Callable[[], Config], notifier: Notifier | None, show: Show | None
) -> dict[str, Any]:
    config = settings()
    source = _checked(config)
    # Without systemd, SIGHUP means a closed terminal and ends the daemon as usual.
    hangup = signals.hangup_signal() if notifier is not None else lambda: False
    stop = signals.stop_signal()
    again, ready, decisions = False, None, 0

    def interrupted() -> bool:
        nonlocal again
        again = hangup()
        return stop() or again

    calibrate = factory.calibration(config.calibration).apply if config.calibration else None
    with closing(ReloadableSource(factory.open_source(source), calibrate)) as reloadable:
        run = _Run(reloadable, notifier, show)
        while ready is None or again:
            if ready is not None and notifier is not None:
                notifier.reloading()
                config = reread(settings, ready.config, _checked, notifier)
            with _prepared(config, run, ready) as ready:
                result = loop.run(
                    reloadable, ready.pipeline, ready.model.bundle.spec, ready.outlets, interrupted,
                    ready.mounting, ready.times, ready.today,
                )  # fmt: skip
            decisions += result.decisions
            again = again and not stop()
    if notifier is not None:
        notifier.stopping()
    return {"model": ready.model.bundle.id, **asdict(replace(result, decisions=decisions))}


def _checked(config: Config) -> SourceSetting:
    if config.source is None:
        raise InputError("no source; give --source serial:/dev/ttyUSB0 or set source.uri")
    if not config.stdout and config.sqlite is None and config.mqtt is None:
        raise InputError("no sink for decisions; set sinks.stdout, sinks.sqlite or mqtt.host")
    return config.source


@contextmanager
def _prepared(config: Config, run: _Run, last: _Ready | None) -> Generator[_Ready]:
    """Build the parts from the settings; if that fails after a reload, from the previous ones."""
    with ExitStack() as stack:
        try:
            model = stack.enter_context(factory.active_model(config))
            ready = _ready(config, run, model, last)
        except EdgeharError as error:
            if last is None or run.notifier is None:
                raise
            stack.close()
            report_refused(error, run.notifier)
            model = stack.enter_context(factory.active_model(last.config))
            ready = _ready(last.config, run, model, last)
        yield ready


def _ready(config: Config, run: _Run, model: ActiveModel, last: _Ready | None) -> _Ready:
    source, notifier = run.source, run.notifier
    bundle, setting = model.bundle, _checked(config)
    view = run.show(source, bundle.id) if run.show and config.stdout else None
    mounting = None
    if config.rotation is None:
        mounting = factory.mounting_file(bundle, setting, source.name, config.state)
    decided = DecidedUntil() if last is None else last.decided
    same_model = last is not None and last.model.bundle == bundle
    if last is not None and same_model and last.config.rotation == config.rotation:
        pipeline, times = last.pipeline, last.times
    else:
        estimate = None if mounting is None else mounting.read(bundle.spec.rate_hz)
        times = InferenceTimes(with_view(Classifier(bundle).probabilities, view))
        pipeline = Pipeline(bundle, times, config.rotation, estimate)
        if last is not None:
            source.prime(pipeline, decided)
    sinks: list[Sink] = []
    day_file = factory.daily_totals_file(setting, config.state)
    try:
        _open_sinks(config, source, bundle, sinks, view)
    except BaseException:
        for sink in sinks:
            sink.close()
        raise
    into = ", ".join(sink.name for sink in sinks)
    today = None if day_file is None else day_file.read(bundle.labels)
    sinks += [day_file] if day_file is not None else []
    log.info("model %s: %s", bundle.id, model.why)
    log.info("ready: model %s, from %s, to %s", bundle.id, source.name, into)
    if model.proof is not None:
        sinks.append(model.proof)
    sinks.append(decided)
    if notifier is not None:
        sinks.append(notifier)  # the last sink: a decision here has passed all others
        notifier.ready(f"model {bundle.id}, from {source.name}, to {into}")
    outlets = [Outlet(sink) for sink in sinks]
    return _Ready(config, model, pipeline, times, outlets, mounting, today, decided)


def with_view(classify: Classify, view: View | None) -> Classify:
    """Return `classify`, but let the view look at its windows first."""
    if view is None:
        return classify

    def look_and_classify(x: NDArray[np.float32]) -> Float64:
        view.look_at(x)
        return classify(x)

    return look_and_classify


def _open_sinks(
    config: Config, source: ReloadableSource, bundle: Bundle, sinks: list[Sink], view: View | None
) -> None:
    if config.stdout:
        sinks.append(Stdout() if view is None else view)
    if config.sqlite is not None:
        from device.dashboard.feed import Feed  # noqa: PLC0415 -- the page needs the database
        from device.sinks.sqlite import Sqlite  # noqa: PLC0415 -- 1 MB of memory

        sinks += [Sqlite(config.sqlite, source.name, config.history), Feed(config.sqlite)]
    if config.metrics_listen or config.metrics_file:
        from device.sinks.metrics import Metrics  # noqa: PLC0415 -- 4 MB, and in an extra

        sinks.append(Metrics(config.metrics_listen, config.metrics_file))
    if config.mqtt is not None:
        from device.sinks.mqtt.sink import MqttSink  # noqa: PLC0415 -- 3 MB, and in an extra

        sinks.append(MqttSink(config.mqtt, bundle.labels, bundle.id))
    source.show = None
    if config.labels_folder is not None and _checked(config).kind != "recording":
        from device.sinks.raw_ring import RawRing  # noqa: PLC0415 -- saves memory without it

        ring = RawRing(config.labels_folder, config.labels_max_mb, source.date)
        source.show = ring.keep
        sinks.append(ring)
