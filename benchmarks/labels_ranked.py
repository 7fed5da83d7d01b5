"""Metrics of class probabilities and of ranked lists beside scikit-learn's, and how far off they may be."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn import metrics

from benchmarks.labels_metrics import EXACT, NEAR, Row, bounds, calibration_error
from collector.validation.probabilities import ranked
from collector.validation.rankings import quality
from detectors.performance.metrics import every_metric
from profiles import (
    BinaryOutcomes,
    ClassOutcomes,
    ClassScores,
    Counts,
    Outcomes,
    Probabilities,
    RankedLists,
    Vocabulary,
)

ROWS, QUICK_ROWS = 50_000, 5_000
NAMES = Vocabulary(tuple("abcdefgh"))
SHOWN = 20  # items of a list
WORLDS = ("plain", "sharp", "tied", "extreme")
Rng = np.random.Generator


def probabilities(rng: Rng, rows: int, world: str) -> tuple[Any, Any]:
    """Probabilities of the classes, shape (rows, classes), and labels."""
    labels = rng.integers(0, len(NAMES.values), rows)
    own = np.arange(len(NAMES.values)) == labels[:, None]
    odds = np.exp(rng.normal(0, 1, own.shape) + {"sharp": 12}.get(world, 1.5) * own)
    shares = odds / odds.sum(axis=1, keepdims=True)
    if world == "tied":
        shares = np.maximum((shares * 10).round(), 1.0)
        shares /= shares.sum(axis=1, keepdims=True)
    if world == "extreme":
        sure = rng.random(rows) < 1 / 5
        shares[sure] = np.eye(own.shape[1])[shares[sure].argmax(axis=1)]
    return shares, labels


def counted(shares: Any, labels: Any) -> Any:
    """The outcomes of these rows."""
    scores = dict(zip(NAMES.values, shares.T, strict=True))
    likeliest = np.column_stack([place.codes for place in ranked(scores, 10)])
    space = ClassScores(NAMES)
    held = Probabilities(space.codes, space.bins(scores, len(labels)), likeliest)
    return ClassOutcomes(NAMES).summarize(shares.argmax(axis=1), labels, held)


def classes(rng: Rng, rows: int) -> list[Row]:
    """The metrics of probabilities, the largest difference over the worlds."""
    found = {name: Row("multiclass", name) for name in ("top_3_accuracy", "log_loss", "roc_auc", "ece")}
    for world in WORLDS:
        shares, labels = probabilities(rng, rows, world)
        held = counted(shares, labels)
        ours = every_metric(held)
        own, sure = shares[np.arange(rows), labels], shares.max(axis=1)
        near = np.minimum(own, 1 - own)
        exact = {
            "top_3_accuracy": metrics.top_k_accuracy_score(labels, shares, k=3),
            "log_loss": metrics.log_loss(labels, shares),
            "roc_auc": metrics.roc_auc_score(labels, shares, multi_class="ovr"),
            "ece": calibration_error(sure, (shares.argmax(axis=1) == labels).astype(float)),
        }
        of_class = [_bounds(*held.scores_of_class(code)) for code in range(len(NAMES.values))]
        allowed = {
            "top_3_accuracy": EXACT,
            "log_loss": 0.004 + 2 * np.log(2) * ((near > NEAR / 4) & (near < NEAR)).mean(),
            "roc_auc": np.mean([one["roc_auc"] for one in of_class]) + EXACT,
            "ece": _bounds(*held.by_confidence())["ece"],
        }
        for name, row in found.items():
            row.add(float(abs(ours[name][0] - exact[name])), float(allowed[name]))
    return list(found.values())


def _bounds(bins: Any, positives: Any, negatives: Any) -> dict[str, float]:
    right, wrong = (Counts(bins[rows > 0], rows[rows > 0]) for rows in (positives, negatives))
    with np.errstate(invalid="ignore"):  # without a wrong one there is no area
        return bounds(BinaryOutcomes(Outcomes(), right, wrong, np.zeros(4, np.int64)), 0.0)


def lists(rng: Rng, rows: int) -> list[Row]:
    """The metrics of ranked lists, the largest difference over binary and graded relevances."""
    found: dict[str, Row] = {}
    for graded in (False, True):
        relevances = (rng.random((rows, SHOWN)) < 1 / 8) * (
            rng.integers(1, 4, (rows, SHOWN)) if graded else 1.0
        )
        held = RankedLists().summarize(quality(relevances.ravel().astype(np.float64), np.full(rows, SHOWN)))
        order = np.tile(-np.arange(SHOWN, dtype=np.float64), (rows, 1))
        first = np.where(relevances.any(axis=1), (relevances > 0).argmax(axis=1) + 1, np.inf)
        exact = {
            "ndcg_at_5": metrics.ndcg_score(relevances, order, k=5),
            "ndcg_at_10": metrics.ndcg_score(relevances, order, k=10),
            "mrr": float((1 / first).mean()),
            "hit_rate_at_10": float((first <= 10).mean()),  # noqa: PLR2004 - as its name says
            "precision_at_10": float((relevances[:, :10] > 0).mean()),
        }
        ours = every_metric(held)
        for name, value in exact.items():
            row = found.setdefault(name, Row("ranking", name))
            row.add(
                float(abs(ours[name][0] - value)), 1 / 131_070 + EXACT if name.startswith("ndcg") else EXACT
            )
    return list(found.values())


def measured(*, quick: bool) -> list[dict[str, Any]]:
    """Every metric that scikit-learn has, or that follows from its definition."""
    rng, rows = np.random.default_rng(1), QUICK_ROWS if quick else ROWS
    return [asdict(row) for row in (*classes(rng, rows), *lists(rng, rows))]
