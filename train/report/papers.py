"""Reports on every network of both papers, and on the classifiers that they compare with.

Protocol: the publisher's windows and official split by person; five seeds; all choices are made on
people of the training set (RECIPES.md); the test set is used once, after each fit. A separate table
has the first paper's unchanged recipe with the test score of every epoch, which chooses nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from typing import Any

from train.fitting import baselines
from train.fitting.parallel import cores
from train.networks.recipes import PAPER
from train.report import papers_pictures
from train.report.fits import Job, run_jobs, timed
from train.report.papers_baselines import run_baseline
from train.report.papers_networks import SEEDS, SUBJECTS
from train.report.papers_published import BASELINES, CNN_LSTM
from train.report.papers_tables import Outcome, Results, Table, epochs_row, tables
from train.report.repeat import repeat, spread
from train.results import pages
from train.results.provenance import provenance
from train.waist import data as waist_data
from train.waist.data import Data

QUICK_EVERY = 16


def report(folder: Path, *, quick: bool, workers: int | None = None) -> str:
    """Make the tables and pictures; write results/papers*.json and .png unless quick.

    A quick report has two networks, one seed, one epoch and each 16th window. Raises DataError if
    data are missing, ConvertError if a model cannot be converted, EdgeharError if a process dies.
    """
    subjects = [one for one in SUBJECTS if one.in_quick or not quick]
    jobs = {one.title: _shortened(one.jobs(), quick=quick) for one in subjects}
    as_given_jobs = {one.title: _shortened(one.jobs_as_given(), quick=quick) for one in subjects}
    data = next(iter(jobs.values()))[0].data(folder)
    # The longest jobs start first, so that no core waits for them at the end.
    order = sorted(
        [job for some in (jobs, as_given_jobs) for those in some.values() for job in those],
        key=lambda job: (job.lstm != "fused", job.peek),
    )
    done = dict(zip(order, run_jobs(order, folder, workers or cores()), strict=True))
    costs = run_jobs([those[0] for those in jobs.values()], folder, 1, timed)
    outcomes = [
        Outcome(
            one,
            [cost, *(done[job] for job in jobs[one.title][1:])],
            [done[job] for job in as_given_jobs[one.title]],
        )
        for one, cost in zip(subjects, costs, strict=True)
    ]
    seeds, prefix = (SEEDS[:1], "quick-papers-") if quick else (SEEDS, "papers-")
    compared = {name: run_baseline(name, data, seeds, prefix) for name in baselines.BASELINES}
    by_name = tables(outcomes, compared)
    if not quick:
        chosen = repeat("uci", waist_data.uci_data(folder, PAPER.hop), PAPER, SEEDS)
        title = "CNN_LSTM, epoch chosen on four training people left out"
        accuracies = [result["float"]["accuracy"] for result in chosen]
        by_name["papers-epochs"][1].insert(1, epochs_row(title, accuracies, CNN_LSTM.accuracy))
        _write(data, outcomes, compared, by_name)
        papers_pictures.draw(data, outcomes, compared)
    return "\n\n".join(pages.markdown(*table) for table in by_name.values())


def _shortened(jobs: Sequence[Job], *, quick: bool) -> list[Job]:
    if not quick:
        return list(jobs)
    return [
        replace(
            job, name=f"quick-{job.name}", recipe=replace(job.recipe, epochs=1), every=QUICK_EVERY
        )
        for job in jobs[:1]
    ]


def _write(
    data: Data,
    outcomes: Sequence[Outcome],
    compared: Mapping[str, Results],
    by_name: Mapping[str, Table],
) -> None:
    """Write a file for each table; papers.json also has all figures."""
    figures = {
        "networks": {one.subject.title: _figures(one) for one in outcomes},
        "others": {
            name: {
                "published": asdict(BASELINES[name]),
                "model": results[0]["key"]["model"],
                "float": spread(results, "float"),
                "seconds": mean(result["seconds"] for result in results),
                "us_a_window": mean(result["us_a_window"] for result in results),
            }
            for name, results in compared.items()
        },
        "seeds": list(SEEDS),
        "windows": {"train": len(data.train), "test": len(data.test)},
        "people": {"train": sorted(data.train.people), "test": sorted(data.test.people)},
        "data": data.sha256,
        **provenance(),
    }
    for name, table in by_name.items():
        pages.write(name, figures if name == "papers" else {"figures": "papers.json"}, *table)


def _figures(one: Outcome) -> dict[str, Any]:
    published = one.subject.published
    return {
        "published": None if published is None else asdict(published),
        "recipe": asdict(one.subject.recipe),
        "lstm": one.subject.lstm,
        **{
            form: {
                **spread(one.results, form),
                "recall": [result[form]["recall"] for result in one.results],
            }
            for form in ("float", "int8")
        },
        **one.results[0]["cost"],
        "seconds": [result["seconds"] for result in one.results],
        "commits": sorted(
            {str((result["config"]["commit"] or {}).get("id")) for result in one.results}
        ),
        "as_given": [
            {
                "seed": result["key"]["seed"],
                "last": result["float"],
                "test_accuracy_by_epoch": result["history"]["peek_accuracy"],
                "test_loss_by_epoch": result["history"]["peek_loss"],
            }
            for result in one.as_given
        ],
    }
