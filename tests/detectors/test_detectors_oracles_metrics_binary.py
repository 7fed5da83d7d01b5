"""Binary metrics from counts against scikit-learn's from rows, within the bounds that docstrings state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics

from detectors.performance.confusion import Costs
from detectors.performance.metrics import METRICS, metric_of
from detectors.performance.scores import BINS
from profiles import ScoreGrid
from tests.detectors import joined

law = settings(max_examples=150, deadline=None)
GRID = ScoreGrid()
Rows = list[tuple[float, float, float]]


def value(name: str, rows: Any) -> float:
    return metric_of("binary", name).compute(joined.binary(rows))[0]


def specificity_score(labels: Any, predictions: Any) -> float:
    return float(metrics.recall_score(labels, predictions, pos_label=0))


CONFUSION: dict[str, tuple[Callable[[Any, Any], float], Callable[[Any, Any], bool]]] = {
    # what scikit-learn computes of labels and predictions, and when it says that this is defined
    "accuracy": (metrics.accuracy_score, lambda labels, _: labels.size > 0),
    "precision": (metrics.precision_score, lambda _, predictions: bool(predictions.any())),
    "recall": (metrics.recall_score, lambda labels, _: bool(labels.any())),
    "specificity": (specificity_score, lambda labels, _: bool((labels == 0).any())),
    "f1": (metrics.f1_score, lambda labels, predictions: bool(labels.any() or predictions.any())),
    "mcc": (
        metrics.matthews_corrcoef,
        lambda labels, predictions: len({*labels}) == 2 == len({*predictions}),
    ),
}


@pytest.mark.parametrize("name", CONFUSION)
@law
@given(joined.scored)
def test_metrics_of_the_confusion_are_exact_where_they_are_defined(name: str, rows: Rows) -> None:
    _, predictions, labels = joined.columns(rows, 3)
    oracle, defined = CONFUSION[name]
    found = value(name, rows)
    if defined(labels, predictions):
        assert found == pytest.approx(oracle(labels, predictions), abs=1e-12)
    else:
        assert np.isnan(found)


@law
@given(joined.scored.filter(bool))
def test_balanced_accuracy_is_of_the_classes_that_occur(rows: Rows) -> None:
    _, predictions, labels = joined.columns(rows, 3)
    classes = sorted({*labels})
    recalls = metrics.recall_score(labels, predictions, labels=classes, average=None)
    assert value("balanced_accuracy", rows) == pytest.approx(np.mean(recalls), abs=1e-12)


@law
@given(joined.scored)
def test_average_precision_is_off_by_what_order_within_bins_can_change(rows: Rows) -> None:
    scores, _, labels = joined.columns(rows, 3)
    found = value("pr_auc", rows)
    if not labels.any():
        assert np.isnan(found)
        return
    slack = 0.0
    for key in np.unique(keys := GRID.index(scores)):
        inside, above = keys == key, keys > key
        p, n = labels[inside].sum(), (1 - labels[inside]).sum()
        if np.unique(scores[inside]).size > 1 and p:
            hits, misses = labels[above].sum(), (1 - labels[above]).sum()
            best, worst = (hits + p) / (hits + p + misses), (hits + 1) / (hits + 1 + misses + n)
            slack += p / labels.sum() * (best - worst)
    assert abs(found - metrics.average_precision_score(labels, scores)) <= slack + 1e-12


@law
@given(joined.scored)
def test_brier_is_within_two_per_mille(rows: Rows) -> None:
    scores, _, labels = joined.columns(rows, 3)
    found = value("brier", rows)
    if not rows:
        assert np.isnan(found)
        return
    assert abs(found - metrics.brier_score_loss(labels, scores, pos_label=1)) <= 0.002


def exact_ece(scores: Any, labels: Any) -> float:
    tenth = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [abs((scores - labels)[tenth == one].sum()) for one in range(BINS)]
    return float(sum(gaps) / scores.size)


@law
@given(joined.scored.filter(bool))
def test_calibration_error_is_within_its_bound(rows: Rows) -> None:
    scores, _, labels = joined.columns(rows, 3)
    keys = GRID.index(scores)
    limits = np.arange(1, BINS)[:, None] / BINS
    split = (GRID.lower(keys) < limits) & (limits < GRID.upper(keys))
    shared = (split | np.isclose(scores, limits, rtol=0, atol=1e-12)).any(axis=0).mean()
    assert abs(value("ece", rows) - exact_ece(scores, labels)) <= 0.002 + 2 * shared + 1e-12


@law
@given(joined.scored.filter(lambda rows: any(label for _, _, label in rows)))
def test_lift_is_between_the_best_and_the_worst_order_of_the_rows_at_the_limit(rows: Rows) -> None:
    scores, _, labels = joined.columns(rows, 3)
    keys, total = GRID.index(scores), labels.sum()
    for percent in (1, 10, 50, 100):
        limit = percent / 100 * len(rows)
        bounds = []
        for sign in (1, -1):
            order = np.lexsort((sign * labels, -keys))
            steps = np.concatenate([[0.0], np.cumsum(labels[order])])
            bounds.append(np.interp(limit, np.arange(len(rows) + 1), steps) / total / (percent / 100))
        assert bounds[0] - 1e-9 <= value(f"lift_at_{percent}", rows) <= bounds[1] + 1e-9


def test_lift_shares_ties_proportionally() -> None:
    rows = [(0.9, 1.0, label) for label in (1.0, 0.0, 0.0, 1.0)] + [(0.1, 0.0, 0.0)] * 6
    assert value("lift_at_20", rows) == pytest.approx(
        0.5 / 0.2
    )  # half of four ties, with half of all positives
    assert value("lift_at_100", rows) == pytest.approx(1.0)


@law
@given(joined.scored.filter(bool))
def test_business_value_is_the_mean_of_the_costs(rows: Rows) -> None:
    costs = Costs(true_positive=5, false_positive=-1, false_negative=-10, true_negative=0.25)
    worth = {(1, 1): 5, (1, 0): -1, (0, 1): -10, (0, 0): 0.25}
    metric = metric_of("binary", "business_value", costs)
    found, error = metric.compute(joined.binary(rows))
    assert found == pytest.approx(np.mean([worth[p, y] for _, p, y in rows]))  # type: ignore[index]  # 1.0 is 1
    assert metric.span == (-10.0, 5.0)
    assert error > 0


@pytest.mark.parametrize("separation", [0.0, 1.0, 4.0])
def test_of_many_rows_scores_on_the_grid_lose_next_to_nothing(separation: float) -> None:
    rows = joined.sampled_binary(np.random.default_rng(1), 20_000, separation)
    scores, _, labels = joined.columns(rows, 3)
    assert value("pr_auc", rows) == pytest.approx(metrics.average_precision_score(labels, scores), abs=1e-3)
    assert value("brier", rows) == pytest.approx(metrics.brier_score_loss(labels, scores), abs=5e-5)
    assert value("ece", rows) == pytest.approx(exact_ece(scores, labels), abs=1e-3)
    exact = labels[np.argsort(-scores)][:2000].mean() / labels.mean()
    assert value("lift_at_10", rows) == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("name", [*METRICS["binary"], "lift_at_1", "lift_at_100"])
@law
@given(rows=joined.scored)
def test_a_value_is_within_its_span_and_has_an_error_or_neither_is_defined(name: str, rows: Rows) -> None:
    metric = metric_of("binary", name)
    found, error = metric.compute(joined.binary(rows))
    if np.isnan(found):
        assert np.isnan(error)
        return
    assert metric.span[0] - 1e-9 <= found <= metric.span[1] * (1 + 1e-9)
    assert 0 < error < np.inf
