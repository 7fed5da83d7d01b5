"""The metrics by name, and by the task that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from detectors.performance import binary, other


@dataclass(frozen=True)
class Metric:
    """A performance metric.

    Attributes:
        compute: outcomes to (value, standard error).
        higher_is_better: which way is worse.
        span: the values that it can take.
    """

    compute: Callable[[Any], binary.Estimate]
    higher_is_better: bool
    span: tuple[float, float]


SHARE = (0.0, 1.0)
LOSS = (0.0, float("inf"))

METRICS: dict[str, dict[str, Metric]] = {
    "binary": {
        "roc_auc": Metric(binary.roc_auc, higher_is_better=True, span=SHARE),
        "accuracy": Metric(binary.accuracy, higher_is_better=True, span=SHARE),
        "log_loss": Metric(binary.log_loss, higher_is_better=False, span=LOSS),
    },
    "multiclass": {"accuracy": Metric(other.accuracy, higher_is_better=True, span=SHARE)},
    "regression": {
        "mae": Metric(other.mae, higher_is_better=False, span=LOSS),
        "rmse": Metric(other.rmse, higher_is_better=False, span=LOSS),
    },
}


def metric_of(task: str, name: str) -> Metric:
    """The metric of a task by its name.

    Raises:
        ValueError: the task has no such metric; the message names those that there are.

    >>> metric_of("binary", "roc_auc").span
    (0.0, 1.0)
    """
    metric = METRICS.get(task, {}).get(name)
    if metric is None:
        known = ", ".join(METRICS.get(task, {}))
        raise ValueError(f"{name} is no metric of a {task} task; there are {known}")
    return metric
