"""Cross-validation with fits that leave out a group of people or a data set.

Each fit stores its probabilities for the left-out windows, so that a report can be resumed.
"""

import hashlib
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from inspect import getsource
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert import layers
from firmware_bridge.whole_file import write_whole
from train.datasets.cache import cached
from train.fitting import augment, stored_results
from train.fitting.fit import probabilities
from train.fitting.parallel import side_by_side
from train.networks import flagship, models
from train.wrist import augment as wrist_augment
from train.wrist import fit as wrist_fit
from train.wrist import network, wear_days
from train.wrist.fit import WristRecipe, fit
from train.wrist.hmm_filters import Rows
from train.wrist.spec import ORIENTATION, SPEC
from train.wrist.wear_days import Day
from train.wrist.windows import WristWindows, windows

LOG = logging.getLogger("train")
WINDOWS_VERSION = 4
"""Increase with each change of days or windows, so that older cache files are ignored."""
_FIT_MODULES = (layers, augment, flagship, models, wrist_augment, wrist_fit, network)
"""The modules that determine a fit."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A fit on all data except the data of some people or of one data set."""

    name: str
    recipe: WristRecipe
    seed: int
    people: frozenset[str] = frozenset()
    dataset: str = ""
    wearers: int | None = None
    """Use only this many wearers of each data set, for a short trial."""

    @property
    def path(self) -> Path:
        """Path of the result. The model has the same name with .keras."""
        return stored_results.FOLDER / f"wrist-{self.name}-{self.seed}.npz"

    def test(self, windows: WristWindows) -> NDArray[np.bool_]:
        """Return whether each window is left out, (n,)."""
        out: NDArray[np.bool_] = np.isin(windows.person, sorted(self.people))
        out |= windows.dataset == self.dataset
        return out


def load(folder: Path, wearers: int | None = None) -> tuple[list[Day], WristWindows, str]:
    """Return the days, their windows (from the cache if possible) and the data's hash."""
    whole, hashes = wear_days.load(folder)
    if wearers is not None:
        whole = [
            day for name in hashes for day in [d for d in whole if d.dataset == name][:wearers]
        ]
    terms = [WINDOWS_VERSION, hashes, SPEC.to_dict(), ORIENTATION.to_dict(), wearers]
    sha256 = hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()
    columns = cached("wrist-windows", sha256, lambda: windows(whole, SPEC, ORIENTATION).columns())
    return whole, WristWindows(**columns), sha256  # type: ignore[arg-type]  # the columns


def subjects(every: WristWindows, recipe: WristRecipe, seed: int) -> list[LeftOut]:
    """Return one fit for each fold of people; it leaves out that fold."""
    return [
        LeftOut(f"people-{fold}", recipe, seed, people)
        for fold, people in enumerate(subject_folds(every))
    ]


def datasets(every: WristWindows, recipe: WristRecipe, seed: int) -> list[LeftOut]:
    """Return one fit for each data set; it leaves out that data set."""
    names = dict.fromkeys(every.dataset.tolist())
    return [LeftOut(f"without-{name}", recipe, seed, dataset=name) for name in names]


def subject_folds(windows: WristWindows, seed: int = 0) -> list[frozenset[str]]:
    """Divide the people of each data set into FOLDS groups; both arms of a person stay together."""
    dealt: list[set[str]] = [set() for _ in range(FOLDS)]
    random = np.random.default_rng(seed)
    turn = 0
    for dataset in sorted(set(windows.dataset.tolist())):
        people = sorted(set(windows.person[windows.dataset == dataset].tolist()))
        for person in random.permutation(people):
            dealt[turn % FOLDS].add(str(person))
            turn += 1
    return [frozenset(group) for group in dealt]


def run(jobs: Sequence[LeftOut], folder: Path, workers: int) -> list[Rows]:
    """Do the fits that are not stored; return the probabilities for the left-out windows of each.

    Raises DataError if data are missing, EdgeharError if a process dies.
    """
    work = partial(_rows, folder=folder)
    done = {}
    for number, (job, rows) in enumerate(side_by_side(work, jobs, workers, __name__), 1):
        LOG.info("%d of %d  %s", number, len(jobs), job.path)
        done[job.name] = rows
    return [done[job.name] for job in jobs]


def _rows(job: LeftOut, folder: Path) -> Rows:
    _, every, sha256 = load(folder, job.wearers)
    key = json.dumps(
        {
            "recipe": asdict(job.recipe),
            "seed": job.seed,
            "data": sha256,
            "out": [sorted(job.people), job.dataset],
            "code": _code(),
        },
        sort_keys=True,
    )
    try:
        with np.load(job.path, allow_pickle=False) as stored:
            if str(stored["key"]) == key:
                return np.asarray(stored["rows"], np.float64)
    except (OSError, ValueError, KeyError, EOFError):
        pass  # not fitted yet, or the file is incomplete
    out = job.test(every)
    model = fit(job.recipe, job.seed, every.where(~out))
    rows = probabilities(model, every.x[out])
    job.path.parent.mkdir(parents=True, exist_ok=True)
    model.save(job.path.with_suffix(".keras"))
    content = io.BytesIO()
    np.savez(content, rows=rows, key=key)
    write_whole(job.path, content.getvalue())
    return rows


@cache
def _code() -> str:
    """Hash the code that determines a fit; after a change of it, stored fits are not used again."""
    return hashlib.sha256("".join(map(getsource, _FIT_MODULES)).encode()).hexdigest()
