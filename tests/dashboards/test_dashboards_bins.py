from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.charts.bins import histogram
from profiles import Counts, Grid, ScoreGrid
from profiles.counts import Floats

floats = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=1, max_size=200)


def inside(values: Floats, edges: Floats) -> list[int]:
    """How many values lie in each [edge, next edge)."""
    return [int(((values >= low) & (values < high)).sum()) for low, high in itertools.pairwise(edges)]


@given(floats, floats)
def test_bins_hold_exactly_the_values_between_their_edges(one: list[float], other: list[float]) -> None:
    grid = Grid.fit(np.array(one))
    # values in the middle of their bins, so that rounding at an edge of the grid decides nothing
    columns = [middles(grid, np.array(values)) for values in (one, other)]
    found = histogram(grid, [grid.summarize(column).counts for column in columns])
    assert found is not None
    assert np.all(np.diff(found.edges) > 0)
    for column, counted in zip(columns, found.counts, strict=True):
        assert counted.tolist() == inside(column, found.edges)


def middles(grid: Grid, values: Floats) -> Floats:
    keys = grid.index(values)
    return np.asarray((grid.lower(keys) + grid.upper(keys)) / 2, np.float64)


def test_areas_and_what_is_outside_come_to_all_rows() -> None:
    values = np.random.default_rng(1).lognormal(3, 1.5, 5000)
    grid = Grid.fit(values)
    found = histogram(grid, [grid.summarize(values).counts, Counts()])
    assert found is not None
    area = (found.densities[0] * np.diff(found.edges)).sum()
    assert area + found.outside[0] == pytest.approx(1)
    assert 0 < found.outside[0] <= 0.011
    assert 15 <= len(found.edges) <= 60
    assert found.counts[1].sum() == 0


def test_whole_numbers_get_a_bin_each() -> None:
    hours = np.random.default_rng(2).integers(0, 24, 5000).astype(float)
    grid = Grid.fit(hours)
    found = histogram(grid, [grid.summarize(hours).counts])
    assert found is not None
    assert found.counts[0].tolist() == [int((hours == hour).sum()) for hour in range(24)]
    assert np.allclose(np.diff(found.edges), 1, atol=0.2)


def test_whole_numbers_in_shared_bins_make_no_comb_with_gaps() -> None:
    for most in (200.0, 1000.0, 5000.0):
        values = np.repeat(np.arange(most), 3)
        grid = Grid.fit(values)
        found = histogram(grid, [grid.summarize(values).counts])
        assert found is not None
        assert found.densities[0][1:-1] == pytest.approx(1 / most, rel=0.25)


def test_a_bin_does_not_reach_into_a_wide_gap() -> None:
    values = np.concatenate([np.tile(np.arange(20.0, 30.0), 50), np.tile(np.arange(70.0, 90.0), 50)])
    grid = Grid.fit(values)
    found = histogram(grid, [grid.summarize(values).counts])
    assert found is not None
    low, high = found.edges[:-1], found.edges[1:]
    empty = found.counts[0] == 0
    assert empty.sum() == 1
    assert low[empty][0] < 31
    assert high[empty][0] > 68.5


def test_scores_up_to_the_very_ends() -> None:
    scores = np.concatenate([np.zeros(500), np.random.default_rng(3).random(2000), np.ones(500)])
    grid = ScoreGrid()
    found = histogram(grid, [grid.summarize(scores).counts])
    assert found is not None
    assert found.outside[0] == 0
    assert found.edges[0] == 0
    assert found.edges[-1] == pytest.approx(1)
    assert found.densities.max() < 100


def test_a_constant_and_nothing_at_all() -> None:
    grid = Grid.fit(np.full(10, 7.0))
    found = histogram(grid, [grid.summarize(np.full(10, 7.0)).counts])
    assert found is not None
    assert found.counts.tolist() == [[10]]
    assert histogram(grid, [Counts(), Counts()]) is None
