"""Tables of the papers' report: mean and deviation over the seeds, and published figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from train.report.papers_networks import Subject
from train.report.papers_published import BASELINES, Published

Table = tuple[list[str], list[list[str]]]
Results = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of one network's fits."""

    subject: Subject
    results: Results
    """By our recipe, one result for each seed; the first has `cost`."""
    as_given: Results
    """By the paper's recipe, with `peek_accuracy` of every epoch on the test people."""


def tables(outcomes: Sequence[Outcome], compared: Mapping[str, Results]) -> dict[str, Table]:
    """Return all tables by the names of their files in results/."""
    return {
        "papers": _accuracy(outcomes, compared),
        "papers-scores": _scores(outcomes, compared),
        "papers-cost": _cost(outcomes),
        "papers-epochs": _epochs(outcomes),
    }


def percent(values: Sequence[float]) -> str:
    """Format shares of 1 as mean and deviation."""
    spread = f" ± {100 * stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):.2%}{spread}" if values else ""


def _accuracy(outcomes: Sequence[Outcome], compared: Mapping[str, Results]) -> Table:
    head = [
        "",
        "published",
        "ours, float",
        "ours, int8",
        "loss published",
        "loss, float",
        "loss, int8",
    ]
    rows = []
    for one in outcomes:
        published = one.subject.published
        rows.append(
            [
                one.subject.title,
                _published(published),
                *(percent(_of(one.results, form, "accuracy")) for form in ("float", "int8")),
                "" if published is None or published.loss is None else f"{published.loss:.3f}",
                *(_plain(_of(one.results, form, "loss")) for form in ("float", "int8")),
            ]
        )
    for name, results in compared.items():
        accuracy = percent(_of(results, "float", "accuracy"))
        rows.append([name, _published(BASELINES[name]), accuracy, "", "", "", ""])
    return head, rows


def _scores(outcomes: Sequence[Outcome], compared: Mapping[str, Results]) -> Table:
    head = ["", "accuracy", "precision", "recall", "F1"]
    quantities = ("accuracy", "macro_precision", "macro_recall", "macro_f1")
    rows = []
    whole = [(one.subject.title, one.subject.published, one.results) for one in outcomes]
    whole += [(name, BASELINES[name], results) for name, results in compared.items()]
    for title, published, results in whole:
        if published is not None:
            figures = (published.accuracy, published.precision, published.recall, published.f1)
            rows.append(
                [f"{title}, published", *("" if f is None else f"{f:.2%}" for f in figures)]
            )
        for form in ("float", "int8"):
            if form in results[0]:
                values = (percent(_of(results, form, quantity)) for quantity in quantities)
                rows.append([f"{title}, {form}", *values])
    return head, rows


def _cost(outcomes: Sequence[Outcome]) -> Table:
    runtimes = list(outcomes[0].results[0]["cost"]["us_a_window"]["int8"])
    forms = [(form, runtime) for form in ("float32", "int8") for runtime in runtimes]
    head = ["", "parameters", "multiply-adds", "int8 bytes", "training, an epoch", "epochs"]
    rows = []
    for one in outcomes:
        first, cost = one.results[0], one.results[0]["cost"]
        rows.append(
            [
                one.subject.title,
                f"{cost['parameters']:,}",
                f"{cost['multiplications']:,}",
                f"{cost['bytes']['int8']:,}",
                f"{cost['training_epoch_s']:.1f} s",
                str(first["key"]["recipe"]["epochs"]),
                *(f"{cost['us_a_window'][form][runtime]:,.0f} µs" for form, runtime in forms),
            ]
        )
    return [*head, *(f"{form}, {runtime}" for form, runtime in forms)], rows


EPOCHS_HEAD = ["", "accuracy", "lowest to highest", "seeds that reach the published figure"]


def _epochs(outcomes: Sequence[Outcome]) -> Table:
    rows = []
    for one in outcomes:
        if not one.as_given or one.subject.published is None:
            continue
        by_epoch = [result["history"]["peek_accuracy"] for result in one.as_given]
        goal = one.subject.published.accuracy
        rules: dict[str, Callable[[list[float]], float]] = {
            "last epoch": lambda accuracies: accuracies[-1],
            "best epoch, chosen on the test set": max,
        }
        for rule, choose in rules.items():
            rows.append(
                epochs_row(f"{one.subject.title}, {rule}", [choose(one) for one in by_epoch], goal)
            )
    return EPOCHS_HEAD, rows


def epochs_row(name: str, accuracies: Sequence[float], goal: float) -> list[str]:
    """Return a row under EPOCHS_HEAD for a rule that chooses the epoch; `goal` is published."""
    reached = sum(accuracy >= goal for accuracy in accuracies)
    return [
        name,
        percent(accuracies),
        f"{min(accuracies):.2%} to {max(accuracies):.2%}",
        f"{reached} of {len(accuracies)} ({goal:.2%})",
    ]


def _of(results: Results, form: str, quantity: str) -> list[float]:
    return [result[form][quantity] for result in results]


def _published(one: Published | None) -> str:
    return "" if one is None else f"{one.accuracy:.2%} ({one.paper})"


def _plain(values: Sequence[float]) -> str:
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"
