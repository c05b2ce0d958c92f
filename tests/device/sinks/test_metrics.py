import re
import socket
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.daemon import loop
from device.daemon.observer import InferenceTimes
from device.pipeline.pipeline import Pipeline
from device.sinks import Outlet, SinkError
from device.sinks.status import INFERENCE_BOUNDS_S, Inference, Status
from device.sources import Health
from tests.device.commands import edgehar, lines
from tests.device.daemon.stand_ins import FakeSource, Model, Told, classify, samples
from tests.device.dashboard.made_up import get as get_url
from tests.ports import free_port

prometheus_client = pytest.importorskip("prometheus_client", reason="needs edgehar[metrics]")

from prometheus_client import generate_latest  # noqa: E402 -- an extra
from prometheus_client.parser import text_string_to_metric_families  # noqa: E402

from device.sinks.metrics import ListenError, Metrics  # noqa: E402
from firmware_bridge.errors import InputError  # noqa: E402

Key = tuple[str, tuple[tuple[str, str], ...]]


def parsed(text: str) -> dict[Key, float]:
    """Read the exposition as Prometheus does: by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def text_of(status: Status) -> str:
    metrics = Metrics(None, None)
    metrics.status(status)
    return generate_latest(metrics._registry).decode()


def shown(status: Status) -> dict[Key, float]:
    return parsed(text_of(status))


@pytest.fixture(scope="module")
def status() -> Status:
    sink, times = Told(), InferenceTimes(classify)
    source = FakeSource([samples(0.0, 60.0, lost=7), samples(100.0, 20.0)])
    source.health = Health(31.5, ("clipping",), clock_ppm=-40.0, fifo_free=0.75)
    loop.run(source, Pipeline(Model, times), Model.spec, [Outlet(sink)], lambda: False, times=times)
    return sink.told[-1]


def test_what_was_counted_is_what_prometheus_reads(status: Status) -> None:
    read = shown(status)
    assert read["edgehar_samples_total", ()] == 4000
    assert read["edgehar_samples_lost_total", (("cause", "source"),)] == 7
    assert read["edgehar_windows_total", ()] == status.pipeline["windows"] > 50
    assert read["edgehar_decisions_total", (("state", "ok"),)] == status.states["ok"]
    assert read["edgehar_decisions_total", (("state", "not_worn"),)] == 0
    assert read["edgehar_activity_decisions_total", (("activity", "walking"),)] > 50
    assert read["edgehar_undecided_total", (("reason", "mounting"),)] == 0
    assert read["edgehar_sensor_temperature_celsius", ()] == 31.5
    assert read["edgehar_sensor_clock_drift_ratio", ()] == pytest.approx(-40e-6)
    assert read["edgehar_sensor_fifo_free_ratio", ()] == 0.75
    assert read["edgehar_sensor_problem", (("problem", "clipping"),)] == 1
    assert read["edgehar_sink_queue_length", (("sink", "fake sink"),)] == 4
    assert read["edgehar_info", (("model", "fake@00000000"), ("source", "fake"))] == 1
    assert ("edgehar_mounting_known", ()) not in read  # this model does not estimate the mounting


def test_the_histogram_is_one(status: Status) -> None:
    read = shown(status)
    name = "edgehar_inference_duration_seconds"
    buckets = [value for (key, _), value in read.items() if key == f"{name}_bucket"]
    assert len(buckets) == len(INFERENCE_BOUNDS_S) + 1
    assert buckets == sorted(buckets)
    assert buckets[-1] == read[f"{name}_count", ()] == status.pipeline["windows"]
    assert read[f"{name}_sum", ()] > 0


def test_names_and_units_are_by_prometheus_conventions(status: Status) -> None:
    text = text_of(status)
    found = list(text_string_to_metric_families(text))
    assert len(found) > 15
    for family in found:
        assert re.fullmatch(r"edgehar(_[a-z]+)*", family.name)
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge", "histogram"}
        for word in ("ms", "us", "ppm", "percent", "minutes", "hours"):
            assert word not in family.name.split("_")
        if family.type == "counter":
            assert f"# TYPE {family.name}_total counter" in text


@given(
    st.dictionaries(st.text(), st.integers(0, 10**12)),
    st.lists(st.integers(0, 10**6), min_size=10, max_size=10),
    st.text(),
)
def test_whatever_names_come_the_text_is_read_back(
    status: Status, counts: dict[str, int], windows: list[int], source: str
) -> None:
    odd = replace(
        status,
        source=source,
        source_counts=counts,
        inference=Inference(tuple(windows), 1.5),
        mounting_known=True,
        mounting_confidence=0.5,
    )
    read = shown(odd)
    for name, count in counts.items():
        assert read["edgehar_source_events_total", (("event", name),)] == count
    assert read["edgehar_inference_duration_seconds_bucket", (("le", "+Inf"),)] == sum(windows)


def get(port: int) -> str:
    _, headers, body = get_url(f"http://127.0.0.1:{port}/metrics")
    assert headers["Content-Type"].startswith("text/plain")
    return body.decode()


def test_it_answers_over_http_with_the_latest_figures(status: Status) -> None:
    port = free_port()
    with closing(Metrics(("127.0.0.1", port), None)) as metrics:
        assert parsed(get(port)) == {}
        metrics.status(status)
        assert parsed(get(port)) == shown(status)
        metrics.status(replace(status, uptime_s=99.0))
        assert parsed(get(port))["edgehar_uptime_seconds", ()] == 99.0
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}.*in use"):
            Metrics(("127.0.0.1", port), None)
    with pytest.raises(ConnectionRefusedError):
        get(port)


def test_callers_that_say_nothing_or_nonsense_hold_up_nobody(status: Status) -> None:
    port = free_port()
    with closing(Metrics(("127.0.0.1", port), None)) as metrics, ExitStack() as callers:
        for number in range(3):
            caller = socket.create_connection(("127.0.0.1", port))
            callers.enter_context(closing(caller))
            caller.sendall((b"", b"GET /", b"\x00\xff\r\n\r\n")[number % 3])
        metrics.status(status)
        assert parsed(get(port)) == shown(status)


def test_an_address_that_is_not_this_boards_is_refused() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:9464"):
        Metrics(("192.0.2.1", 9464), None)


def test_the_file_is_what_node_exporter_reads(status: Status, tmp_path: Path) -> None:
    path = tmp_path / "edgehar.prom"
    metrics = Metrics(None, path)
    metrics.status(status)
    assert path.read_text() == ""  # not written again so soon
    metrics.close()
    assert parsed(path.read_text()) == shown(status)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_goes_and_comes_back(
    status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.sinks.metrics.WRITE_EVERY_S", 0.0)
    folder = tmp_path / "textfile"
    folder.mkdir()
    metrics = Metrics(None, folder / "edgehar.prom")
    (folder / "edgehar.prom").unlink()
    folder.rmdir()
    with pytest.raises(SinkError, match="textfile"):
        metrics.status(status)
    folder.mkdir()
    metrics.status(status)
    assert parsed((folder / "edgehar.prom").read_text()) == shown(status)


@pytest.mark.parametrize("name", ["edgehar.txt", "none/edgehar.prom"])
def test_a_file_of_no_use_is_refused_at_the_start(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(name)):
        Metrics(None, tmp_path / name)


def test_run_leaves_its_figures_in_the_file(recording: Path, tmp_path: Path) -> None:
    settings, file = tmp_path / "edgehar.toml", tmp_path / "edgehar.prom"
    settings.write_text(f'[metrics]\nfile = "{file}"\n')
    done = edgehar("run", "--config", settings, "--source", f"recording:{recording}")
    assert done.returncode == 0, done.stderr
    read, said = parsed(file.read_text()), lines(done.stdout)
    for state in ("ok", "unknown", "warming_up", "no_data", "not_worn"):
        count = sum(one["state"] == state for one in said)
        assert read["edgehar_decisions_total", (("state", state),)] == count
    assert np.isfinite(list(read.values())).all()
    assert read["edgehar_mounting_confidence_ratio", ()] > 0


def test_every_metric_is_documented_and_none_else(status: Status) -> None:
    page = (Path(__file__).parents[3] / "docs" / "METRICS.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(edgehar_\w+)`", page, re.MULTILINE))
    shown_now = replace(status, mounting_known=True, mounting_confidence=0.5)
    whole = {re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in shown(shown_now)}
    assert documented == whole
