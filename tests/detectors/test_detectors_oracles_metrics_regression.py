"""Regression metrics from sums equal scikit-learn's from rows; the median is within a bin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from detectors.performance.metrics import METRICS, metric_of
from profiles import Grid, ResidualGrid
from profiles.outcomes import FAR
from tests.detectors import joined

law = settings(max_examples=150, deadline=None)
LEAST_SQUARED = 2e-154
Rows = list[tuple[float, float]]


def pinball(percent: int) -> Callable[[Any, Any], float]:
    return lambda labels, predictions: metrics.mean_pinball_loss(labels, predictions, alpha=percent / 100)


ORACLES: dict[str, Callable[[Any, Any], float]] = {
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "mape": metrics.mean_absolute_percentage_error,
    "bias": lambda labels, predictions: float((predictions - labels).mean()),
    **{f"quantile_loss_{percent}": pinball(percent) for percent in (1, 10, 50, 90, 99)},
}


def computed(name: str, held: Any) -> tuple[float, float]:
    return metric_of("regression", name).compute(held)


@pytest.mark.parametrize("name", ORACLES)
@law
@given(rows=joined.measured, unit=st.sampled_from([1e-12, 1.0, 1e9]))
def test_means_are_exact_in_any_unit(name: str, rows: Rows, unit: float) -> None:
    predictions, labels = (column * unit for column in joined.columns(rows, 2))
    found, error = computed(name, ResidualGrid(Grid(0.0, unit)).summarize(predictions, labels))
    if not rows:
        assert np.isnan([found, error]).all()
        return
    size = np.abs(predictions - labels).mean()
    least = 1e-12 * size + LEAST_SQUARED  # the squares of smaller errors are no numbers
    assert found == pytest.approx(ORACLES[name](labels, predictions), rel=1e-9, abs=least)
    assert 0 <= error < np.inf


@law
@given(rows=joined.measured.filter(lambda rows: len(rows) > 1), offset=st.sampled_from([0.0, 1e9, -1e9]))
def test_r2_is_exact_also_for_labels_far_from_0(rows: Rows, offset: float) -> None:
    predictions, labels = (column + offset for column in joined.columns(rows, 2))
    center = float(np.median(labels))
    found, error = computed("r2", ResidualGrid(Grid(0.0, 1.0), center).summarize(predictions, labels))
    if np.ptp(labels) <= max(1e-3 * np.abs(labels - center).max(), 1e-9 * np.abs(labels).max(), 1e-100):
        return  # too much alike for scikit-learn as well; see the test below
    exact = metrics.r2_score(labels, predictions)
    assert found == pytest.approx(exact, rel=1e-6, abs=1e-9)
    assert error > 0 or exact == 1


@pytest.mark.parametrize("center", [0.0, 5.0, -1e9])
@pytest.mark.parametrize("labels", [[5.0] * 40, [5.0], [5.0, 5.0 + 1e-9]])
def test_labels_that_are_all_alike_do_not_define_r2(labels: list[float], center: float) -> None:
    predictions = np.linspace(4, 6, len(labels))
    held = ResidualGrid(Grid(0.0, 1.0), center).summarize(predictions, np.array(labels))
    found, error = computed("r2", held)
    if len({*labels}) == 2 and center == 5.0:
        assert found == pytest.approx(metrics.r2_score(labels, predictions), rel=1e-6)
    else:
        assert np.isnan([found, error]).all()


def test_a_label_of_0_decides_the_relative_error_as_in_scikit_learn() -> None:
    held = joined.regression([(1.0, 0.0), (2.0, 1.0)])
    exact = metrics.mean_absolute_percentage_error([0.0, 1.0], [1.0, 2.0])
    assert computed("mape", held)[0] == pytest.approx(exact)


@law
@given(
    rows=joined.measured.filter(bool),
    center=st.sampled_from([0.0, 0.3, -40.0, 1e5]),
    scale=st.sampled_from([1e-3, 1.0, 1e4]),
)
def test_the_median_is_within_half_a_bin(rows: Rows, center: float, scale: float) -> None:
    predictions, labels = joined.columns(rows, 2)
    held = ResidualGrid(Grid(center, scale)).summarize(predictions, labels)
    exact = metrics.median_absolute_error(labels, predictions)
    found, error = computed("median_absolute_error", held)
    assert abs(found - exact) <= (scale + abs(center) + exact) / 128
    assert found <= 2 * np.abs(predictions - labels).mean() * (1 + 1e-12)
    assert 0 <= error < np.inf


@pytest.mark.parametrize("name", METRICS["regression"])
@law
@given(
    rows=st.lists(
        st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2)
        | st.sampled_from([(1e300, -1e300), (FAR, 0.0), (5e-324, 0.0)]),
        max_size=8,
    ),
    center=st.sampled_from([None, 0.0, 1e300, 5e-324]),
)
def test_however_large_an_error_there_is_a_number_or_none(
    name: str, rows: Rows, center: float | None
) -> None:
    metric = metric_of("regression", name)
    found, error = metric.compute(ResidualGrid(Grid(0.0, 1.0), center).summarize(*joined.columns(rows, 2)))
    assert np.isfinite([found, error]).all() or np.isnan([found, error]).all()
    assert not found < metric.span[0] or np.isnan(found)
    assert not found > metric.span[1] or np.isnan(found)


@pytest.mark.parametrize("name", METRICS["regression"])
def test_a_perfect_model_is_perfect(name: str) -> None:
    rows = [(float(label), float(label)) for label in range(50)]
    found, error = computed(name, joined.regression(rows))
    assert found == (1.0 if name == "r2" else 0.0)
    assert 0 <= error < 0.01


def test_what_an_older_profile_did_not_sum_is_undefined() -> None:
    held = joined.regression([(1.0, 2.0)] * 9)
    old = type(held)(
        space=held.space, residuals=held.residuals, absolute=held.absolute, squared=held.squared,
        fourth=held.fourth, signed=np.nan, signed_squared=np.nan, relative=np.nan, relative_squared=np.nan,
        labels=np.full(4, np.nan), crossed=np.full(2, np.nan),
    )  # fmt: skip
    known = {name for name in METRICS["regression"] if not np.isnan(computed(name, old + held)[0])}
    assert known == {"mae", "rmse", "median_absolute_error"}
