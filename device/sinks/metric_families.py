"""A Status as Prometheus metric families, named by Prometheus's conventions. Pure.

https://prometheus.io/docs/practices/naming/: base units, `_total` for counters.
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
"""Counts of the signal path: reasons for which a sample was dropped."""


def families(status: Status) -> Iterator[Metric]:
    """Yield every metric family of a Status."""
    yield InfoMetricFamily(
        "edgehar", "Model and source in use.", {"model": status.model, "source": status.source}
    )
    yield from _samples(status)
    yield from _decisions(status)
    if status.inference is not None:
        yield _inference(status.inference)
    yield from _sensor(status)
    yield from _outlets(status)
    made_s = datetime.fromisoformat(status.time).timestamp()
    yield _gauge("status_timestamp_seconds", "Time of these figures.", made_s)
    yield _gauge("uptime_seconds", "Seconds since the daemon started.", status.uptime_s)


def _samples(status: Status) -> Iterator[Metric]:
    counts = status.pipeline
    yield _counter("samples", "Samples that entered the signal path.", counts.get("samples", 0))
    lost = {"source": counts.get("lost", 0), **{why: counts.get(why, 0) for why in DROPPED}}
    yield _counters(
        "samples_lost",
        "Samples lost before they arrived (source), or dropped, by cause.",
        "cause",
        lost,
    )
    yield _counter("gaps", "Gaps too long to bridge.", counts.get("gaps", 0))
    yield _counter("windows", "Windows that were classified.", counts.get("windows", 0))
    what = "Events on the line or the bus: delivered, damaged, lost, repaired, by name."
    yield _counters("source_events", what, "event", status.source_counts)


def _decisions(status: Status) -> Iterator[Metric]:
    yield _counters("decisions", "Decisions by state.", "state", status.states)
    what = "Decisions that named an activity."
    yield _counters("activity_decisions", what, "activity", status.activities)
    what = "Decisions without an activity, by reason."
    yield _counters("undecided", what, "reason", status.reasons)
    what = "Time of each activity since local midnight."
    yield _gauges("activity_today_seconds", what, "activity", status.today_s)


def _inference(inference: Inference) -> Metric:
    bounds = [*(str(bound) for bound in INFERENCE_BOUNDS_S), "+Inf"]
    return HistogramMetricFamily(
        "edgehar_inference_duration_seconds",
        "Inference time of a window.",
        list(zip(bounds, accumulate(inference.windows), strict=True)),
        inference.sum_s,
    )


def _sensor(status: Status) -> Iterator[Metric]:
    health = status.health
    what = "1: the sensor has this problem now."
    yield _gauges("sensor_problem", what, "problem", dict.fromkeys(health.problems, 1))
    for name, what, value in (
        ("sensor_temperature_celsius", "Temperature of the sensor's chip.", health.temperature_c),
        (
            "sensor_fifo_free_ratio",
            "Free share of the chip's FIFO when it was last read.",
            health.fifo_free,
        ),
        ("mounting_known", "1: the mounting is known.", status.mounting_known),
        ("mounting_confidence_ratio", "Confidence in the mounting.", status.mounting_confidence),
    ):
        if value is not None:
            yield _gauge(name, what, float(value))
    if health.clock_ppm is not None:
        what = "Relative rate of the sensor's clock against the host's, minus 1."
        yield _gauge("sensor_clock_drift_ratio", what, health.clock_ppm * 1e-6)


def _outlets(status: Status) -> Iterator[Metric]:
    what = "Failed writes, by sink."
    yield _counters("sink_failed_writes", what, "sink", status.failed_writes)
    what = "Items that wait to be written or sent, by sink."
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
