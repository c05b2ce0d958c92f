import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.mounting.estimator import MountingEstimator
from device.mounting.spec import MountingSpec
from device.mounting.state_file import EVERY_S, MountingFile
from tests.device.mounting.walks import RATE_HZ, walk_of

SPEC = MountingSpec(("sitting",), enough_windows=5.0)


def kept(path: Path, source: str = "serial:/dev/a", model: str = "wrist") -> MountingFile:
    return MountingFile(path, source, model, SPEC)


def walked(windows: int = 20) -> MountingEstimator:
    orientation = MountingEstimator(SPEC, RATE_HZ)
    for x in walk_of(windows, np.eye(3)):
        orientation.place(x)
    return orientation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orientation.json"


def test_a_restart_goes_on_where_it_stopped(path: Path) -> None:
    orientation = walked()
    assert orientation.known
    kept(path).close(orientation)
    again = kept(path).read(RATE_HZ)
    assert again is not None
    assert again.known
    assert again.to_state() == orientation.to_state()
    for x in walk_of(5, np.eye(3), seed=9):
        assert (again.place(x)[0] == orientation.place(x)[0]).all()


def test_what_is_not_known_is_not_kept(path: Path) -> None:
    file = kept(path)
    file.note(walked(1), 0.0)
    file.close(walked(1))
    assert not path.exists()
    assert file.read(RATE_HZ) is None


def test_it_is_written_when_it_is_news_and_then_seldom(path: Path) -> None:
    file, orientation = kept(path), walked()
    file.note(orientation, 100.0)
    path.unlink()
    file.note(orientation, 99.0 + EVERY_S)
    assert not path.exists()
    file.note(orientation, 101.0 + EVERY_S)
    assert path.exists()


def changed(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("hours", [1, 1000, -3])
def test_after_hours_the_strap_may_sit_otherwise(path: Path, hours: float) -> None:
    kept(path).close(walked())
    changed(path, saved=(datetime.now(UTC) - timedelta(hours=hours)).isoformat())
    again = kept(path).read(RATE_HZ)
    assert again is not None
    assert not again.known


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text(""), "damaged"),
        (lambda path: path.write_bytes(b"\xff" * 100), "damaged"),
        (lambda path: path.write_text("[" * 50_000), "damaged"),
        (lambda path: path.write_text("{" + " " * 70_000 + "}"), "File too large"),
        (lambda path: path.write_text("[]"), "not a mounting"),
        (lambda path: path.write_text("{}"), "not a mounting"),
        (lambda path: changed(path, mounting={"known": True}), "not a mounting"),
        (lambda path: changed(path, mounting=[1]), "not a mounting"),
        (lambda path: changed(path, saved="yesterday"), "damaged"),
        (lambda path: changed(path, saved="2026-01-01T00:00:00"), "has no date"),
        (lambda path: changed(path, schema=2), "saved for a different schema"),
        (lambda path: changed(path, source="serial:/dev/b"), "saved for a different source"),
        (lambda path: changed(path, model="waist"), "saved for a different model"),
        (lambda path: changed(path, estimate={}), "saved for a different estimate"),
    ],
)  # fmt: skip
def test_a_file_that_is_of_no_use_is_one_warning(
    path: Path, damage: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept(path).close(walked())
    damage(path)
    assert kept(path).read(RATE_HZ) is None
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert words in record.getMessage()
    assert str(path) in record.getMessage()


@pytest.mark.parametrize("value", [1e300, -1, "x", None, [1], 10**400])
def test_numbers_that_no_walk_gives_are_refused(
    path: Path, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    kept(path).close(walked())
    whole = json.loads(path.read_text())
    for key in ("windows", "gravity", "swing"):
        place = {**whole["mounting"], key: value}
        changed(path, mounting=place)
        assert kept(path).read(RATE_HZ) is None
    assert len(caplog.records) == 3


def test_a_place_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, orientation = kept(tmp_path / "none" / "o.json"), walked()
    file.note(orientation, 0.0)
    file.note(orientation, 2 * EVERY_S)
    file.close(orientation)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
