"""A Status as Prometheus's metric families: names, units and labels by its conventions. Pure.

https://prometheus.io/docs/practices/naming/: base units, `_total` for what only grows.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from device.sinks.status import INFERENCE_BOUNDS_S, Inference, Status

DROPPED = ("not_finite", "implausible", "repeated", "backward")
"""Why a sample that came was not used, as the signal path counts it."""


def families(status: Status) -> Iterator[Metric]:
    """Yield all that there is to say."""
    yield InfoMetricFamily(
        "edgehar", "What runs.", {"model": status.model, "source": status.source}
    )
    yield from _samples(status)
    yield from _decisions(status)
    if status.inference is not None:
        yield _inference(status.inference)
    yield from _sensor(status)
    yield from _outlets(status)
    made_s = datetime.fromisoformat(status.time).timestamp()
    yield _gauge("status_timestamp_seconds", "When these figures were taken.", made_s)
    yield _gauge("uptime_seconds", "Since the daemon's start.", status.uptime_s)


def _samples(status: Status) -> Iterator[Metric]:
    counts = status.pipeline
    yield _counter("samples", "Samples that entered the signal path.", counts.get("samples", 0))
    lost = {"source": counts.get("lost", 0), **{why: counts.get(why, 0) for why in DROPPED}}
    yield _counters("samples_lost", "Samples lost on the way (source) or unfit.", "cause", lost)
    yield _counter("gaps", "Silences too long to bridge.", counts.get("gaps", 0))
    yield _counter("windows", "Windows that the model saw.", counts.get("windows", 0))
    what = "What the line or the bus delivered, damaged, lost and had to do, by name."
    yield _counters("source_events", what, "event", status.source_counts)


def _decisions(status: Status) -> Iterator[Metric]:
    yield _counters("decisions", "Decisions by state.", "state", status.states)
    what = "Decisions that named an activity."
    yield _counters("activity_decisions", what, "activity", status.activities)
    what = "Decisions that named none, by reason."
    yield _counters("undecided", what, "reason", status.reasons)
    what = "Time of each activity since local midnight."
    yield _gauges("activity_today_seconds", what, "activity", status.today_s)


def _inference(inference: Inference) -> Metric:
    bounds = [*(str(bound) for bound in INFERENCE_BOUNDS_S), "+Inf"]
    return HistogramMetricFamily(
        "edgehar_inference_duration_seconds",
        "Time the model took for a window.",
        list(zip(bounds, accumulate(inference.windows), strict=True)),
        inference.sum_s,
    )


def _sensor(status: Status) -> Iterator[Metric]:
    health = status.health
    what = "1: the sensor has this problem now."
    yield _gauges("sensor_problem", what, "problem", dict.fromkeys(health.problems, 1))
    for name, what, value in (
        ("sensor_temperature_celsius", "Of the sensor's chip.", health.temperature_c),
        ("sensor_fifo_free_ratio", "Of the chip's FIFO, when it was last read.", health.fifo_free),
        ("mounting_known", "1: how the sensor sits is known.", status.mounting_known),
        ("mounting_confidence_ratio", "Confidence in that.", status.mounting_confidence),
    ):
        if value is not None:
            yield _gauge(name, what, float(value))
    if health.clock_ppm is not None:
        what = "How much faster than the host's the sensor's clock runs."
        yield _gauge("sensor_clock_drift_ratio", what, health.clock_ppm * 1e-6)


def _outlets(status: Status) -> Iterator[Metric]:
    what = "Writes that a sink could not take."
    yield _counters("sink_failed_writes", what, "sink", status.failed_writes)
    what = "What waits to be written or sent."
    yield _gauges("sink_queue_length", what, "sink", status.queued)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"edgehar_{name}", what, value)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"edgehar_{name}", what, value)


def _counters(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    return _filled(CounterMetricFamily(f"edgehar_{name}", what, labels=[label]), values.items())


def _gauges(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    return _filled(GaugeMetricFamily(f"edgehar_{name}", what, labels=[label]), values.items())


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, values: Iterable[tuple[str, float]]
) -> Metric:
    for value_of, value in values:
        family.add_metric([value_of], value)
    return family
