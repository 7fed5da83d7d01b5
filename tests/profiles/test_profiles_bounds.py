"""What the grids promise: order, edges that hold their values, and a stated relative error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from profiles import Grid, LatencyGrid, ScoreGrid
from profiles.grid import HUGE, LAST
from profiles.score import TINY
from tests.profiles.cases import FINITE, SPECIAL, finite, grids

law = settings(max_examples=150, deadline=None)
EPSILON = float(np.finfo(float).eps)
BINNINGS = [Grid(0.0, 1.0), Grid(-40.0, 0.01), Grid(1e9, 1.0), ScoreGrid(), LatencyGrid()]


def edges(space: Any, value: float) -> tuple[int, float, float]:
    key = space.index(np.array([value]))
    return int(key[0]), float(space.lower(key)[0]), float(space.upper(key)[0])


@pytest.mark.parametrize("space", BINNINGS, ids=repr)
@law
@given(values=st.lists(st.floats(allow_nan=False) | st.floats(-3, 3) | st.floats(0, 1e6), max_size=30))
def test_order_is_kept(space: Any, values: list[float]) -> None:
    ordered = np.sort(np.array(values, np.float64))
    assert np.all(np.diff(space.index(ordered)) >= 0)


@law
@given(grid=grids, value=finite)
def test_the_numeric_grids_edges_hold_their_values(grid: Grid, value: float) -> None:
    assume(abs(value) < HUGE and abs(grid.center) < HUGE and grid.scale < HUGE / 2**66)
    key, low, high = edges(grid, value)
    slack = 4 * EPSILON * (abs(value) + abs(grid.center) + abs(low) + abs(high)) + 1e-307
    if key == LAST:
        assert value >= low - slack
    elif key == ~LAST:
        assert value <= high + slack
    else:
        assert low - slack <= value <= high + slack


@law
@given(grid=grids, value=finite)
def test_the_numeric_grids_steps_are_fine_near_the_centre_and_relative_in_the_tails(
    grid: Grid, value: float
) -> None:
    assume(abs(value) < HUGE and abs(grid.center) < HUGE and 1e-280 < grid.scale < HUGE / 2**66)
    key, low, high = edges(grid, value)
    assume(abs(key) < LAST)
    distance = abs(value - grid.center)
    slack = 4 * EPSILON * (abs(low) + abs(high) + abs(grid.center))
    assert high - low <= (grid.scale + distance) / 128 + slack
    if distance < grid.scale * 0.99:
        assert high - low <= grid.scale / 128 + slack


@law
@given(
    value=st.floats(0, 1) | st.sampled_from([0.0, 1e-300, TINY, 0.5, math.nextafter(0.5, 0), 1 - 1e-16, 1.0])
)
def test_the_score_grids_edges_hold_their_values_and_are_relative_to_the_nearer_end(value: float) -> None:
    _, low, high = edges(ScoreGrid(), value)
    assert low - 2 * EPSILON <= value <= high + 2 * EPSILON
    assert high - low <= max(min(value, 1 - value) / 126, 2 * TINY) + 2 * EPSILON


@law
@given(value=st.floats(1e-5, 1e12))
def test_the_latency_grids_edges_hold_their_values_within_one_in_128(value: float) -> None:
    _, low, high = edges(LatencyGrid(), value)
    assert low <= value < high
    assert high - low <= low / 128 * (1 + EPSILON)


def test_scores_and_latencies_outside_go_to_the_ends() -> None:
    scores, latency = ScoreGrid(), LatencyGrid()
    assert scores.index(np.array([-1.0, -np.inf])).tolist() == scores.index(np.array([0.0, 0.0])).tolist()
    assert scores.index(np.array([2.0, np.inf])).tolist() == scores.index(np.array([1.0, 1.0])).tolist()
    ends = latency.index(np.array([-5.0, 0.0, -np.inf, np.inf, 1e300]))
    assert ends.tolist() == [0, 0, 0, LAST, LAST]


@pytest.mark.parametrize("value", SPECIAL)
def test_infinities_and_giants_have_a_bin(value: float) -> None:
    summary = Grid(0.0, 1.0).summarize(np.array([value, 0.0]))
    assert summary.count + summary.nulls == 2
    assert math.isfinite(summary.total)
    assert math.isfinite(summary.squares)


@law
@given(
    values=st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=60),
    level=st.sampled_from([0.01, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_a_latency_quantile_is_within_four_per_mille(values: list[float], level: float) -> None:
    exact = float(np.quantile(values, level, method="inverted_cdf"))
    found = LatencyGrid().summarize(np.array(values), None).quantile(level)
    assert abs(found - exact) <= 0.004 * exact


@law
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    level=st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_a_numeric_quantile_is_within_its_bin(values: list[float], level: float) -> None:
    grid = Grid.fit(np.array(values))
    exact = float(np.quantile(values, level, method="inverted_cdf"))
    _, low, high = edges(grid, exact)
    slack = 4 * EPSILON * (abs(grid.center) + abs(exact))
    assert abs(grid.summarize(np.array(values)).quantile(level) - exact) <= high - low + slack


@pytest.mark.parametrize("level", [0.001, 0.1, 0.5, 0.999])
def test_quantiles_of_a_million_rows_are_as_numpys(level: float) -> None:
    values = np.random.default_rng(0).normal(50, 10, 1_000_000)
    found = Grid.fit(values).summarize(values).quantile(level)
    exact = float(np.quantile(values, level))
    assert abs(found - exact) <= (13.5 + abs(exact - 50)) / 128


@law
@given(st.lists(finite, min_size=1, max_size=40))
def test_the_mean_is_the_mean(values: list[float]) -> None:
    held = np.array(values)
    assume(np.abs(held).max() < 1e100)
    grid = Grid.fit(held)
    rounding = 1e-9 * (np.abs(held).max() + abs(grid.center)) + 1e-300  # what is smaller has no digits
    assert abs(grid.summarize(held).mean() - held.mean()) <= rounding


@pytest.mark.parametrize(
    "values",
    [
        [],
        [math.nan, math.inf],
        [5.0],
        [0.0] * 9,
        [7.0] * 99 + [8.0],
        list(FINITE),
        [5e-324, 1e-320],
        [1e300, 1.7e308],
    ],
)
def test_any_reference_gives_a_grid_that_counts_it(values: list[float]) -> None:
    held = np.array(values, np.float64)
    grid = Grid.fit(held)
    assert math.isfinite(grid.center)
    assert math.isfinite(grid.scale)
    assert grid.scale > 0
    summary = grid.summarize(held)
    assert summary.count + summary.nulls == len(values)
    assert np.all(np.isfinite(grid.lower(summary.counts.keys)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8, np.bool_])
def test_columns_of_any_number_type_count_alike(dtype: Any) -> None:
    values = np.array([0, 1, 1, 0, 1])
    grid = Grid(0.0, 1.0)
    assert grid.summarize(values.astype(dtype)) == grid.summarize(values.astype(np.float64))


def test_integers_beyond_the_digits_of_a_double_are_counted() -> None:
    values = np.array([2**53, 2**53 + 1, 2**62, -(2**62)])
    summary = Grid.fit(values.astype(np.float64)).summarize(values)
    assert summary.count == 4
    assert summary.high == float(2**62)


def test_a_view_with_strides_counts_as_its_copy() -> None:
    values = np.arange(20.0).reshape(10, 2)
    grid = Grid(5.0, 3.0)
    assert grid.summarize(values[:, 1]) == grid.summarize(values[:, 1].copy())


def test_the_grid_of_very_many_values_is_that_of_all() -> None:
    values = np.random.default_rng(5).lognormal(3.0, 0.8, 1_000_001)
    values[::2] *= -1  # what alternates is met on both sides
    low, center, high = np.quantile(values, [0.25, 0.5, 0.75])
    grid = Grid.fit(values)
    assert abs(grid.center - center) < 0.02 * values.std()
    assert abs(grid.scale / (high - low) - 1) < 0.02
