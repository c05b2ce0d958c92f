"""Training and test windows of the waist data sets, by name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from device.signal.spec import SignalSpec
from train.datasets import hapt, uci_har
from train.datasets.waist import TEST_PEOPLE
from train.waist.windows import LabelledWindows, by_our_path, published


@dataclass(frozen=True, slots=True)
class Data:
    """Training and test windows, and their source."""

    windows: str
    """A name in DATA."""
    train: LabelledWindows
    test: LabelledWindows
    sha256: str
    """Hash of the archive, or the hashes of both, joined by a plus."""
    spec: SignalSpec | None
    """Our signal path, if it makes the test windows; else None."""


def uci_data(folder: Path, hop: int) -> Data:  # noqa: ARG001  one signature with hapt_data
    """Return the windows of UCI HAR in its official split. Raises DataError."""
    har = uci_har.load(folder)
    windows = published(har)
    return Data(
        windows="uci",
        train=windows.of(windows.people - TEST_PEOPLE),
        test=windows.of(TEST_PEOPLE),
        sha256=har.sha256,
        spec=None,
    )


def hapt_data(folder: Path, hop: int) -> Data:
    """Return windows of HAPT by our signal path, split like UCI HAR. Raises DataError."""
    recordings = hapt.load(folder)
    spec = SignalSpec()
    dense = by_our_path(recordings, replace(spec, hop=hop))
    return Data(
        windows="hapt",
        train=dense.of(dense.people - TEST_PEOPLE),
        test=by_our_path(recordings, spec).of(TEST_PEOPLE),
        sha256=recordings.sha256,
        spec=spec,
    )


def both_data(folder: Path, hop: int) -> Data:
    """Return UCI HAR in its official split, with more windows of the training people.

    Our signal path cuts them from the raw recordings in HAPT, from which the publisher cut his
    windows, with more overlap and another noise filter. The test windows are the publisher's only.
    Raises DataError if one of the archives is missing or damaged.
    """
    uci, raw = uci_data(folder, hop), hapt_data(folder, hop)
    return replace(
        uci,
        windows="uci+hapt",
        train=LabelledWindows.joined([uci.train, raw.train.of(uci.train.people)]),
        sha256=f"{uci.sha256}+{raw.sha256}",
    )


TITLES = {
    "uci": "UCI HAR, the publisher's windows",
    "hapt": "HAPT, raw recordings through the device's own signal path",
    "uci+hapt": "UCI HAR, the publisher's windows; trained also on HAPT, the raw recordings of its "
    "training people, through the device's own signal path",
}
DATA: dict[str, Callable[[Path, int], Data]] = {
    "uci": uci_data,
    "hapt": hapt_data,
    "uci+hapt": both_data,
}
