"""Metrics by name: fixed ones, families, classes and costs; and the same from rows counted in any parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from detectors.performance.confusion import Costs
from detectors.performance.metrics import (
    BUSINESS_VALUE,
    DEFAULTS,
    METRICS,
    MOST_CLASSES,
    Metric,
    add_metric,
    every_metric,
    metric_of,
)
from detectors.performance_drop import PerformanceDrop
from profiles import ClassOutcomes, Vocabulary
from tests.detectors import joined

law = settings(max_examples=100, deadline=None)
COSTS = Costs(true_positive=5, false_positive=-1, false_negative=-10)
TASKS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "binary": (joined.scored, joined.binary),
    "multiclass": (joined.classified, joined.multiclass),
    "regression": (joined.measured, joined.regression),
}


@pytest.mark.parametrize("task", TASKS)
@law
@given(data=st.data())
def test_metrics_are_the_same_however_rows_are_split_and_merged(task: str, data: st.DataObject) -> None:
    drawn, count = TASKS[task]
    rows = data.draw(drawn)
    order = data.draw(st.permutations(range(len(rows))))
    edges = [0, *sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=5))), len(rows)]
    parts = [count([rows[place] for place in order[low:high]]) for low, high in itertools.pairwise(edges)]
    merged = reduce(add, data.draw(st.permutations(parts)))
    whole = every_metric(count(rows), COSTS)
    for name, (value, error) in every_metric(merged, COSTS).items():
        if task == "regression":  # sums of numbers are rounded in another order
            known = name != "r2" or varied(rows)
            assert not known or value == pytest.approx(whole[name][0], rel=1e-7, abs=1e-6, nan_ok=True)
        else:
            assert np.array_equal([value, error], whole[name], equal_nan=True)


def varied(rows: Any) -> bool:
    """Whether the labels vary enough for their variance to be known to many digits."""
    labels = np.array([label for _, label in rows])
    return len(rows) > 1 and bool(labels.std() > 1e-2 * np.abs(labels).max())


@pytest.mark.parametrize("task", TASKS)
def test_every_listed_metric_is_found_by_its_name_and_computed(task: str) -> None:
    assert [*METRICS[task]][: len(DEFAULTS[task])] == [*DEFAULTS[task]]
    held = TASKS[task][1]([])
    found = every_metric(held)
    assert {*METRICS[task]} <= {*found}
    for name in found:
        assert PerformanceDrop(metric=name).applies_to(task)
        assert metric_of(task, name).span[0] < metric_of(task, name).span[1]


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("binary", "mae"),
        ("binary", "lift_at_0"),
        ("binary", "lift_at_101"),
        ("binary", "lift_at_010"),
        ("binary", "lift_at_"),
        ("binary", "recall:1"),
        ("regression", "quantile_loss_100"),
        ("multiclass", "recall:"),
        ("multiclass", "roc_auc:"),
        ("ranking", "ndcg"),
    ],
)
def test_an_unknown_name_is_told_with_those_that_there_are(task: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is no metric of a {task} task; there are") as told:
        metric_of(task, name)
    assert all(known in str(told.value) for known in DEFAULTS.get(task, ()))


def test_a_detector_of_no_metric_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValidationError, match=r"'acuracy' is no metric; .*accuracy.*lift_at_K.*recall:CLASS"):
        PerformanceDrop(metric="acuracy")


def test_business_value_needs_costs() -> None:
    with pytest.raises(ValueError, match="business_value needs the monitor's costs"):
        metric_of("binary", BUSINESS_VALUE)
    assert not PerformanceDrop(metric=BUSINESS_VALUE).applies_to("binary")
    assert PerformanceDrop(metric=BUSINESS_VALUE, costs=COSTS).applies_to("binary")
    assert BUSINESS_VALUE in every_metric(joined.binary([]), COSTS)
    with pytest.raises(ValidationError, match="finite"):
        Costs(true_positive=float("inf"))


def test_of_many_classes_none_is_computed_alone() -> None:
    few, many = (ClassOutcomes(Vocabulary(tuple(map(str, range(size))))) for size in (MOST_CLASSES, 21))
    assert "recall:3" in every_metric(few.zero())
    assert "recall:3" not in every_metric(many.zero())


def bias_of(*errors: float) -> Any:
    return joined.regression([(error + noise, 0.0) for error in errors for noise in (-1.0, 1.0)])


@pytest.mark.parametrize("usual", [0.0, 0.5, -0.5])
def test_a_bias_is_worse_on_either_side_and_better_towards_0(usual: float) -> None:
    rng = np.random.default_rng(0)
    detector = PerformanceDrop(metric="bias", min_rows=1)
    baseline = detector.learn([bias_of(*rng.normal(usual, 0.1, 200)) for _ in range(20)])
    judged = {shift: detector.judge(baseline, bias_of(*[shift] * 200), 1e-6) for shift in (-2, 0, 2, usual)}
    for shift in (-2, 2):
        assert judged[shift].p_value < 1e-6  # type: ignore[operator]  # it is sufficient
        assert abs(judged[shift].threshold) < 2  # type: ignore[arg-type]  # likewise
        assert judged[shift].threshold * shift > 0  # type: ignore[operator]  # on its own side
    for good in (0, usual):
        assert judged[good].p_value > 0.5  # type: ignore[operator]  # likewise


def test_a_name_of_a_metric_is_not_given_twice() -> None:
    metric = Metric(lambda _: (0.0, 0.0), higher_is_better=True, span=(0.0, 1.0), tasks=("binary",))
    for name in ("roc_auc", "lift_at_7", BUSINESS_VALUE):
        with pytest.raises(ValueError, match="there is a metric"):
            add_metric(name, metric)
    with pytest.raises(ValueError, match="small letters"):
        add_metric("Mine!", metric)
    with pytest.raises(ValueError, match="tasks are"):
        add_metric("mine", Metric(metric.compute, higher_is_better=True, span=(0.0, 1.0)))
