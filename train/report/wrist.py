"""Reports on the wrist model with people and with data sets that are left out of training."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.decision.judge import DecisionSpec
from train.datasets.piece import LABELS
from train.fitting.parallel import cores
from train.report import wrist_data, wrist_pictures
from train.results import pages
from train.results.provenance import provenance
from train.wrist import cross_validation
from train.wrist.decisions import Decisions, Figures, decide, delay_s, figures
from train.wrist.fit import WristRecipe
from train.wrist.fit_decision import Stretch, fit_decision, stretches
from train.wrist.spec import POSTURES
from train.wrist.strap_angles import turns
from train.wrist.wear_days import CLASSES, ON_A_RAIL
from train.wrist.windows import WristWindows

SEED = 0
HEAD = [
    "tested on (left out of training)",
    "windows",
    "accuracy",
    "each window alone",
    "stairs counted as walking",
    *LABELS,
    "unknown detected",
    "known rejected as unknown",
]
TITLES = {
    "wisdm": "WISDM (LG watch)",
    "daily-sports": "Daily and Sports (Xsens, both wrists)",
    "sp-sw": "SP-SW-HAR (watch)",
    "weda": "WEDA-FALL (Fitbit)",
    "mpu6050": "MPU-6050",
}


def report(folder: Path, *, quick: bool, workers: int | None = None) -> str:
    """Make the tables; write results/wrist*.json and the pictures unless quick.

    Raises DataError if data are missing, EdgeharError if a process dies.
    """
    recipe = WristRecipe()
    limit = None
    if quick:
        recipe, limit = replace(recipe, epochs=2, windows=6144, averaging=0.9), 2
    days, every, sha256 = cross_validation.load(folder, limit)
    by_people = cross_validation.subjects(every, recipe, SEED)
    by_set = cross_validation.datasets(every, recipe, SEED)
    if quick:
        by_people, by_set = by_people[:2], by_set[-1:]
    jobs = [
        replace(job, wearers=limit, name=f"{'quick-' if quick else ''}{job.name}")
        for job in (*by_people, *by_set)
    ]
    rows = cross_validation.run(jobs, folder, workers or cores())
    groups = [every.where(job.test(every)) for job in jobs]
    split = len(by_people)
    folds = [stretches(*fold) for fold in zip(groups[:split], rows[:split], strict=True)]
    decision = fit_decision([one for fold in folds for one in fold])
    people = [
        decide(group, row, fit_decision([o for f in folds if f is not fold for o in f]), POSTURES)
        for fold, group, row in zip(folds, groups[:split], rows[:split], strict=True)
    ]
    sets = {
        job.dataset: decide(group, row, _without(job.dataset, folds), POSTURES)
        for job, group, row in zip(jobs[split:], groups[split:], rows[split:], strict=True)
    }
    whole = Decisions.joined(people)
    everybody = np.concatenate([group.dataset for group in groups[:split]])
    of_sets = {name: figures(decisions) for name, decisions in sets.items()}
    names = dict.fromkeys(everybody.tolist())
    of_people = {"all": figures(whole)}
    of_people |= {name: figures(whole.where(everybody == name)) for name in names}
    fairer = _fairer(whole, groups[:split])
    table = []
    for (name, decisions), group in zip(sets.items(), groups[split:], strict=True):
        table.append(_row(TITLES[name], of_sets[name]))
        table += [_row(f"… {what}", of) for what, of in _fairer(decisions, [group]).items()]
    table += [_row(f"new people of {TITLES[name]}", of_people[name]) for name in names]
    table.append(_row("new people of all data sets", of_people["all"]))
    table += [_row(f"… {what}", of) for what, of in fairer.items()]
    if not quick:
        delays = np.concatenate(
            [delay_s(s, group) for s, group in zip(people, groups[:split], strict=True)]
        )
        summary: dict[str, Any] = {
            "datasets": {name: of.to_dict() for name, of in of_sets.items()},
            "people": {name: of.to_dict() for name, of in of_people.items()},
            "people_fairer": {what: of.to_dict() for what, of in fairer.items()},
            "smoothing": {
                "gain": of_people["all"].accuracy_forced - of_people["all"].accuracy_raw,
                "delay_s": {
                    "median": float(np.median(delays)),
                    "mean": float(delays.mean()),
                    "90 %": float(np.quantile(delays, 0.9)),
                },
            },
            "lying": lying(whole, np.concatenate([g.lying for g in groups[:split]])),
            "turns": turns(days, jobs[0], decision),
        }
        recordings = wrist_data.table(folder)
        whole_result = {
            **summary,
            "decision": decision.to_dict(),
            "recipe": asdict(recipe),
            "seed": SEED,
            "data": sha256,
            "recordings": recordings,
            **provenance(),
        }
        pages.write("wrist", whole_result, HEAD, table)
        for name, (head, lines) in {
            "smoothing": _smoothing(of_people["all"], delays),
            "lying": _lying(summary["lying"]),
            "data": (wrist_data.HEAD, wrist_data.rows(recordings)),
        }.items():
            pages.write(f"wrist-{name}", {"data": sha256}, head, lines)
        wrist_pictures.draw(pages.FOLDER, summary)
        wrist_pictures.minutes(pages.FOLDER / "wrist-data.png", recordings)
    return pages.markdown(HEAD, table)


def lying(decisions: Decisions, lies: NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of each decision in windows of lying, which is not a label."""
    return {name: float((decisions.decided[lies] == c).mean()) for c, name in enumerate(CLASSES)}


def _fairer(decisions: Decisions, groups: Sequence[WristWindows]) -> dict[str, Figures]:
    """Return figures of wearers who meet the conditions of use: they walk and swing the arm."""
    wearer, known, detail = (
        np.concatenate([getattr(group, name) for group in groups])
        for name in ("wearer", "known", "detail")
    )
    met = {}
    walked = np.isin(wearer, np.unique(wearer[known]))
    if not walked.all():
        met["of wearers who walked until their mounting was known"] = walked
    if (rail := np.isin(detail, sorted(ON_A_RAIL))).any():
        met["off the treadmill"] = ~rail
    return {what: figures(decisions.where(chosen)) for what, chosen in met.items()}


def _smoothing(of: Figures, delays_s: Any) -> tuple[list[str], list[list[str]]]:
    median, most = np.quantile(delays_s, [0.5, 0.9])
    head = ["new people", "accuracy", "seconds until a change is reported: median", "90 %"]
    return head, [
        ["each window alone", f"{of.accuracy_raw:.1%}", "0", "0"],
        ["smoothed, without `unknown`", f"{of.accuracy_forced:.1%}", "", ""],
        ["smoothed, as shipped", f"{of.accuracy:.1%}", f"{median:.1f}", f"{most:.1f}"],
    ]


def _lying(shares: dict[str, float]) -> tuple[list[str], list[list[str]]]:
    return ["new people", *shares], [["lying", *(f"{s:.0%}" for s in shares.values())]]


def _without(dataset: str, folds: Sequence[Sequence[Stretch]]) -> DecisionSpec:
    """Fit the parameters of decisions to left-out people of the other data sets."""
    return fit_decision([one for fold in folds for one in fold if one.dataset != dataset])


def _row(title: str, of: Figures) -> list[str]:
    recalls = [f"{of.recall[name]:.0%}" if name in of.recall else "" for name in CLASSES]
    shares = (of.accuracy, of.accuracy_raw, of.accuracy_stairs_as_walking)
    return [
        title,
        str(of.windows),
        *(f"{share:.1%}" for share in shares),
        *recalls,
        f"{of.known_rejected:.1%}",
    ]
