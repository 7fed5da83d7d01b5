"""What two versions can be compared by: any metric of the labels, and of the requests and predictions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.performance.confusion import Costs
from detectors.performance.estimate import UNDEFINED, Estimate, proportion
from detectors.performance.metrics import LOSS, SHARE, metric_of
from profiles import LatencySummary
from profiles.counts import Floats

LEAST_ROWS = 50
LEAST_OF_BIASED = 500  # a value that few rows make too large or too small takes more
BIASED = ("ece", "pr_auc")  # how their names end
LEAST_BEYOND = 5.0  # rows on the smaller side of a quantile
PERCENTILE = re.compile(r"latency_p(\d{1,2}(?:\.\d{1,3})?)")


@dataclass(frozen=True)
class Measure:
    """A figure of a version.

    Attributes:
        name: its name.
        part: of the profile, which it is computed from; `performance` is of labels.
        compute: a summary to (value, standard error).
        rows: how many rows of a summary it rests on.
        better: 1 where higher is better, -1 where lower is, 0 where neither is.
        span: the values that it can take.
        least_rows: fewer of a version say nothing.
        what: what its rows are.
    """

    name: str
    part: str
    compute: Callable[[Any], Estimate]
    rows: Callable[[Any], int]
    better: int
    span: tuple[float, float]
    least_rows: int = LEAST_ROWS
    what: str = "labels"

    @property
    def bounded(self) -> bool:
        """Whether its values have limits; where they have not, a margin is a share of the value."""
        return bool(np.isfinite(self.span).all())

    @property
    def of_labels(self) -> bool:
        """Whether it needs labels."""
        return self.part == "performance"


def measure_of(task: str, name: str, costs: Costs | None = None) -> Measure:
    """A measure by its name: of requests, of predictions, or a metric of the task.

    Args:
        task: the model's.
        name: the measure's.
        costs: what `business_value` is computed with.

    Raises:
        ValueError: there is none of this name; the message names some that there are.

    >>> measure_of("binary", "latency_p99").least_rows
    500
    """
    found = _of_requests(name) or (POSITIVE_RATE if (task, name) == ("binary", "positive_rate") else None)
    if found is not None:
        return found
    try:
        metric = metric_of(task, name, costs)
    except ValueError as error:
        raise ValueError(f"{error}, and error_rate, latency_mean, latency_p99, positive_rate") from None
    better = 0 if metric.target is not None else 1 if metric.higher_is_better else -1
    least = LEAST_OF_BIASED if name.endswith(BIASED) else LEAST_ROWS
    return Measure(name, "performance", metric.compute, _labels, better, metric.span, least)


def _labels(outcomes: Any) -> int:
    return int(outcomes.count)


def _of_requests(name: str) -> Measure | None:
    if name == "error_rate":
        return ERROR_RATE
    if name == "latency_mean":
        return LATENCY_MEAN
    match = PERCENTILE.fullmatch(name)
    level = float(match[1]) / 100 if match else 0.0
    if not level:
        return None
    least = max(LEAST_ROWS, round(LEAST_BEYOND / min(level, 1 - level)))
    return Measure(name, "latency", lambda held: _quantile(held, level), _timed, -1, LOSS, least, "latencies")


def _errors(requests: LatencySummary) -> Estimate:
    return proportion(requests.errors, requests.requests)


def _timed(requests: LatencySummary) -> int:
    return requests.counts.total


def _mean(requests: LatencySummary) -> Estimate:
    """The mean latency in milliseconds, of the middles of the bins: within 0.4 %."""
    counts, space = requests.counts, requests.space
    if not counts.total:
        return UNDEFINED
    middles = (space.lower(counts.keys) + space.upper(counts.keys)) / 2
    mean = float(np.average(middles, weights=counts.values))
    variance = float(np.average(np.square(middles - mean), weights=counts.values))
    return mean, float(np.sqrt(max(variance, (mean / 256) ** 2) / counts.total))


def _quantile(requests: LatencySummary, level: float) -> Estimate:
    """A latency quantile in milliseconds; its error from the ranks one standard error to either side."""
    rows = requests.counts.total
    if not rows:
        return UNDEFINED
    step = float(np.sqrt(level * (1 - level) / rows))
    below, value, above = _between(requests, np.clip([level - step, level, level + step], 0, 1)).tolist()
    return value, max((above - below) / 2, value / 256 / float(np.sqrt(rows)))


def _between(requests: LatencySummary, levels: Floats) -> Floats:
    """Quantiles, even within their bins: a middle would jump by 0.8 % where a version is faster by a hair."""
    counts, space = requests.counts, requests.space
    edges = np.append(space.lower(counts.keys), space.upper(counts.keys))
    ranks = np.cumsum(counts.values)
    order = np.argsort(edges, kind="stable")
    known = np.append(ranks - counts.values, ranks)[order]
    found: Floats = np.interp(levels * counts.total, known, edges[order])
    return found


def _positive(predictions: Any) -> Estimate:
    return proportion(int(predictions.counts.at(np.array([1]))[0]), predictions.count)


ERROR_RATE = Measure(
    "error_rate", "latency", _errors, lambda held: int(held.requests), -1, SHARE, what="requests"
)
LATENCY_MEAN = Measure("latency_mean", "latency", _mean, _timed, -1, LOSS, what="latencies")
POSITIVE_RATE = Measure(
    "positive_rate",
    "prediction",
    _positive,
    lambda held: int(held.count),
    0,
    span=SHARE,
    what="predictions",
)
