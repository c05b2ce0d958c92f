"""Models that never saw the people, or the data set, that they are asked about.

One fit leaves out one group; what its model says of the group's windows is kept in a file, so that
a report that was cut short goes on where it stopped.
"""

import hashlib
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.whole_file import write_whole
from train.datasets.cache import cached
from train.fitting.fit import probabilities
from train.fitting.parallel import side_by_side
from train.wrist import wear_days
from train.wrist.fit import WristRecipe, fit
from train.wrist.folds import subject_folds
from train.wrist.hmm_filters import Rows
from train.wrist.spec import ORIENTATION, SPEC
from train.wrist.wear_days import Day
from train.wrist.windows import WristWindows, windows

LOG = logging.getLogger("train")
FOLDER = Path("runs") / "report"
MAKING = 4
"""Raised whenever days or windows are made otherwise, so that the cache is made anew."""
_MADE_BY = (
    *("convert/layers.py", "train/augment.py", "train/flagship.py", "train/models.py"),
    *("train/wrist/augment.py", "train/wrist/fit.py", "train/wrist/network.py"),
)
"""Whose code makes a fit."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One fit: everything but these people, or but this data set."""

    name: str
    recipe: WristRecipe
    seed: int
    people: frozenset[str] = frozenset()
    dataset: str = ""
    wearers: int | None = None
    """Take so many wearers of each data set only, to see that all works."""

    @property
    def path(self) -> Path:
        """Of the result; the model lies beside it as .keras."""
        return FOLDER / f"wrist-{self.name}-{self.seed}.npz"

    def test(self, those: WristWindows) -> NDArray[np.bool_]:
        """Tell which windows are left out."""
        out: NDArray[np.bool_] = np.isin(those.person, sorted(self.people))
        out |= those.dataset == self.dataset
        return out


def load(folder: Path, wearers: int | None = None) -> tuple[list[Day], WristWindows, str]:
    """Give the days, their windows (from the cache, if they are there) and the data's hash."""
    whole, hashes = wear_days.load(folder)
    if wearers is not None:
        whole = [
            day for name in hashes for day in [d for d in whole if d.dataset == name][:wearers]
        ]
    terms = [MAKING, hashes, SPEC.to_dict(), ORIENTATION.to_dict(), wearers]
    sha256 = hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()
    made = cached("wrist-windows", sha256, lambda: _arrays(windows(whole, SPEC, ORIENTATION)))
    return whole, WristWindows(**made), sha256  # type: ignore[arg-type]  # as _arrays packed them


def subjects(those: WristWindows, recipe: WristRecipe, seed: int) -> list[LeftOut]:
    """Leave each fifth of the people out."""
    return [
        LeftOut(f"people-{fold}", recipe, seed, people)
        for fold, people in enumerate(subject_folds(those))
    ]


def datasets(those: WristWindows, recipe: WristRecipe, seed: int) -> list[LeftOut]:
    """Leave each data set out."""
    names = dict.fromkeys(those.dataset.tolist())
    return [LeftOut(f"without-{name}", recipe, seed, dataset=name) for name in names]


def run(jobs: Sequence[LeftOut], folder: Path, workers: int) -> list[Rows]:
    """Do all that is not done; give what each job's model says of the windows that it left out.

    Raises:
        DataError: the data are not there.
        EdgeharError: a process died.

    """
    work = partial(_rows, folder=folder)
    done = {}
    for number, (job, rows) in enumerate(side_by_side(work, jobs, workers, __name__), 1):
        LOG.info("%d of %d  %s", number, len(jobs), job.path)
        done[job.name] = rows
    return [done[job.name] for job in jobs]


def _rows(job: LeftOut, folder: Path) -> Rows:
    _, those, sha256 = load(folder, job.wearers)
    key = json.dumps(
        {
            "recipe": asdict(job.recipe),
            "seed": job.seed,
            "data": sha256,
            "out": _out(job),
            "code": _code(),
        },
        sort_keys=True,
    )
    try:
        with np.load(job.path, allow_pickle=False) as kept:
            if str(kept["key"]) == key:
                return np.asarray(kept["rows"], np.float64)
    except (OSError, ValueError, KeyError, EOFError):
        pass  # not done yet, or cut short
    out = job.test(those)
    model = fit(job.recipe, job.seed, those.where(~out))
    rows = probabilities(model, those.x[out])
    job.path.parent.mkdir(parents=True, exist_ok=True)
    model.save(job.path.with_suffix(".keras"))
    content = io.BytesIO()
    np.savez(content, rows=rows, key=key)
    write_whole(job.path, content.getvalue())
    return rows


def _out(job: LeftOut) -> list[Any]:
    return [sorted(job.people), job.dataset]


@cache
def _code() -> str:
    """Hash what makes a fit what it is, so that none is found again that was made otherwise."""
    root = Path(__file__).parents[2]
    return hashlib.sha256(b"".join((root / name).read_bytes() for name in _MADE_BY)).hexdigest()


def _arrays(those: WristWindows) -> dict[str, NDArray[Any]]:
    return {f.name: getattr(those, f.name) for f in fields(those)}
