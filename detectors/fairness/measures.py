"""What is compared between groups: rates of each group, from its counts.

Hardt, Price and Srebro, "Equality of opportunity in supervised learning", NeurIPS 2016; the gaps are those of
fairlearn 0.10 (`demographic_parity_difference`, `equalized_odds_difference` with its worst case).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.performance.confusion import Costs
from detectors.performance.estimate import proportion
from detectors.performance.metrics import metric_of
from profiles import BinaryOutcomes, CategoricalSummary, NumericSummary
from profiles.counts import Floats

FEWEST_OF_RATE = 10  # rows of a rate's own: of fewer it has no normal distribution
PARITY, OPPORTUNITY, ODDS = MEASURES = ("demographic_parity", "equal_opportunity", "equalized_odds")
TASKS = {PARITY: ("binary", "multiclass", "regression"), OPPORTUNITY: ("binary",), ODDS: ("binary",)}
DEFAULTS = {
    "binary": (PARITY, OPPORTUNITY),
    "multiclass": (PARITY, "accuracy"),
    "regression": (PARITY, "mae"),
    "ranking": ("ndcg_at_10",),
}


@dataclass(frozen=True, eq=False)
class Rates:
    """The rates of one group.

    Attributes:
        names: of the rates, for people.
        values: NaN where the counts do not define a rate, shape (rates,).
        errors: their standard errors, shape (rates,).
        rows: of the group: predictions, or labels.
    """

    names: tuple[str, ...]
    values: Floats
    errors: Floats
    rows: int


@dataclass(frozen=True)
class Measure:
    """One kind of gap.

    Attributes:
        name: as in monitor files.
        part: the part of a profile that it reads.
        rates: that part of a group's profile to its rates.
        shares: whether rates are shares of rows, which people read in per cent.
        most: the largest gap that can be.
    """

    name: str
    part: str
    rates: Callable[[Any], Rates]
    shares: bool = False
    most: float = 1.0

    @property
    def signal(self) -> str:
        """Its dotted name."""
        return f"fairness.{self.name}"

    @property
    def of_labels(self) -> bool:
        """Whether it is known when labels have come, and not before."""
        return self.part == "performance"


def measure_of(task: str, name: str, costs: Costs | None = None) -> Measure:
    """The measure of a task by its name: one of `MEASURES`, or a metric.

    Args:
        task: of the model.
        name: of the measure.
        costs: what `business_value` is computed with.

    Raises:
        ValueError: the task has no such measure.

    >>> measure_of("binary", "equal_opportunity").signal
    'fairness.equal_opportunity'
    """
    if name in MEASURES and task not in TASKS[name]:
        raise ValueError(
            f"{name} is of {', '.join(TASKS[name])} tasks; for a {task} task name one of its metrics, "
            f"such as {DEFAULTS[task][-1]}"
        )
    if name == PARITY:
        shares = task != "regression"
        return Measure(name, "prediction", _predictions, shares, 1.0 if shares else np.inf)
    if name in MEASURES:
        return Measure(name, "performance", _opportunity if name == OPPORTUNITY else _odds, shares=True)
    metric = metric_of(task, name, costs)

    def rates(outcomes: Any) -> Rates:
        return _rates([(name, metric.compute(outcomes))], outcomes.count)

    low, high = metric.span
    return Measure(name, "performance", rates, most=high - low)


def _rates(named: list[tuple[str, tuple[float, float]]], rows: int) -> Rates:
    values, errors = np.array([estimate for _, estimate in named], np.float64).reshape(-1, 2).T
    return Rates(tuple(name for name, _ in named), values, errors, rows)


def _predictions(summary: CategoricalSummary | NumericSummary) -> Rates:
    """The share of every class (of two: of the positive), or the mean."""
    rows = summary.count
    if isinstance(summary, NumericSummary):
        variance = summary.squares / max(rows, 1) - (summary.total / max(rows, 1)) ** 2
        error = float(np.sqrt(max(variance, 0.0) / max(rows, 1)))
        return _rates([("mean prediction", (summary.mean(), error))], rows)
    classes = summary.space.values
    if classes == ("0", "1"):
        selected = int(summary.counts.at(np.array([1]))[0])
        return _rates([("selection rate", proportion(selected, rows))], rows)
    counted = summary.counts.at(np.arange(len(classes))).tolist()
    named = [
        (f"share of {name}", proportion(count, rows)) for name, count in zip(classes, counted, strict=True)
    ]
    return _rates(named, rows)


def _of_class(outcomes: BinaryOutcomes, label: int) -> tuple[float, float]:
    """The share of the rows of a label that are predicted positive."""
    negative, positive = (int(cell) for cell in outcomes.confusion[[label, 2 + label]])
    rows = negative + positive
    return proportion(positive, rows) if rows >= FEWEST_OF_RATE else (np.nan, np.nan)


def _opportunity(outcomes: BinaryOutcomes) -> Rates:
    return _rates([("true-positive rate", _of_class(outcomes, 1))], outcomes.count)


def _odds(outcomes: BinaryOutcomes) -> Rates:
    named = [("true-positive rate", _of_class(outcomes, 1)), ("false-positive rate", _of_class(outcomes, 0))]
    return _rates(named, outcomes.count)
