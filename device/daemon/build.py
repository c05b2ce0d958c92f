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
    """What stays the same through reloads."""

    held: ReloadableSource
    notifier: Notifier | None
    show: Show | None


@dataclass(frozen=True, slots=True)
class _Ready:
    """The parts of a daemon, until the settings are reloaded."""

    config: Config
    taken: ActiveModel
    pipeline: Pipeline
    times: InferenceTimes
    outlets: list[Outlet]
    kept: MountingFile | None
    today: DailyTotals | None
    decided: DecidedUntil


def run(settings: Callable[[], Config], show: Show | None = None) -> dict[str, Any]:
    """Run the daemon until it is told to stop; return the report of the run, fit for JSON.

    `settings` reads the settings, at the start and at each reload. `show` makes what stands in for
    JSON lines on standard output. Raises EdgeharError, after systemd was told.
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
    hung_up = signals.hung_up() if notifier is not None else lambda: False
    stop = signals.until_told_to_stop()
    again, ready, decisions = False, None, 0

    def interrupted() -> bool:
        nonlocal again
        again = hung_up()
        return stop() or again

    put_right = factory.calibration(config.calibration).apply if config.calibration else None
    with closing(ReloadableSource(factory.open_source(source), put_right)) as held:
        while ready is None or again:
            if ready is not None and notifier is not None:
                notifier.reloading()
                config = reread(settings, ready.config, _checked, notifier)
            with _prepared(config, _Run(held, notifier, show), ready) as ready:
                result = loop.run(
                    held, ready.pipeline, ready.taken.bundle.spec, ready.outlets, interrupted,
                    ready.kept, ready.times, ready.today,
                )  # fmt: skip
            decisions += result.decisions
            again = again and not stop()
    if notifier is not None:
        notifier.stopping()
    return {"model": ready.taken.bundle.id, **asdict(replace(result, decisions=decisions))}


def _checked(config: Config) -> SourceSetting:
    if config.source is None:
        raise InputError("no source; give --source serial:/dev/ttyUSB0 or set source.uri")
    if not config.stdout and config.sqlite is None and config.mqtt is None:
        raise InputError("decisions would go nowhere; set sinks.stdout, sinks.sqlite or mqtt.host")
    return config.source


@contextmanager
def _prepared(config: Config, run: _Run, last: _Ready | None) -> Generator[_Ready]:
    """Build the parts from the settings; if that fails after a reload, from the settings before."""
    with ExitStack() as stack:
        try:
            taken = stack.enter_context(factory.active_model(config))
            ready = _ready(config, run, taken, last)
        except EdgeharError as error:
            if last is None or run.notifier is None:
                raise
            stack.close()
            report_refused(error, run.notifier)
            taken = stack.enter_context(factory.active_model(last.config))
            ready = _ready(last.config, run, taken, last)
        yield ready


def _ready(config: Config, run: _Run, taken: ActiveModel, last: _Ready | None) -> _Ready:
    held, notifier = run.held, run.notifier
    bundle, source = taken.bundle, _checked(config)
    view = run.show(held, bundle.id) if run.show and config.stdout else None
    kept = None
    if config.rotation is None:
        kept = factory.mounting_file(bundle, source, held.name, config.state)
    decided = DecidedUntil() if last is None else last.decided
    if last is not None and last.taken.bundle == bundle and _same_mounting(config, last.config):
        pipeline, times = last.pipeline, last.times
    else:
        before = None if kept is None else kept.read(bundle.spec.rate_hz)
        times = InferenceTimes(_shown(Classifier(bundle).probabilities, view))
        pipeline = Pipeline(bundle, times, config.rotation, before)
        if last is not None:
            held.prime(pipeline, decided)
    sinks: list[Sink] = []
    day_file = factory.daily_totals_file(source, config.state)
    try:
        _open_sinks(config, held, bundle, sinks, view)
    except BaseException:
        for sink in sinks:
            sink.close()
        raise
    into = ", ".join(sink.name for sink in sinks)
    today = None if day_file is None else day_file.read(bundle.labels)
    sinks += [day_file] if day_file is not None else []
    log.info("model %s: %s", bundle.id, taken.why)
    log.info("ready: model %s, from %s, to %s", bundle.id, held.name, into)
    if taken.proof is not None:
        sinks.append(taken.proof)
    sinks.append(decided)
    if notifier is not None:
        sinks.append(notifier)  # the last: a window that gets here has got everywhere
        notifier.ready(f"model {bundle.id}, from {held.name}, to {into}")
    outlets = [Outlet(sink) for sink in sinks]
    return _Ready(config, taken, pipeline, times, outlets, kept, today, decided)


def _same_mounting(one: Config, other: Config) -> bool:
    return one.rotation == other.rotation


def _shown(classify: Classify, view: View | None) -> Classify:
    if view is None:
        return classify
    look_at = view.look_at

    def look_and_classify(x: NDArray[np.float32]) -> Float64:
        look_at(x)
        return classify(x)

    return look_and_classify


def _open_sinks(
    config: Config, held: ReloadableSource, bundle: Bundle, sinks: list[Sink], view: View | None
) -> None:
    if config.stdout:
        sinks.append(Stdout() if view is None else view)
    if config.sqlite is not None:
        from device.dashboard.feed import Feed  # noqa: PLC0415 -- nobody can show what is not kept
        from device.sinks.sqlite import Sqlite  # noqa: PLC0415 -- 1 MB of memory where not wanted

        sinks += [Sqlite(config.sqlite, held.name, config.history), Feed(config.sqlite)]
    if config.metrics_listen or config.metrics_file:
        from device.sinks.metrics import Metrics  # noqa: PLC0415 -- 4 MB, and of an extra

        sinks.append(Metrics(config.metrics_listen, config.metrics_file))
    if config.mqtt is not None:
        from device.sinks.mqtt.sink import MqttSink  # noqa: PLC0415 -- 3 MB, and of an extra

        sinks.append(MqttSink(config.mqtt, bundle.labels, bundle.id))
    held.show = None
    if config.labels_folder is not None and _checked(config).kind != "recording":
        from device.sinks.raw_ring import RawRing  # noqa: PLC0415 -- memory where not wanted

        ring = RawRing(config.labels_folder, config.labels_max_mb, held.date)
        held.show = ring.keep
        sinks.append(ring)
