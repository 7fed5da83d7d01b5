"""The metrics by name, and by the task that they belong to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from detectors.performance import confusion, multiclass, ranked, ranking, regression, scores
from detectors.performance.confusion import Costs
from detectors.performance.estimate import Estimate
from profiles.classes import MOST_RANKS
from profiles.ranking import LONGEST

BUSINESS_VALUE = "business_value"
MOST_CLASSES = 20
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Metric:
    """A performance metric: a pure function of the counts of outcomes.

    Attributes:
        compute: outcomes to (value, standard error), both NaN where the outcomes do not define it.
        higher_is_better: which way is worse.
        span: the values that it can take.
        target: the value that is best, where it is worse to be above as well as below.
        tasks: that it is a metric of; a metric of a package of its own has to say it.
    """

    compute: Callable[[Any], Estimate]
    higher_is_better: bool
    span: tuple[float, float]
    target: float | None = None
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """Metrics that differ by a whole number in their name.

    Attributes:
        pattern: of the name, such as `lift_at_{}`.
        numbers: that it can be.
        usual: those that are computed for every model.
        make: the metric of a number.
    """

    pattern: str
    numbers: range
    usual: tuple[int, ...]
    make: Callable[[int], Metric]

    def metric(self, name: str) -> Metric | None:
        """The member of this name; None if it is none."""
        match = re.fullmatch(self.pattern.replace("{}", r"([1-9]\d{0,3})"), name)
        return self.make(int(match[1])) if match and int(match[1]) in self.numbers else None


INFINITY = float("inf")
SHARE = (0.0, 1.0)
LOSS = (0.0, INFINITY)


def share(compute: Callable[[Any], Estimate], *, higher_is_better: bool = True) -> Metric:
    """A metric from 0 to 1."""
    return Metric(compute, higher_is_better=higher_is_better, span=SHARE)


def loss(compute: Callable[[Any], Estimate]) -> Metric:
    """A metric from 0 on, 0 being best."""
    return Metric(compute, higher_is_better=False, span=LOSS)


def _lift_at(percent: int) -> Metric:
    compute = partial(scores.lift_at, percent=percent)
    return Metric(compute, higher_is_better=True, span=(0.0, 100.0 / percent))


def _quantile_loss(percent: int) -> Metric:
    return loss(partial(regression.quantile_loss, percent=percent))


def _hit_rate_at(k: int) -> Metric:
    return share(partial(ranking.hit_rate_at, k=k))


def _top_k_accuracy(k: int) -> Metric:
    return share(partial(ranked.top_k_accuracy, k=k))


FIXED: Mapping[str, Mapping[str, Metric]] = {
    "binary": {
        "roc_auc": share(scores.roc_auc),
        "accuracy": share(confusion.accuracy),
        "log_loss": loss(scores.log_loss),
        "f1": share(confusion.f1),
        "precision": share(confusion.precision),
        "recall": share(confusion.recall),
        "specificity": share(confusion.specificity),
        "balanced_accuracy": share(confusion.balanced_accuracy),
        "mcc": Metric(confusion.mcc, higher_is_better=True, span=(-1.0, 1.0)),
        "pr_auc": share(scores.pr_auc),
        "brier": share(scores.brier, higher_is_better=False),
        "ece": share(scores.ece, higher_is_better=False),
    },
    "multiclass": {
        "accuracy": share(multiclass.accuracy),
        "macro_f1": share(multiclass.macro_f1),
        "macro_precision": share(multiclass.macro_precision),
        "macro_recall": share(multiclass.macro_recall),
        "balanced_accuracy": share(multiclass.balanced_accuracy),
        "weighted_f1": share(multiclass.weighted_f1),
        "micro_precision": share(multiclass.accuracy),
        "micro_recall": share(multiclass.accuracy),
        "micro_f1": share(multiclass.accuracy),
        "roc_auc": share(ranked.roc_auc),
        "log_loss": loss(ranked.log_loss),
        "ece": share(ranked.ece, higher_is_better=False),
    },
    "regression": {
        "mae": loss(regression.mae),
        "rmse": loss(regression.rmse),
        "bias": Metric(regression.bias, higher_is_better=False, span=(-INFINITY, INFINITY), target=0.0),
        "r2": Metric(regression.r2, higher_is_better=True, span=(-INFINITY, 1.0)),
        "mape": loss(regression.mape),
        "median_absolute_error": loss(regression.median_absolute_error),
    },
    "ranking": {
        "ndcg_at_10": share(partial(ranking.ndcg_at, k=10)),
        "mrr": share(ranking.mrr),
        "ndcg_at_5": share(partial(ranking.ndcg_at, k=5)),
        "precision_at_10": share(ranking.precision_at_10),
    },
}
FAMILIES: Mapping[str, tuple[Family, ...]] = {
    "binary": (Family("lift_at_{}", range(1, 101), (10,), _lift_at),),
    "multiclass": (Family("top_{}_accuracy", range(1, MOST_RANKS + 1), (3,), _top_k_accuracy),),
    "regression": (Family("quantile_loss_{}", range(1, 100), (10, 50, 90), _quantile_loss),),
    "ranking": (Family("hit_rate_at_{}", range(1, LONGEST + 1), (10,), _hit_rate_at),),
}
PER_CLASS: Mapping[str, Callable[..., Estimate]] = {
    "precision": multiclass.precision_of,
    "recall": multiclass.recall_of,
    "f1": multiclass.f1_of,
}
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "binary": ("roc_auc", "accuracy", "log_loss", "f1"),
    "multiclass": ("accuracy", "macro_f1"),
    "regression": ("mae", "rmse", "bias"),
    "ranking": ("ndcg_at_10", "mrr"),
}
"""The metrics that are judged unless the monitor says otherwise."""

METRICS: dict[str, dict[str, Metric]] = {
    task: dict(FIXED[task])
    | {
        family.pattern.format(number): family.make(number)
        for family in FAMILIES[task]
        for number in family.usual
    }
    for task in FIXED
}
"""What is computed for every model of a task, in the order in which people are shown it."""


def metric_of(task: str, name: str, costs: Costs | None = None) -> Metric:
    """The metric of a task by its name.

    Args:
        task: of the model.
        name: a fixed one (`roc_auc`), one of a family (`lift_at_25`), of one class (`recall:cat`), or of an
            installed package.
        costs: what `business_value` is computed with.

    Raises:
        ValueError: the task has no such metric; the message names those that there are.

    >>> metric_of("binary", "roc_auc").span
    (0.0, 1.0)
    >>> metric_of("binary", "lift_at_25").span
    (0.0, 4.0)
    """
    known = METRICS.get(task, {})
    if name in known:
        return known[name]
    if task == "binary" and name == BUSINESS_VALUE:
        return business_value(costs)
    kind, colon, label = name.partition(":")
    if task == "multiclass" and colon and label and kind in PER_CLASS:
        return share(partial(PER_CLASS[kind], name=label))
    for family in FAMILIES.get(task, ()):
        if metric := family.metric(name):
            return metric
    raise ValueError(f"{name} is no metric of a {task} task; there are {', '.join(names(task))}")


def business_value(costs: Costs | None) -> Metric:
    """The mean worth of a prediction.

    Raises:
        ValueError: it is not known what predictions are worth.
    """
    if costs is None:
        raise ValueError(
            f"{BUSINESS_VALUE} needs the monitor's costs, such as "
            "`costs: {true_positive: 5, false_positive: -1, false_negative: -10, true_negative: 0}`"
        )
    worth = costs.of_cells
    return Metric(costs.value, higher_is_better=True, span=(float(worth.min()), float(worth.max())))


def names(task: str) -> Iterator[str]:
    """The names of a task's metrics for a message, families as `lift_at_K`.

    >>> list(names("regression"))[-2:]
    ['median_absolute_error', 'quantile_loss_K']
    """
    members = {f.pattern.format(number) for f in FAMILIES.get(task, ()) for number in f.usual}
    yield from (name for name in METRICS.get(task, {}) if name not in members)
    yield from (family.pattern.format("K") for family in FAMILIES.get(task, ()))
    if task == "multiclass":
        yield from (f"{kind}:CLASS" for kind in PER_CLASS)
    if task == "binary":
        yield f"{BUSINESS_VALUE} (with costs)"


def every_metric(outcomes: Any, costs: Costs | None = None) -> Mapping[str, Estimate]:
    """All metrics of the outcomes' task, and of each class, where there are at most `MOST_CLASSES`.

    Args:
        outcomes: a summary of joined rows.
        costs: what predictions are worth; None leaves `business_value` out.

    Returns:
        (value, standard error) by name, both NaN where the outcomes do not define the metric.

    >>> from profiles import Grid, ResidualGrid
    >>> every_metric(ResidualGrid(Grid(0.0, 1.0)).zero())["mae"]
    (nan, nan)
    """
    task = outcomes.space.kind
    found = {name: metric.compute(outcomes) for name, metric in METRICS[task].items()}
    if costs is not None and task == "binary":
        found[BUSINESS_VALUE] = costs.value(outcomes)
    if task == "multiclass" and len(outcomes.space.classes.values) <= MOST_CLASSES:
        for kind, compute in PER_CLASS.items():
            found |= {f"{kind}:{name}": compute(outcomes, name) for name in outcomes.space.classes.values}
    return found


def add_metric(name: str, metric: Metric) -> None:
    """Make a metric of a package of its own known by its name.

    Raises:
        ValueError: the name is no name or is taken, or the metric does not say of which tasks it is.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a metric; use small letters, digits and _")
    if not metric.tasks or not set(metric.tasks) <= set(METRICS):
        raise ValueError(f"its tasks are {metric.tasks}; name some of {', '.join(METRICS)}")
    for task in metric.tasks:
        if name == BUSINESS_VALUE or name in METRICS[task] or any(f.metric(name) for f in FAMILIES[task]):
            raise ValueError(f"there is a metric {name!r} already; choose another name")
    for task in metric.tasks:
        METRICS[task][name] = metric
