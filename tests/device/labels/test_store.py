"""Labels of a wearer, on the ring that a board wrote."""

import gzip
import json
import uuid
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from device.host.clock import Reading
from device.labels import boot_time, export, layout, select, store
from device.labels.store import Correction
from firmware_bridge.errors import InputError
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Samples
from tests.device.labels.made_up import Board, same

NOON = 1.8e9
MOST_BYTES = 5_000_000


def label(folder: Path, board: Board, what: str, ago_s: float, until_ago_s: float = 0.0) -> int:
    now = board.read()
    found = select.select(
        folder, what, (now.utc_s - ago_s, now.utc_s - until_ago_s), "2027-01-15T08:00:00", now
    )
    return store.add(layout.labelled(folder), found.correction, found.chunks, MOST_BYTES)


def correction(folder: Path, number: int) -> Correction:
    found, damaged = store.read(layout.labelled(folder))
    assert not damaged
    return found[number]


def exported(folder: Path, now: Reading) -> tuple[Samples, list[str], list[str]]:
    path = folder / "mine.csv.gz"
    found, _ = store.read(layout.labelled(folder))
    offsets_s = {span.boot: span.offset_s for one in found.values() for span in one.spans}
    offsets_s |= {boot: one.offset_s for boot, one in boot_time.up_to(now, {}).items()}
    with RecordingWriter(path) as recording:
        export.write(layout.labelled(folder), found, offsets_s, recording)
    samples, labels = read(path)
    assert labels is not None
    comments = [line for line in gzip.open(path, "rt") if line.startswith("#")]  # noqa: SIM115
    return samples, labels, comments


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "labels"


@pytest.fixture
def board() -> Board:
    return Board(NOON)


def test_the_last_minutes_are_those_that_the_wearer_lived(folder: Path, board: Board) -> None:
    lived = board.live_and_close(folder, 600.0)
    number = label(folder, board, "sitting", 300.0)
    found = correction(folder, number)
    assert number == 1
    assert abs(found.samples - 15_000) <= 1
    assert found.missing_s < 0.1
    samples, labels, comments = exported(folder, board.read())
    assert not comments
    first = labels.index("sitting")
    # Unlabelled samples before it let the filters settle.
    assert store.LEAD_S * 50 <= first < (store.LEAD_S + 6) * 50
    assert set(labels[first:]) == {"sitting"}
    assert same(samples, lived[len(lived) - len(samples) :])


def test_samples_in_memory_are_not_called_missing(folder: Path, board: Board) -> None:
    ring = board.ring(folder)
    board.live(ring, 63.0)  # the last samples are not written yet
    found = correction(folder, label(folder, board, "sitting", 30.0))
    assert 24 * 50 < found.samples <= 30 * 50
    assert found.missing_s < 0.1


def test_a_time_that_is_all_in_memory_can_be_labelled_soon(folder: Path, board: Board) -> None:
    ring = board.ring(folder)
    board.live(ring, 64.0)
    with pytest.raises(InputError, match="try again in 5 s"):
        label(folder, board, "sitting", 1.0)
    board.live(ring, 5.0)
    assert label(folder, board, "sitting", 6.0) == 1


def test_what_is_missing_is_counted(folder: Path, board: Board) -> None:
    ring = board.ring(folder)
    board.live(ring, 60.0)
    board.pass_by(40.0)  # unplugged
    board.live(ring, 60.0)
    ring.close()
    found = correction(folder, label(folder, board, "sitting", 140.0))
    assert abs(found.samples - 6000 + 1000) < 20
    assert abs(found.missing_s - 40.0) < 0.2
    _, _, comments = exported(folder, board.read())
    assert comments == ["# a gap of 40.0 s\n"]


def test_a_clock_that_was_set_between_changes_nothing_of_it(folder: Path) -> None:
    board = Board(NOON, wrong_s=-NOON)  # it boots in 1970
    ring = board.ring(folder)
    lived = board.live(ring, 120.0)
    board.wrong_s = 0.0  # set by NTP
    more = board.live(ring, 60.0)
    ring.close()
    number = label(folder, board, "sitting", 180.0)
    board.wrong_s = 3600.0  # set wrongly after the label
    assert abs(correction(folder, number).missing_s) < 0.1
    samples, labels, comments = exported(folder, board.read())
    assert not comments
    assert Counter(labels)["sitting"] in range(8998, 9001)
    assert same(samples, Samples.joined([lived, more]))


def test_a_daemon_and_a_sensor_that_were_started_again(folder: Path, board: Board) -> None:
    lived = []
    for _ in range(3):
        lived.append(board.live_and_close(folder, 60.0))
        board.pass_by(20.0)
        board.sensor_s = 1.0
    found = correction(folder, label(folder, board, "sitting", 240.0))
    assert abs(found.missing_s - 60.0) < 0.2
    samples, labels, comments = exported(folder, board.read())
    assert abs(Counter(labels)["sitting"] - 9000) <= 1
    assert (np.diff(samples.t_s) > 0).all()
    assert comments == ["# a gap of 20.0 s\n"] * 2
    assert np.array_equal(samples.acc_g, Samples.joined(lived).acc_g)


def test_after_a_boot_it_is_dated_by_what_each_boot_knew_last(folder: Path) -> None:
    first = Board(NOON, wrong_s=-5000.0)
    ring = first.ring(folder)
    before = first.live(ring, 30.0)
    first.wrong_s = 0.0
    first.live(ring, 30.0)
    ring.close()
    second = Board(NOON + 300.0, up_s=10.0)
    second.live_and_close(folder, 60.0)
    # The first boot was up from 100 to 160 s, the second came at 300.
    number = label(folder, second, "sitting", 370.0 - 100.0)
    found = correction(folder, number)
    assert len(found.spans) == 2
    assert abs(found.samples - 6000) <= 1
    assert abs(found.missing_s - 150.0) < 0.2
    samples, _, comments = exported(folder, second.read())
    assert same(samples[:1500], before)
    assert comments == ["# a gap of 150.0 s\n"]


def test_an_earlier_boot_that_claims_the_same_time_is_not_believed(folder: Path) -> None:
    """Without a battery or a network, the clock continues from the last saved time."""
    first = Board(NOON)
    first.live_and_close(folder, 600.0)
    # By its clock, the second boot begins before the end of the first one.
    second = Board(NOON + 500.0, up_s=10.0)
    second.live_and_close(folder, 120.0)
    found = correction(folder, label(folder, second, "sitting", 60.0))
    assert abs(found.samples - 3000) <= 1
    assert found.missing_s < 0.1
    number = label(folder, second, "walking", 430.0)
    assert len(correction(folder, number).spans) == 2
    assert abs(correction(folder, number).samples - 6000 - 50 * 300) < 5


def test_another_name_of_the_boot_is_the_same_boot(folder: Path, board: Board) -> None:
    """A container or a sandbox hides the name; each of two runs makes up its own."""
    outside = board.name
    for _ in range(2):
        board.name = str(uuid.uuid4())
        board.live_and_close(folder, 120.0)
    board.name = outside
    board.pass_by(1.0)
    assert abs(correction(folder, label(folder, board, "sitting", 201.0)).samples - 10_000) <= 1


def test_the_newer_one_holds_and_without_it_the_older_one_again(folder: Path, board: Board) -> None:
    lived = board.live_and_close(folder, 300.0)
    label(folder, board, "sitting", 200.0, 50.0)
    label(folder, board, "cycling", 100.0)
    a, b = correction(folder, 1), correction(folder, 2)
    assert store.shared(a, b)
    samples, labels, comments = exported(folder, board.read())
    assert not comments
    assert same(samples, lived[len(lived) - len(samples) :])  # each sample once
    runs = [labels.index("sitting"), labels.index("cycling")]
    assert runs == sorted(runs)
    assert abs(Counter(labels)["sitting"] - 5000) <= 1
    assert abs(Counter(labels)["cycling"] - 5000) <= 1
    store.remove(layout.labelled(folder), 2)
    _, labels, _ = exported(folder, board.read())
    assert abs(Counter(labels)["sitting"] - 7500) <= 1
    assert "cycling" not in labels
    with pytest.raises(InputError, match="there is no label 2"):
        store.remove(layout.labelled(folder), 2)
    assert label(folder, board, "lying", 20.0) == 2


def test_what_the_ring_forgets_a_label_keeps(folder: Path, board: Board) -> None:
    lived = board.live_and_close(folder, 60.0)
    label(folder, board, "sitting", 60.0)
    for path in layout.files(layout.raw(folder)):
        path.unlink()
    samples, _, _ = exported(folder, board.read())
    assert same(samples, lived)


def test_a_time_of_which_nothing_is_kept_is_refused(folder: Path, board: Board) -> None:
    with pytest.raises(InputError, match="has not stored samples yet"):
        label(folder, board, "sitting", 60.0)
    board.live_and_close(folder, 60.0)
    board.pass_by(3600.0)
    with pytest.raises(InputError, match="no samples of that time"):
        label(folder, board, "sitting", 300.0)
    assert not list(layout.labelled(folder).iterdir())


def test_when_it_is_full_it_says_what_to_do(folder: Path, board: Board) -> None:
    board.live_and_close(folder, 60.0)
    now = board.read()
    found = select.select(folder, "sitting", (now.utc_s - 60, now.utc_s), "2027", now)
    size = sum(len(one.content) for one in found.chunks)
    room = layout.blocks_bytes(size + 1000)
    assert store.add(layout.labelled(folder), found.correction, found.chunks, 2 * room) == 1
    assert store.add(layout.labelled(folder), found.correction, found.chunks, 2 * room) == 2
    with pytest.raises(InputError, match="--export FILE, then remove some with edgehar"):
        store.add(layout.labelled(folder), found.correction, found.chunks, 2 * room)
    assert [path.name for path in layout.files(layout.labelled(folder))] == ["1.ehr", "2.ehr"]
    assert len(list(layout.labelled(folder).iterdir())) == 2


SPAN = {"boot": "00", "from_s": 1, "until_s": 2, "offset_s": 3}
LINE = {
    "schema": 1, "label": "a", "made": "", "spans": [SPAN], "samples": 1, "missing_s": 0,
}  # fmt: skip


def lines(**others: object) -> bytes:
    return json.dumps({**LINE, **others}).encode() + b"\n"


@pytest.mark.parametrize(
    "damaged",
    [
        *(b"", b"\n", b"{}\n", b"[]\n", b"7\n", b"\xff\n", b"[" * 5000, lines()[:-9]),
        *(lines(schema=2), lines(label="a,b"), lines(label=""), lines(label=None, spans=7)),
        *(lines(spans=[]), lines(spans=[{**SPAN, "boot": "zz"}]), lines(spans=[7])),
        *(lines(spans=[{**SPAN, "offset_s": 1e300}]), lines(spans=[{**SPAN, "until_s": 0}])),
        *(lines(samples=float("inf")), lines(missing_s=float("nan")), lines(made="\x1b[2J")),
    ],
)
def test_a_damaged_file_is_left_out_and_named(folder: Path, damaged: bytes) -> None:
    layout.make(folder)
    (layout.labelled(folder) / "7.ehr").write_bytes(damaged)
    (layout.labelled(folder) / "8.ehr").write_bytes(lines())
    found, left_out = store.read(layout.labelled(folder))
    assert list(found) == [8]
    assert left_out == [layout.labelled(folder) / "7.ehr"]


def test_a_link_that_somebody_of_the_group_put_there_is_not_followed(folder: Path) -> None:
    layout.make(folder)
    (layout.labelled(folder) / "1.ehr").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="cannot read"):
        store.read(layout.labelled(folder))
