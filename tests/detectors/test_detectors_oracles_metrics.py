"""Metrics from counts against scikit-learn's from rows, within the bounds that their docstrings state."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from detectors.performance.metrics import METRICS
from detectors.performance_drop import PerformanceDrop
from profiles import ClassOutcomes, Grid, Outcomes, RankedLists, ResidualGrid, Vocabulary

Array = npt.NDArray[np.float64]
law = settings(max_examples=100, deadline=None)
BINARY, MULTICLASS, REGRESSION = (METRICS[task] for task in ("binary", "multiclass", "regression"))
scored = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 0.5, 0.25, 1e-12, 1 - 1e-12]) | st.floats(0, 1),
        st.integers(0, 1).map(float),
    ),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({label for _, label in rows}) == 2)


def drawn(rows: int, separation: float, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.3).astype(np.float64)
    return 1 / (1 + np.exp(-rng.normal(separation * (labels - 0.5), 1.0))), labels


def summary(scores: Array, labels: Array) -> Any:
    return Outcomes().summarize(scores, (scores >= 0.5).astype(np.float64), labels)


@law
@given(scored)
def test_roc_auc_is_exact_but_for_pairs_in_one_bin(rows: list[tuple[float, float]]) -> None:
    scores, labels = np.array(rows).T
    space = Outcomes()
    keys = space.scores.index(scores)
    together = (keys[labels > 0][:, None] == keys[labels <= 0]) & (
        scores[labels > 0][:, None] != scores[labels <= 0]
    )
    found, error = BINARY["roc_auc"].compute(summary(scores, labels))
    assert abs(found - metrics.roc_auc_score(labels, scores)) <= together.mean() / 2 + 1e-12
    assert error > 0


@law
@given(scored)
def test_accuracy_is_exact(rows: list[tuple[float, float]]) -> None:
    scores, labels = np.array(rows).T
    found, _ = BINARY["accuracy"].compute(summary(scores, labels))
    assert found == pytest.approx(metrics.accuracy_score(labels, scores >= 0.5))


@law
@given(scored)
def test_log_loss_is_within_four_per_mille_a_row(rows: list[tuple[float, float]]) -> None:
    """In the outermost bins scores are taken for 2**-52 away, but may be four times as far."""
    scores, labels = np.array(rows).T
    found, error = BINARY["log_loss"].compute(summary(scores, labels))
    exact = metrics.log_loss(labels, scores, labels=[0, 1])
    away = np.minimum(scores, 1 - scores)
    near = ((away > 2.0**-52) & (away < 2.0**-50)).mean()
    assert abs(found - exact) <= 0.004 + 2 * np.log(2) * near
    assert error > 0


@pytest.mark.parametrize("separation", [0.0, 1.0, 4.0])
def test_binary_metrics_of_many_rows(separation: float) -> None:
    scores, labels = drawn(20_000, separation, 1)
    held = summary(scores, labels)
    assert BINARY["roc_auc"].compute(held)[0] == pytest.approx(
        metrics.roc_auc_score(labels, scores), abs=5e-4
    )
    assert BINARY["log_loss"].compute(held)[0] == pytest.approx(metrics.log_loss(labels, scores), abs=5e-5)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy"])
@pytest.mark.parametrize("separation", [0.5, 2.0])
def test_the_errors_of_binary_metrics_are_those_of_a_bootstrap(metric: str, separation: float) -> None:
    scores, labels = drawn(800, separation, 2)
    rng = np.random.default_rng(3)
    compute = BINARY[metric].compute
    samples = rng.integers(0, scores.size, (300, scores.size))
    values = [compute(summary(scores[chosen], labels[chosen]))[0] for chosen in samples]
    _, error = compute(summary(scores, labels))
    assert error == pytest.approx(np.std(values), rel=0.15)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_alone_does_not_define_the_area(label: float) -> None:
    held = summary(np.linspace(0, 1, 100), np.full(100, label))
    assert np.isnan(BINARY["roc_auc"].compute(held)[0])
    detector = PerformanceDrop(metric="roc_auc")
    good = summary(*drawn(500, 2.0, 4))
    judged = detector.judge(detector.learn([good, good, held]), held, 1e-6)
    assert not judged.sufficient
    assert judged.note == "the labels of this window do not define the metric"


def test_a_perfect_area_is_no_certainty() -> None:
    held = summary(np.array([0.1] * 30 + [0.9] * 30), np.array([0.0] * 30 + [1.0] * 30))
    area, error = BINARY["roc_auc"].compute(held)
    assert area == 1.0
    assert error == pytest.approx(1 / 90)


@law
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_multiclass_accuracy_is_exact(rows: list[tuple[int, int]]) -> None:
    predictions, labels = np.array(rows).T
    held = ClassOutcomes(Vocabulary(tuple("abcde"))).summarize(predictions, labels)
    assert MULTICLASS["accuracy"].compute(held)[0] == pytest.approx(
        metrics.accuracy_score(labels, predictions)
    )


@law
@given(
    rows=st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=40),
    unit=st.sampled_from([1e-12, 1.0, 1e9]),
)
def test_regression_metrics_are_exact_in_any_unit(rows: list[tuple[float, float]], unit: float) -> None:
    predictions, labels = np.array(rows).T * unit
    held = ResidualGrid(Grid(0.0, unit)).summarize(predictions, labels)
    mae, mae_error = REGRESSION["mae"].compute(held)
    rmse, rmse_error = REGRESSION["rmse"].compute(held)
    assert mae == pytest.approx(metrics.mean_absolute_error(labels, predictions), rel=1e-9)
    assert rmse == pytest.approx(metrics.root_mean_squared_error(labels, predictions), rel=1e-9)
    assert 0 <= mae_error <= 1.01 * rmse
    assert rmse_error >= 0


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_the_errors_of_regression_metrics_are_those_of_a_bootstrap(metric: str) -> None:
    rng = np.random.default_rng(5)
    residuals = rng.normal(1.0, 2.0, 800)
    space, compute = ResidualGrid(Grid(0.0, 2.0)), REGRESSION[metric].compute
    samples = rng.integers(0, residuals.size, (300, residuals.size))
    values = [compute(space.summarize(residuals[chosen], np.zeros(800)))[0] for chosen in samples]
    _, error = compute(space.summarize(residuals, np.zeros(800)))
    assert error == pytest.approx(np.std(values), rel=0.15)


def test_a_perfect_regression_is_good_and_a_little_less_is_news() -> None:
    space = ResidualGrid(Grid(0.0, 1.0))
    labels = np.random.default_rng(6).normal(size=200)
    perfect = space.summarize(labels, labels)
    worse = space.summarize(labels + np.linspace(-0.01, 0.01, 200), labels)
    for metric in ("mae", "rmse"):
        detector = PerformanceDrop(metric=metric)
        baseline = detector.learn([perfect] * 10)
        same, less = (detector.judge(baseline, window, 1e-6) for window in (perfect, worse))
        assert same.value == 0.0
        assert same.p_value == pytest.approx(0.5)
        assert less.p_value is not None
        assert less.p_value < 1e-6


@pytest.mark.parametrize("task", sorted(METRICS))
def test_no_rows_define_no_metric(task: str) -> None:
    spaces: dict[str, Any] = {
        "binary": Outcomes(),
        "multiclass": ClassOutcomes(Vocabulary(("a",))),
        "regression": ResidualGrid(Grid(0.0, 1.0)),
        "ranking": RankedLists(),
    }
    for metric in METRICS[task].values():
        assert all(np.isnan(number) for number in metric.compute(spaces[task].zero()))
