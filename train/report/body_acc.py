"""Reports the difference of our causal body acceleration from UCI HAR's, by activity."""

from dataclasses import asdict
from pathlib import Path

from device.signal.spec import SignalSpec
from train.datasets import hapt, uci_har
from train.results import pages
from train.results.provenance import provenance
from train.studies.body_acc import compare

HEAD = [
    "",
    "windows located",
    "publisher's body acceleration, rms",
    "difference from ours, rms",
    "difference of total acceleration",
    "difference of gravity",
]


def report(folder: Path) -> str:
    """Make the table, in mg, and write results/body_acc.json."""
    recordings, har = hapt.load(folder), uci_har.load(folder)
    compared = compare(recordings, har, SignalSpec())
    rows = [
        [
            activity.replace("_", " "),
            f"{one.matched} of {one.windows}",
            f"{1000 * one.body_rms_g:.1f} mg",
            f"{1000 * one.body_difference_rms_g:.1f} mg",
            f"{1000 * one.total_difference_rms_g:.1f} mg",
            f"{1000 * one.gravity_difference_rms_g:.1f} mg",
        ]
        for activity, one in compared.items()
    ]
    figures = {
        "by_activity": {activity: asdict(one) for activity, one in compared.items()},
        "data": {"hapt": recordings.sha256, "uci": har.sha256},
        **provenance(),
    }
    pages.write("body_acc", figures, HEAD, rows)
    return pages.markdown(HEAD, rows)
