import json
import time
from collections.abc import Generator, Iterable
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from device.daemon import loop
from device.daemon.observer import InferenceTimes
from device.pipeline.pipeline import Pipeline
from device.sinks import Outlet, SinkError
from device.sinks.status import INFERENCE_BOUNDS_S, Status
from firmware_bridge.samples import Float64, Samples
from tests.device.daemon.stand_ins import FakeSink, FakeSource, Model, Told, classify, samples
from tests.device.made_up import HOP_S, a_status, decision


def test_the_model_is_timed_by_window() -> None:
    def slow(x: NDArray[np.float32]) -> Float64:
        time.sleep(0.002 * len(x))
        return classify(x)

    times = InferenceTimes(slow)
    for count in (1, 3, 1):
        times(np.zeros((count, 128, 9), np.float32))
    found = times.so_far()
    assert sum(found.windows) == 5
    assert found.sum_s >= 0.01
    assert sum(found.windows[: INFERENCE_BOUNDS_S.index(0.001) + 1]) == 0


class Dated(FakeSource):
    def date(self, t_s: float | None) -> str | None:
        return None if t_s is None else datetime.now(UTC).isoformat()


def run(
    blocks: Iterable[Samples], *sinks: FakeSink, times: InferenceTimes | None = None
) -> loop.Report:
    pipeline, outlets = Pipeline(Model, times or classify), [Outlet(sink) for sink in sinks]
    return loop.run(Dated(blocks), pipeline, Model.spec, outlets, lambda: False, times=times)


def test_sinks_get_a_status_at_the_end() -> None:
    sink, times = Told(), InferenceTimes(classify)
    run([samples(0.0, 60.0), samples(100.0, 20.0)], sink, times=times)
    status = sink.told[-1]
    by_state = dict.fromkeys(status.states, 0)
    for one in sink.decisions:
        by_state[one.state] += 1
    assert status.states == by_state
    assert status.states["ok"] > 40
    assert status.states["no_data"] == 1
    assert status.activities == {"walking": by_state["ok"], "sitting": 0}
    assert status.decision == sink.decisions[-1]
    assert status.inference is not None
    assert sum(status.inference.windows) == status.pipeline["windows"]
    assert status.queued == {"fake sink": 4}
    assert status.failed_writes == {"fake sink": 0}
    assert status.source_counts == {"frames": 3}
    # The first window of each of the two stretches overlaps `warming_up`.
    assert status.today_s["walking"] == pytest.approx((by_state["ok"] - 2) * HOP_S, abs=0.01)
    assert json.loads(json.dumps(asdict(status)))["states"] == by_state


def test_a_status_that_is_written_does_not_hide_failed_decisions(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Half(Told):
        def status(self, status: Status) -> None:
            self.told.append(status)

    sink = Half()
    sink.fails = SinkError
    outlet = Outlet(sink)
    for _ in range(3):
        outlet.write(decision(1.0, None))
        outlet.status(a_status())
    outlet.close()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "no room; continuing without it",
        "fake sink: the last 3 decisions were not written",
    ]


def test_the_last_status_is_sent_after_a_broken_pipe() -> None:
    gone, told = FakeSink(), Told()
    gone.fails = BrokenPipeError
    run([samples(0.0, 30.0)], told, gone)
    assert told.told[-1].decision == told.decisions[-1]


def test_a_status_comes_about_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def blocks() -> Generator[Samples]:
        for _ in range(100):
            now[0] += 0.25
            yield Samples.empty()

    sink = Told()
    run(blocks(), sink)
    assert 20 <= len(sink.told) <= 27
    assert sink.told[-1].uptime_s == 25.0


def test_a_sink_that_cannot_take_a_status_fails_as_one_that_cannot_write() -> None:
    sink = Told()
    sink.fails = SinkError
    assert run([samples(0.0, 10.0)], sink).failed_writes > 1
