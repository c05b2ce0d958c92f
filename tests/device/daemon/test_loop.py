import json
import logging
from collections.abc import Generator, Iterable
from dataclasses import replace

import pytest

from device.daemon import loop
from device.pipeline.pipeline import Pipeline
from device.sinks import Outlet, SinkError
from device.sources import Health
from firmware_bridge.samples import Samples
from tests.device.daemon.stand_ins import FakeSink, FakeSource, Model, classify, dated, samples


def run(
    blocks: Iterable[Samples], *sinks: FakeSink, stop_after: int = 10**9
) -> tuple[FakeSource, loop.Report]:
    source = FakeSource(blocks)
    asked = iter(range(10**9))
    outlets = [Outlet(sink) for sink in sinks]
    report = loop.run(
        source, Pipeline(Model, classify), Model.spec, outlets, lambda: next(asked) >= stop_after
    )
    assert source.closed
    assert all(sink.closed for sink in sinks)
    return source, report


def test_decisions_go_to_every_sink_with_their_date() -> None:
    sinks = FakeSink(), FakeSink()
    whole = samples(100.0, 20.0, lost=7)
    source, report = run([whole], *sinks)
    expected = [replace(d, time=dated(d.end_s)) for d in Pipeline(Model, classify).push(whole)]
    assert len(expected) > 5
    assert sinks[0].decisions == sinks[1].decisions == expected
    assert report.decisions == len(expected)
    assert report.pipeline["samples"] == 1000
    assert report.pipeline["lost"] == 7
    assert report.source == source.counts
    assert json.loads(json.dumps(report.pipeline)) == report.pipeline


def test_a_line_that_stays_silent_is_no_data_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("device.daemon.loop.time.monotonic", lambda: now[0])

    def blocks() -> Generator[Samples]:
        for wanted in (None, 0.0, None):
            for _ in range(30):
                now[0] += 0.5
                yield Samples.empty()
            if wanted is not None:
                yield samples(wanted, 10.0)

    sink = FakeSink()
    run(blocks(), sink)
    silent = [(d.start_s, d.end_s) for d in sink.decisions if d.state == "no_data"]
    assert silent == [(None, None), (9.98, 11.98)]
    assert sink.decisions[0].state == "no_data"
    assert sink.decisions[0].time == dated(None)
    assert [d.state for d in sink.decisions[1:3]] == ["warming_up", "ok"]


def test_health_is_logged_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    states = [(), ("stuck",), ("stuck",), (), ("clipping", "bus errors"), ()]
    source: FakeSource

    def blocks() -> Generator[Samples]:
        for n, problems in enumerate(states):
            source.health = Health(31.5, problems)
            yield samples(10.0 * n, 10.0)

    source = FakeSource(blocks())
    pipeline = Pipeline(Model, classify)
    report = loop.run(source, pipeline, Model.spec, [Outlet(FakeSink())], lambda: False)
    assert report.problems == ["stuck", "clipping", "bus errors"]
    assert report.temperature_c == 31.5
    said = [message for message in caplog.messages if message.startswith("fake")]
    assert said == [
        "fake: stuck",
        "fake has no problems any more",
        "fake: clipping, bus errors",
        "fake: 3 frames",
    ]  # the second recovery within a minute is not logged


def test_it_stops_when_told() -> None:
    sink = FakeSink()
    _, report = run((samples(10.0 * n, 10.0) for n in range(100)), sink, stop_after=2)
    assert report.pipeline["samples"] == 1500


def test_a_failing_sink_is_logged_once_and_others_continue(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, good = FakeSink(), FakeSink()

    def blocks() -> Generator[Samples]:
        yield samples(0.0, 10.0)
        broken.fails = SinkError
        yield samples(10.0, 20.0)
        broken.fails = None
        yield samples(30.0, 10.0)

    _, report = run(blocks(), broken, good)
    said = [r.getMessage() for r in caplog.records if r.levelname in {"ERROR", "WARNING"}]
    assert said == [
        "no room; continuing without it",
        f"fake sink: works again after {report.failed_writes} failed writes",
    ]
    assert report.failed_writes == len(good.decisions) - len(broken.decisions) > 5


def test_a_closed_standard_output_ends_it_quietly() -> None:
    gone, good = FakeSink(), FakeSink()
    gone.fails = BrokenPipeError
    _, report = run([samples(0.0, 30.0), samples(30.0, 30.0)], good, gone)
    assert len(good.decisions) == 1
    assert report.pipeline["samples"] == 1500


def test_an_exception_closes_source_and_sinks() -> None:
    def blocks() -> Generator[Samples]:
        yield samples(0.0, 10.0)
        raise RuntimeError("a bug")

    source, sink = FakeSource(blocks()), FakeSink()
    with pytest.raises(RuntimeError):
        loop.run(source, Pipeline(Model, classify), Model.spec, [Outlet(sink)], lambda: False)
    assert source.closed
    assert sink.closed
