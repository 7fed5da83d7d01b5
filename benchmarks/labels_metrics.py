"""Metrics from counts beside scikit-learn's from rows: how far off they are, and how far they may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn import metrics

from detectors.performance.metrics import every_metric
from detectors.performance.scores import BINS, by_score
from profiles import ClassOutcomes, Grid, Outcomes, ResidualGrid, Vocabulary

ROWS, QUICK_ROWS = 200_000, 20_000
Rng = np.random.Generator
Oracle = Callable[[Any, Any, Any], float]
EXACT = 1e-9  # of the value: the rounding of sums
EXTREME, CHANCE = 0.2, 0.3  # the shares of scores of 0 and 1, and of classes by chance
NEAR = 2.0**-50  # see `detectors.performance.scores.log_loss`
CLASSES = Vocabulary(tuple("abcdef"))


def binary(rng: Rng, rows: int, world: str) -> tuple[Any, Any, Any]:
    """Scores, predictions and labels."""
    labels = (rng.random(rows) < {"rare": 0.01}.get(world, 0.3)).astype(np.float64)
    scores = 1 / (1 + np.exp(-rng.normal({"sharp": 8}.get(world, 1.5) * (labels - 0.5), 1.0)))
    if world == "tied":
        scores = scores.round(2)
    if world == "extreme":
        scores = np.where(rng.random(rows) < EXTREME, scores.round(), scores)
    return scores, scores >= 0.5, labels  # noqa: PLR2004 - the middle of a probability


def calibration_error(scores: Any, labels: Any) -> float:
    """The expected calibration error, as most libraries have it."""
    tenth = np.minimum((scores * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(tenth, scores - labels, BINS)).sum() / scores.size)


def lift(scores: Any, labels: Any, share: float) -> float:
    """Of the highest scores; ties in the order of the rows."""
    top = np.argsort(-scores, kind="stable")[: round(scores.size * share)]
    return float(labels[top].mean() / labels.mean())


BINARY: dict[str, Oracle] = {
    "accuracy": lambda _, said, true: metrics.accuracy_score(true, said),
    "precision": lambda _, said, true: metrics.precision_score(true, said),
    "recall": lambda _, said, true: metrics.recall_score(true, said),
    "specificity": lambda _, said, true: metrics.recall_score(true, said, pos_label=0),
    "f1": lambda _, said, true: metrics.f1_score(true, said),
    "balanced_accuracy": lambda _, said, true: metrics.balanced_accuracy_score(true, said),
    "mcc": lambda _, said, true: metrics.matthews_corrcoef(true, said),
    "roc_auc": lambda scores, _, true: metrics.roc_auc_score(true, scores),
    "pr_auc": lambda scores, _, true: metrics.average_precision_score(true, scores),
    "log_loss": lambda scores, _, true: metrics.log_loss(true, scores),
    "brier": lambda scores, _, true: metrics.brier_score_loss(true, scores),
    "ece": lambda scores, _, true: calibration_error(scores, true),
    "lift_at_10": lambda scores, _, true: lift(scores, true, 0.1),
}
MULTICLASS: dict[str, Oracle] = {
    "accuracy": lambda _, said, true: metrics.accuracy_score(true, said),
    "macro_f1": lambda _, said, true: metrics.f1_score(true, said, average="macro"),
    "macro_precision": lambda _, said, true: metrics.precision_score(true, said, average="macro"),
    "macro_recall": lambda _, said, true: metrics.recall_score(true, said, average="macro"),
    "weighted_f1": lambda _, said, true: metrics.f1_score(true, said, average="weighted"),
}
REGRESSION: dict[str, Oracle] = {
    "mae": lambda _, said, true: metrics.mean_absolute_error(true, said),
    "rmse": lambda _, said, true: metrics.root_mean_squared_error(true, said),
    "mape": lambda _, said, true: metrics.mean_absolute_percentage_error(true, said),
    "r2": lambda _, said, true: metrics.r2_score(true, said),
    "bias": lambda _, said, true: float((said - true).mean()),
    "median_absolute_error": lambda _, said, true: metrics.median_absolute_error(true, said),
    "quantile_loss_90": lambda _, said, true: metrics.mean_pinball_loss(true, said, alpha=0.9),
}


def bounds(outcomes: Any, near: float) -> dict[str, float]:
    """How far off a binary metric of these scores may be, as its docstring says."""
    middle, positives, negatives = (column[::-1] for column in by_score(outcomes))
    p, n = positives.sum(), negatives.sum()
    hits, misses = np.cumsum(positives) - positives, np.cumsum(negatives) - negatives
    best = (hits + positives) / np.maximum(hits + positives + misses, 1)
    worst = (hits + 1) / (hits + 1 + misses + negatives)
    keys = outcomes.space.scores.index(middle.copy())
    limits = np.arange(1, BINS)[:, None] / BINS
    ends = outcomes.space.scores.lower(keys), outcomes.space.scores.upper(keys)
    shared = ((ends[0] <= limits) & (limits <= ends[1])).any(axis=0)
    rows = positives + negatives
    edge = np.searchsorted(np.cumsum(rows), rows.sum() / 10)
    return {
        "roc_auc": float((positives * negatives).sum() / (p * n) / 2),
        "pr_auc": float((positives * np.maximum(best - worst, 0)).sum() / p),
        "log_loss": 0.004 + 2 * np.log(2) * near,
        "brier": 0.002,
        "ece": 0.002 + 2 * float(rows[shared].sum() / rows.sum()),
        "lift_at_10": float(min(positives[edge], rows.sum() / 10) / p * 10),
    }


def cases(rng: Rng, rows: int) -> Iterator[tuple[str, dict[str, Oracle], tuple[Any, Any, Any], Any]]:
    """Task, oracles, rows and outcomes of each world."""
    for world in ("plain", "sharp", "rare", "tied", "extreme"):
        scores, said, true = binary(rng, rows, world)
        yield "binary", BINARY, (scores, said, true), Outcomes().summarize(scores, said, true)
    true = rng.choice(6, rows, p=np.array([0.5, 0.2, 0.15, 0.1, 0.04, 0.01]))
    said = np.where(rng.random(rows) < CHANCE, rng.integers(0, 6, rows), true)
    yield "multiclass", MULTICLASS, (None, said, true), ClassOutcomes(CLASSES).summarize(said, true)
    for center in (0.0, 1e9):
        true = center + rng.normal(10, 3, rows)
        said = true + rng.standard_t(5, rows)
        space = ResidualGrid(Grid.fit(said - true), float(np.median(true)))
        yield "regression", REGRESSION, (None, said, true), space.summarize(said, true)


@dataclass
class Row:
    """A metric's largest difference over the worlds, and the bound there."""

    task: str
    metric: str
    off: float = 0.0
    bound: float = 0.0
    within: bool = True

    def add(self, off: float, bound: float) -> None:
        """Take in another world."""
        self.within = bool(self.within and off <= bound)
        if off >= self.off:
            self.off, self.bound = off, bound


def measured(*, quick: bool) -> list[dict[str, Any]]:
    """Every metric that scikit-learn has, over all worlds."""
    found: dict[tuple[str, str], Row] = {}
    rng = np.random.default_rng(0)
    for task, oracles, (scores, said, true), outcomes in cases(rng, QUICK_ROWS if quick else ROWS):
        ours = every_metric(outcomes)
        allowed = {"r2": 1e-6}
        if task == "binary":
            near = np.minimum(scores, 1 - scores)
            allowed = bounds(outcomes, float(((near > NEAR / 4) & (near < NEAR)).mean()))
        if task == "regression":
            grid = outcomes.space.grid
            allowed["median_absolute_error"] = (grid.scale + abs(grid.center) + ours["mae"][0]) / 128
        for name, oracle in oracles.items():
            exact = oracle(scores, said, true)
            row = found.setdefault((task, name), Row(task, name))
            row.add(float(abs(ours[name][0] - exact)), allowed.get(name, EXACT * max(1.0, abs(exact))))
    return [asdict(row) for row in found.values()]


def report(rows: list[dict[str, Any]]) -> None:
    """Print a table."""
    print("metrics from counts beside scikit-learn's from rows, the largest difference over the worlds")
    for row in rows:
        mark = "" if row["within"] else "  BEYOND ITS BOUND"
        print(f"  {row['task']:10} {row['metric']:22} off {row['off']:.1e}, bound {row['bound']:.1e}{mark}")
