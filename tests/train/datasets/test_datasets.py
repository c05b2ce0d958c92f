"""The waist data sets: parsed from each form of archive; a damaged archive is refused."""

from pathlib import Path

import numpy as np
import pytest

from tests.train.datasets.archives import zipped
from train.datasets import hapt, uci_har
from train.datasets.archive import Archive, DataError, locate
from train.datasets.cache import cached
from train.datasets.waist import TEST_PEOPLE

ROWS = 300
SEGMENTS = "1 3 5 11 100\n1 3 7 101 120\n1 3 1 151 300\n2 4 6 1 300\n"


def files(segments: str = SEGMENTS) -> dict[str, bytes]:
    """Return the files of a small HAPT archive: two people with one recording each."""
    random = np.random.default_rng(0)
    text = {"RawData/labels.txt": segments.encode()}
    for who in ("exp01_user03", "exp02_user04"):
        for sensor in ("acc", "gyro"):
            rows = random.normal(size=(ROWS, 3))
            lines = "".join(f"{x!r} {y!r} {z!r}\n" for x, y, z in rows.tolist())
            text[f"RawData/{sensor}_{who}.txt"] = lines.encode()
    return text


def test_segments_are_counted_from_one_with_both_ends(tmp_path: Path) -> None:
    (tmp_path / "hapt.zip").write_bytes(zipped(files()))
    first, second = hapt.load(tmp_path).recordings
    assert (first.experiment, first.person, len(first.samples)) == (1, 3, ROWS)
    labels = first.labels()
    assert labels[9:11] == ["", "standing"]
    assert labels[99:101] == ["standing", "stand_to_sit"]
    assert labels[149:151] == ["", "walking"]
    assert labels[-1] == "walking"
    assert set(second.labels()) == {"lying"}
    assert first.samples.t_s[50] == 1.0


def test_all_forms_of_an_archive_have_the_same_data(tmp_path: Path) -> None:
    wrapped = zipped({"HAPT Data Set.zip": zipped(files(), "HAPT Data Set/"), "names.txt": b""})
    places = {"plain": zipped(files()), "wrapped": wrapped}
    for name, content in places.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "hapt.zip").write_bytes(content)
    for name, content in files().items():
        path = tmp_path / "unpacked" / "HAPT Data Set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sets = [hapt.load(tmp_path / name) for name in ("plain", "wrapped", "unpacked")]
    assert len({one.sha256 for one in sets}) == 3
    for other in sets[1:]:
        for a, b in zip(sets[0].recordings, other.recordings, strict=True):
            np.testing.assert_array_equal(a.samples.acc_g, b.samples.acc_g)
            np.testing.assert_array_equal(a.samples.gyro_rad_s, b.samples.gyro_rad_s)
            assert a.segments == b.segments


def test_only_a_changed_archive_is_parsed_again(tmp_path: Path) -> None:
    (tmp_path / "hapt.zip").write_bytes(zipped(files()))
    first = hapt.load(tmp_path).recordings[1].samples
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Archive, "numbers", None)
        second = hapt.load(tmp_path).recordings[1].samples
    np.testing.assert_array_equal(first.gyro_rad_s, second.gyro_rad_s)
    (tmp_path / "hapt.zip").write_bytes(zipped(files(SEGMENTS.replace("2 4 6", "2 4 5"))))
    assert hapt.load(tmp_path).recordings[1].segments[0].activity == "standing"


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_a_damaged_cache_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path))
    arrays = {"numbers": np.arange(1000)}
    cached("set", "0" * 64, lambda: dict(arrays))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    again = cached("set", "0" * 64, lambda: dict(arrays))
    np.testing.assert_array_equal(again["numbers"], arrays["numbers"])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RawData/gyro_exp01_user03.txt": None}, "gyro_exp01_user03.txt is missing"),
        ({"RawData/acc_exp01_user03.txt": b"1 2 x\n"}, "not a number"),
        ({"RawData/acc_exp01_user03.txt": b"1 2 3 4\n"}, "rows of 3 numbers"),
        ({"RawData/acc_exp01_user03.txt": b"1 2 nan\n"}, "rows of 3 numbers"),
        ({"RawData/acc_exp01_user03.txt": b"1 2 3\n"}, "has 1 rows, its gyro file 300"),
        ({"RawData/labels.txt": b"1 3 5 11 301\n2 4 6 1 300\n"}, "does not match"),
        ({"RawData/labels.txt": b"1 3 13 11 100\n2 4 6 1 300\n"}, "does not match"),
        ({"RawData/labels.txt": b"2 4 6 1 300\n"}, "does not match"),
        ({"RawData/labels.txt": b"\xff\xfe"}, "not a number"),
    ],
)
def test_an_error_is_one_line_with_the_file_and_the_reason(
    tmp_path: Path, change: dict[str, bytes | None], message: str
) -> None:
    members = {name: text for name, text in {**files(), **change}.items() if text is not None}
    (tmp_path / "hapt.zip").write_bytes(zipped(members))
    with pytest.raises(DataError, match=message) as caught:
        hapt.load(tmp_path)
    assert "\n" not in str(caught.value)
    assert "hapt.zip" in str(caught.value)


def test_the_data_folder_may_be_the_unpacked_archive(tmp_path: Path) -> None:
    (tmp_path / "HAPT Data Set").mkdir()
    assert locate(tmp_path / "HAPT Data Set", hapt.FILES, "") == tmp_path / "HAPT Data Set"


def flipped(content: bytes) -> bytes:
    return content[:2000] + bytes([content[2000] ^ 0x10]) + content[2001:]


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (None, "edgehar data fetch"),
        (zipped({"other.txt": b""}), "has no RawData/labels.txt"),
        (flipped(zipped(files())), "damaged"),
        *((zipped(files())[:size], "not a complete zip archive") for size in (0, 100, 2000)),
    ],
    ids=["missing", "another", "damaged", "empty", "cut at 100", "cut at 2000"],
)
def test_a_missing_or_damaged_archive_is_refused(
    tmp_path: Path, archive: bytes | None, message: str
) -> None:
    if archive is not None:
        (tmp_path / "hapt.zip").write_bytes(archive)
    with pytest.raises(DataError, match=message):
        hapt.load(tmp_path)


@pytest.mark.slow
def test_uci_har_is_as_published(data_dir: Path) -> None:
    har = uci_har.load(data_dir)
    in_test = np.isin(har.person, sorted(TEST_PEOPLE))
    assert np.bincount(in_test).tolist() == [7352, 2947]
    assert har.x.shape == (10299, 128, 9)
    assert len(np.unique(har.person)) == 30
    # Within a recording, windows overlap by half.
    np.testing.assert_array_equal(har.x[0, 64:], har.x[1, :64])
    # Total minus body acceleration is gravity, 1 g.
    gravity_g = np.linalg.norm((har.x[..., :3] - har.x[..., 6:]).mean(axis=1), axis=1)
    assert np.median(gravity_g) == pytest.approx(1, abs=0.03)
