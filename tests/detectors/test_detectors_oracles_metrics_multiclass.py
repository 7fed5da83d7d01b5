"""Multi-class metrics of the confusion counts equal scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics

from detectors.performance.metrics import every_metric, metric_of
from tests.detectors import joined

law = settings(max_examples=100, deadline=None)
Rows = list[tuple[int, int]]


def averaged(score: Callable[..., float], average: str) -> Callable[[Any, Any], float]:
    return lambda labels, predictions: score(labels, predictions, average=average, zero_division=0)


ORACLES: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": metrics.accuracy_score,
    "macro_precision": averaged(metrics.precision_score, "macro"),
    "macro_recall": averaged(metrics.recall_score, "macro"),
    "macro_f1": averaged(metrics.f1_score, "macro"),
    "weighted_f1": averaged(metrics.f1_score, "weighted"),
    "micro_precision": averaged(metrics.precision_score, "micro"),
    "micro_recall": averaged(metrics.recall_score, "micro"),
    "micro_f1": averaged(metrics.f1_score, "micro"),
}


@pytest.mark.parametrize("name", ORACLES)
@law
@given(joined.classified)
def test_averages_are_exact(name: str, rows: Rows) -> None:
    found, error = metric_of("multiclass", name).compute(joined.multiclass(rows))
    if not rows:
        assert np.isnan([found, error]).all()
        return
    predictions, labels = joined.columns(rows, 2)
    assert found == pytest.approx(ORACLES[name](labels, predictions), abs=1e-12)
    assert 0 < error < 1


@law
@given(joined.classified.filter(bool))
def test_balanced_accuracy_is_of_the_classes_that_labels_are_of(rows: Rows) -> None:
    predictions, labels = joined.columns(rows, 2)
    recalls = metrics.recall_score(labels, predictions, labels=sorted({*labels}), average=None)
    found, error = metric_of("multiclass", "balanced_accuracy").compute(joined.multiclass(rows))
    assert found == pytest.approx(recalls.mean(), abs=1e-12)
    assert error > 0


@settings(max_examples=50, deadline=None)
@given(joined.classified)
def test_metrics_of_one_class_are_exact_where_they_are_defined(rows: Rows) -> None:
    predictions, labels = joined.columns(rows, 2)
    found = every_metric(joined.multiclass(rows))
    for code, name in enumerate(joined.CLASSES.values):
        actual, predicted = labels == code, predictions == code
        for kind, score, defined in (
            ("precision", metrics.precision_score, predicted.any()),
            ("recall", metrics.recall_score, actual.any()),
            ("f1", metrics.f1_score, actual.any() or predicted.any()),
        ):
            value, error = found[f"{kind}:{name}"]
            assert (value, error) == pytest.approx(
                metric_of("multiclass", f"{kind}:{name}").compute(joined.multiclass(rows)), nan_ok=True
            )
            if defined:
                assert value == pytest.approx(score(actual, predicted), abs=1e-12)
                assert error > 0
            else:
                assert np.isnan([value, error]).all()


def test_a_class_that_the_reference_does_not_know_is_told_as_undefined() -> None:
    held = joined.multiclass([(0, 0), (1, 1)])
    assert np.isnan(metric_of("multiclass", "recall:zebra").compute(held)).all()


def test_a_class_may_be_called_anything() -> None:
    assert metric_of("multiclass", "recall:a:b c").span == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"specificity:cat is no metric .* recall:CLASS"):
        metric_of("multiclass", "specificity:cat")
