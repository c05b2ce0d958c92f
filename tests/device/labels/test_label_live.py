"""`edgehar label` beside a daemon in real time: the labelled samples are those of the line."""

import json
from pathlib import Path

import numpy as np
import pytest

from device.labels import layout
from firmware_bridge.recording import read
from tests.device.commands import edgehar, lines
from tests.device.labels.made_up import in_ring, same
from tests.device.test_run import daemon, play, stop, without
from tests.device.test_service_live import Service, playing, reload_at


def labels_in(folder: Path, before: str = "") -> Path:
    """Return settings that store labels in a folder."""
    settings = folder / "edgehar.toml"
    settings.write_text(f'{before}\n[labels]\nfolder = "{folder}/labels"\n')
    return settings


@pytest.mark.slow
def test_what_was_labelled_while_it_ran_is_what_came_over_the_line(
    recording: Path, tmp_path: Path
) -> None:
    """The daemon calibrates; the stored samples are not calibrated."""
    errors = tmp_path / "wrist.json"
    errors.write_text(
        json.dumps(
            {
                "schema": 1, "source": "serial:x", "date": "2026-03-01", "temperature_c": None,
                "acc_offset_g": [0.02, -0.01, 0.07], "acc_scale": [1.01, 0.99, 1.02],
                "gyro_bias_rad_s": [0.02, -0.01, 0.001], "residuals": {},
            }
        )
    )  # fmt: skip
    settings = labels_in(tmp_path)
    options = ("--config", str(settings), "--calibration", str(errors))
    with daemon(tmp_path, *options) as running:
        play(recording, running, "--speed", "15")
        running.wait_for("went away")
        during = edgehar("label", "walking", "--last", "1h", "--config", settings)
        assert during.returncode == 0, during.stderr
        assert "59 min missing" in during.stdout or "1 h 00 min missing" in during.stdout
        stop(running)
    done = edgehar("label", "walking", "--last", "1h", "--config", settings)
    assert done.returncode == 0, done.stderr
    mine = tmp_path / "mine.csv"
    assert edgehar("label", "--export", mine, "--config", settings).returncode == 0
    found, labels = read(mine)
    sent, _ = read(tmp_path / "sent.csv")
    assert same(found, sent)
    assert labels == ["walking"] * len(sent)
    offline = edgehar("classify", mine, "--calibration", errors)
    assert without(lines(offline.stdout), "time") == without(running.decisions, "time")


@pytest.mark.slow
def test_of_a_part_the_same_is_said_once_the_filters_have_settled(
    recording: Path, tmp_path: Path
) -> None:
    """The windows of an export begin elsewhere, so decisions may differ at borders."""
    settings = labels_in(tmp_path, before='model = "waist"')
    with daemon(tmp_path, "--config", str(settings)) as running:
        play(recording, running, "--speed", "15")
        running.wait_for("went away")
        stop(running)
    board = ("--config", settings)
    assert edgehar("label", "a", "--last", "6s", *board).returncode == 0
    mine = tmp_path / "mine.csv"
    assert edgehar("label", "--export", mine, *board).returncode == 0
    found, labels = read(mine)
    sent, _ = read(tmp_path / "sent.csv")
    assert labels is not None
    assert 1000 < labels.count("a") < len(found) <= len(sent)
    offline = lines(edgehar("classify", mine, "--model", "waist").stdout)
    assert offline[0]["state"] == "warming_up"
    live = [one for one in running.decisions if one["probabilities"]]
    ends_s = np.array([one["end_s"] for one in live])
    agreed = [
        one["activity"] == live[int(np.abs(ends_s - one["end_s"]).argmin())]["activity"]
        for one in offline
        if one["probabilities"]
    ]
    assert len(agreed) > 10
    assert sum(agreed) > 0.9 * len(agreed)


@pytest.mark.slow
def test_a_reload_costs_no_sample_and_keeps_none_twice(recording: Path, tmp_path: Path) -> None:
    service = Service(tmp_path)
    labels = f'[labels]\nfolder = "{tmp_path}/labels"'
    service.write("waist", labels)
    with service.running(), playing(recording, service, tmp_path):
        assert f"labels {tmp_path}/labels" in service.wait_for("READY=1")
        reload_at(service, 10)
        service.wait_for("READY=1")
        service.write("wrist", labels)  # it gets the last samples again for its warm-up
        reload_at(service, 20)
        service.wait_for("READY=1")
        service.wait_for_log("went away")
        service.stop()
    sent, _ = read(tmp_path / "sent.csv")
    assert same(in_ring(tmp_path / "labels"), sent)
    assert len(layout.files(layout.raw(tmp_path / "labels"))) >= 3


def test_a_recording_is_not_kept(recording: Path, tmp_path: Path) -> None:
    settings = labels_in(tmp_path)
    done = edgehar("run", "--source", f"recording:{recording}", "--config", settings)
    assert done.returncode == 0
    assert not (tmp_path / "labels").exists()
