"""A Status as Prometheus metric families, named by Prometheus's conventions. Pure.

https://prometheus.io/docs/practices/naming/: base units, `_total` for counters.
"""

from collections.abc import Iterator, Mapping
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
    lost = {"source": counts.get("lost", 0), **{name: counts.get(name, 0) for name in DROPPED}}
    yield _counter("samples", "Samples that entered the signal path.", counts.get("samples", 0))
    what = "Samples lost before they arrived (source), or dropped, by cause."
    yield _counter("samples_lost", what, lost, "cause")
    yield _counter("gaps", "Gaps too long to bridge.", counts.get("gaps", 0))
    yield _counter("windows", "Windows that were classified.", counts.get("windows", 0))
    what = "Events on the line or the bus: delivered, damaged, lost, repaired, by name."
    yield _counter("source_events", what, status.source_counts, "event")


def _decisions(status: Status) -> Iterator[Metric]:
    yield _counter("decisions", "Decisions by state.", status.states, "state")
    what = "Decisions that named an activity."
    yield _counter("activity_decisions", what, status.activities, "activity")
    what = "Decisions without an activity, by reason."
    yield _counter("undecided", what, status.reasons, "reason")
    what = "Time of each activity since local midnight."
    yield _gauge("activity_today_seconds", what, status.today_s, "activity")


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
    problems = dict.fromkeys(health.problems, 1)
    yield _gauge("sensor_problem", "1: the sensor has this problem now.", problems, "problem")
    drift = None if health.clock_ppm is None else health.clock_ppm * 1e-6
    for name, what, value in (
        ("sensor_temperature_celsius", "Temperature of the sensor's chip.", health.temperature_c),
        (
            "sensor_fifo_free_ratio",
            "Free share of the chip's FIFO when it was last read.",
            health.fifo_free,
        ),
        ("mounting_known", "1: the mounting is known.", status.mounting_known),
        ("mounting_confidence_ratio", "Confidence in the mounting.", status.mounting_confidence),
        (
            "sensor_clock_drift_ratio",
            "Relative rate of the sensor's clock against the host's, minus 1.",
            drift,
        ),
    ):
        if value is not None:
            yield _gauge(name, what, float(value))


def _outlets(status: Status) -> Iterator[Metric]:
    yield _counter("sink_failed_writes", "Failed writes, by sink.", status.failed_writes, "sink")
    what = "Items that wait to be written or sent, by sink."
    yield _gauge("sink_queue_length", what, status.queued, "sink")


def _counter(name: str, what: str, value: float | Mapping[str, float], label: str = "") -> Metric:
    return _filled(CounterMetricFamily(f"edgehar_{name}", what, labels=[label]), value)


def _gauge(name: str, what: str, value: float | Mapping[str, float], label: str = "") -> Metric:
    return _filled(GaugeMetricFamily(f"edgehar_{name}", what, labels=[label]), value)


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, value: float | Mapping[str, float]
) -> Metric:
    if not isinstance(value, Mapping):
        family.add_metric([], value)
        return family
    for label, one in value.items():
        family.add_metric([label], one)
    return family
