"""Metrics of ranked lists against scikit-learn's on the lists themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from collector.validation.rankings import relevances
from detectors.performance.metrics import METRICS, metric_of
from detectors.performance_drop import PerformanceDrop
from profiles import RankedLists

law = settings(max_examples=150, deadline=None)
grade = st.sampled_from([0, 0, 0, 1, 2, 3, 0.5, 1e-9, 1e6, 1e300, 5e-324]) | st.floats(0, 100)
lists = st.lists(st.lists(grade, min_size=2, max_size=30), min_size=1, max_size=8)
STEP = 1 / 65535


def held(rows: list[Any]) -> Any:
    labels, faults = relevances(rows)
    assert not faults
    return RankedLists().summarize(labels)


def value(name: str, summary: Any) -> float:
    return metric_of("ranking", name).compute(summary)[0]


def exact(rows: list[list[float]], k: int) -> float:
    """Of relevances that scikit-learn can add up."""
    scaled = [np.array(row, np.float64) / (max(row) or 1.0) for row in rows]
    order = [-np.arange(len(row), dtype=np.float64) for row in rows]
    return float(np.mean([ndcg_score([row], [shown], k=k) for row, shown in zip(scaled, order, strict=True)]))


@law
@given(lists, st.sampled_from([5, 10]))
def test_ndcg_is_within_half_a_step_of_scikit_learns(rows: list[list[float]], k: int) -> None:
    assert value(f"ndcg_at_{k}", held(rows)) == pytest.approx(exact(rows, k), abs=STEP / 2 + 1e-9)


@law
@given(lists, st.integers(1, 30))
def test_the_other_metrics_are_exact(rows: list[list[float]], k: int) -> None:
    summary = held(rows)
    first = [next((place for place, one in enumerate(row, 1) if one > 0), 0) for row in rows]
    assert value("mrr", summary) == pytest.approx(np.mean([1 / place if place else 0.0 for place in first]))
    assert value(f"hit_rate_at_{k}", summary) == pytest.approx(np.mean([0 < place <= k for place in first]))
    hits = [sum(one > 0 for one in row[:10]) / 10 for row in rows]
    assert value("precision_at_10", summary) == pytest.approx(np.mean(hits))


def test_a_perfect_order_is_one_and_no_relevant_item_is_nought() -> None:
    assert value("ndcg_at_10", held([[3, 2, 1, 0, 0]])) == 1.0
    nothing = held([[0, 0, 0]])
    assert {name: value(name, nothing) for name in METRICS["ranking"]} == dict.fromkeys(
        METRICS["ranking"], 0.0
    )


@pytest.mark.parametrize("name", METRICS["ranking"])
def test_errors_are_those_of_a_bootstrap(name: str) -> None:
    rng = np.random.default_rng(1)
    rows = [row.tolist() for row in (rng.random((400, 15)) < 0.12).astype(float)]
    values = [value(name, held([rows[at] for at in rng.integers(0, 400, 400)])) for _ in range(200)]
    _, error = metric_of("ranking", name).compute(held(rows))
    assert error == pytest.approx(np.std(values), rel=0.2)


def test_without_labels_nothing_is_defined() -> None:
    for metric in METRICS["ranking"].values():
        assert np.isnan(metric.compute(RankedLists().zero())).all()


def test_lists_that_are_all_alike_are_no_certainty() -> None:
    _, error = metric_of("ranking", "mrr").compute(held([[1, 0]] * 100))
    assert error == pytest.approx(1 / 300)


def test_a_worse_order_is_a_breach() -> None:
    rng = np.random.default_rng(2)
    good = [
        held((rng.random((300, 10)) < np.linspace(0.4, 0.0, 10)).astype(float).tolist()) for _ in range(20)
    ]
    bad = held((rng.random((300, 10)) < np.linspace(0.0, 0.4, 10)).astype(float).tolist())
    detector = PerformanceDrop(metric="ndcg_at_10")
    judged = [detector.judge(detector.learn(good[:-1]), window, 1e-6) for window in (good[-1], bad)]
    assert judged[0].p_value is not None
    assert judged[1].p_value is not None
    assert judged[0].p_value > 1e-2
    assert judged[1].p_value < 1e-3
