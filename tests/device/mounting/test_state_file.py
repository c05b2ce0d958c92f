"""The state file: resumed after a restart, refused if it does not belong to the setup."""

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


def walked(windows: int = 20) -> MountingEstimator:
    estimator = MountingEstimator(SPEC, RATE_HZ)
    for x in walk_of(windows, np.eye(3)):
        estimator.place(x)
    return estimator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orientation.json"


@pytest.fixture
def file(path: Path) -> MountingFile:
    return MountingFile(path, "serial:/dev/a", "wrist", SPEC)


def test_a_restart_resumes_the_estimate(file: MountingFile) -> None:
    estimator = walked()
    assert estimator.known
    file.close(estimator)
    resumed = file.read(RATE_HZ)
    assert resumed is not None
    assert resumed.known
    assert resumed.to_state() == estimator.to_state()
    for x in walk_of(5, np.eye(3), seed=9):
        assert (resumed.place(x)[0] == estimator.place(x)[0]).all()


def test_an_unknown_mounting_is_not_written(file: MountingFile, path: Path) -> None:
    file.note(walked(1), 0.0)
    file.close(walked(1))
    assert not path.exists()
    assert file.read(RATE_HZ) is None


def test_a_mounting_is_written_when_it_becomes_known_and_then_rarely(
    file: MountingFile, path: Path
) -> None:
    estimator = walked()
    file.note(estimator, 100.0)
    path.unlink()
    file.note(estimator, 99.0 + EVERY_S)
    assert not path.exists()
    file.note(estimator, 101.0 + EVERY_S)
    assert path.exists()


def changed(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("hours", [1, 1000, -3])
def test_after_hours_the_mounting_is_not_known(
    file: MountingFile, path: Path, hours: float
) -> None:
    file.close(walked())
    changed(path, saved=(datetime.now(UTC) - timedelta(hours=hours)).isoformat())
    resumed = file.read(RATE_HZ)
    assert resumed is not None
    assert not resumed.known


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text(""), "damaged"),
        (lambda path: path.write_bytes(b"\xff" * 100), "damaged"),
        (lambda path: path.write_text("[" * 50_000), "damaged"),
        (lambda path: path.write_text("{" + " " * 70_000 + "}"), "File too large"),
        (lambda path: path.write_text("[]"), "not a mounting"),
        (lambda path: path.write_text("{}"), "not a mounting"),
        (lambda path: changed(path, mounting={}), "not a mounting"),
        (lambda path: changed(path, mounting={"known": 1}), "not a mounting"),
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
def test_an_unusable_file_is_one_warning(
    file: MountingFile, path: Path, damage: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.close(walked())
    damage(path)
    assert file.read(RATE_HZ) is None
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert words in record.getMessage()
    assert str(path) in record.getMessage()


@pytest.mark.parametrize("value", [1e300, -1, "x", None, [1], 10**400])
def test_impossible_numbers_are_refused(
    file: MountingFile, path: Path, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    file.close(walked())
    mounting = json.loads(path.read_text())["mounting"]
    for key in ("windows", "gravity", "swing"):
        changed(path, mounting={**mounting, key: value})
        assert file.read(RATE_HZ) is None
    assert len(caplog.records) == 3


def test_an_error_of_writing_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = MountingFile(tmp_path / "none" / "o.json", "serial:/dev/a", "wrist", SPEC)
    file.note(walked(), 0.0)
    file.note(walked(), 2 * EVERY_S)
    file.close(walked())
    assert [record.levelname for record in caplog.records] == ["ERROR"]
