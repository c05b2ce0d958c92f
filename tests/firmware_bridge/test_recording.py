import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from firmware_bridge.recording import (
    HEADER,
    RecordingError,
    RecordingWriter,
    check_new,
    read,
    read_blocks,
)
from firmware_bridge.samples import Float64, Samples
from tests.firmware_bridge.reader import table

ROW = "0.020000,0.1,0.2,0.9,0.01,0.02,0.03"


def write(folder: Path, text: str | bytes, name: str = "r.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def samples_of(values: Float64, first_us: int = 0) -> Samples:
    t_us = first_us + 20_000 * np.arange(len(values))
    return Samples(t_us / 1e6, values[:, :3], values[:, 3:])


@given(
    values=hnp.arrays(np.float64, st.tuples(st.integers(0, 40), st.just(6))),
    first_us=st.integers(0, 2_000_000_000_000_000),
    cut=st.integers(0, 40),
    suffix=st.sampled_from([".csv", ".csv.gz"]),
)
def test_written_samples_read_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, values: Float64, first_us: int, cut: int, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("r") / f"r{suffix}"
    samples = samples_of(values, first_us)
    with RecordingWriter(path) as out:
        out.write(samples[:cut])
        out.write(samples[cut:])
    back, labels = read(path)
    there, here = table(samples), table(back)
    np.testing.assert_array_equal(here, there)
    np.testing.assert_array_equal(np.signbit(here), np.signbit(there) & ~np.isnan(there))
    assert labels is None


def test_labels_stay_with_their_rows_in_blocks_of_any_size(tmp_path: Path) -> None:
    names = [f"a{i // 7}" if i % 5 else "" for i in range(100)]
    samples = samples_of(np.random.default_rng(1).normal(size=(100, 6)))
    path = tmp_path / "r.csv"
    with RecordingWriter(path) as out:
        out.write(samples[:30], names[:30])
        out.write(samples[30:], names[30:])
    back, labels = read(path)
    assert labels == names
    np.testing.assert_array_equal(table(back), table(samples))
    for rows in (1, 7, 64, 1000):
        blocks = list(read_blocks(path, rows))
        assert max(map(len, blocks)) <= rows
        np.testing.assert_array_equal(table(*blocks), table(samples))


VALUES = [0.02, 0.1, 0.2, 0.9, 0.01, 0.02, 0.03]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"\ufeff# by hand\r\n\r\n{HEADER}\r\n{ROW}\r\n# a pause\r\n\r\n{ROW}", [VALUES] * 2),
        (gzip.compress(f"{HEADER}\n{ROW}\n".encode()), [VALUES]),  # recognised by its first bytes
        (f"{HEADER}\nnan,inf,-inf,0,0,0,0\n", [[np.nan, np.inf, -np.inf, 0, 0, 0, 0]]),
        (HEADER, []),
    ],
    ids=["comments, blank lines, CRLF, byte order mark", "gzip", "not finite", "no samples"],
)
def test_any_form_of_a_recording_is_read(
    tmp_path: Path, text: str | bytes, rows: list[list[float]]
) -> None:
    path = write(tmp_path, text)
    np.testing.assert_array_equal(table(read(path)[0]), np.reshape(rows, (-1, 7)))
    assert all(map(len, read_blocks(path)))  # no block without samples


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("t,ax,ay,az\n1,2,3,4\n", f"must be {HEADER}"),
        (f"{ROW}\n", "header is '0.020000"),
        (f"{HEADER}\n{ROW}\n# c\n{ROW},5\n", "r.csv:4: 8 columns, must be 7"),
        (f"# c\n{HEADER}\n{ROW}\n{ROW[:20]}", "r.csv:4: 4 columns"),
        (f"{HEADER}\n{ROW},9\n{ROW},9\n", "r.csv:2: 8 columns"),
        (f"{HEADER}\n{ROW}\n\n1,2,x,4,5,6,7\n", "r.csv:4: acc_y_g is 'x'"),
        (f"{HEADER}\n{ROW}\n1,2,,4,5,6,7\n", "r.csv:3: acc_y_g is ''"),
        (f"{HEADER},label\n{ROW},walking\n{ROW}\n", "r.csv:3: 7 columns, must be 8"),
        (f"{HEADER}\n" + "1" * 10_000_000, "r.csv:2: line too long"),
        (b"\x00\xff" * 100, "header is"),
        (gzip.compress(f"{HEADER}\n{ROW}\n".encode() * 1000)[:-12], "cut short"),
        (b"\x1f\x8b" + b"\x00" * 40, "gzip data damaged"),
    ],
)
def test_a_malformed_recording_is_an_error_of_one_line(
    tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecordingError, match=re.escape(complaint)) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_without_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(RecordingError, match="a folder"):
        read(tmp_path)
    with pytest.raises(RecordingError, match=r"cannot write .*No such file"):
        RecordingWriter(tmp_path / "none" / "r.csv")


def test_the_line_number_of_a_fault_is_right_in_a_long_file(tmp_path: Path) -> None:
    text = f"{HEADER}\n" + f"{ROW}\n" * 200_000 + f"{ROW},\n" + f"{ROW}\n" * 1000
    with pytest.raises(RecordingError, match=r"r\.csv:200002: 8 columns"):
        read(write(tmp_path, text))


def test_a_recording_appears_under_its_name_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"

    def interrupted() -> None:
        with RecordingWriter(path) as out:
            out.write(samples_of(np.zeros((5, 6))))
            assert not path.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not path.exists()
    assert len(read(tmp_path / "r.csv.part")[0]) == 5


def test_equal_recordings_are_equal_files(tmp_path: Path) -> None:
    samples = samples_of(np.ones((5, 6)))
    for name in ("a.csv.gz", "b.csv.gz"):
        with RecordingWriter(tmp_path / name) as out:
            out.write(samples)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_a_new_recording_replaces_a_file_only_with_force(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv.gz"
    check_new(path)
    path.write_text("precious")
    with pytest.raises(RecordingError, match=r"walk.csv.gz already exists; give another name"):
        check_new(path)
    check_new(path, force=True)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RecordingError, match="already exists"):
        check_new(tmp_path / "folder.csv", force=True)
    for name in ("walk", "walk.txt", "walk.gz", "walk.csv.bz2"):
        with pytest.raises(RecordingError, match=r"ends in \.csv or \.csv\.gz"):
            check_new(tmp_path / name, force=True)
