"""Moments against numpy on the raw rows, and to the bit however the rows are divided."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest

from profiles import Groups, Moments, Shape
from profiles.counts import Floats
from profiles.directions import principal_axes, variation
from profiles.moments import ENOUGH, LIMIT, MOST_DIRECTIONS, STEPS, Singles


def rows_of(width: int, count: int = 3000, seed: int = 0) -> Floats:
    """Correlated rows, shape (count, width), of very different means and scales."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(count, 3)) @ rng.normal(size=(3, width))
    return (latent + rng.normal(size=(count, width))) * np.geomspace(1e-6, 1e6, width) + np.arange(
        width
    ) * 1e3


def columns(rows: Floats) -> list[Floats]:
    return list(rows.T)


def matrix(space: Moments, rows: Floats, *, without: int | None = None) -> Singles:
    made = space.matrix(len(rows))
    for place, column in enumerate(rows.T):
        if place != without:
            space.put(made, place, column)
    return made


def standard(space: Moments, rows: Floats) -> Floats:
    exact: Floats = np.clip((rows - np.array(space.centers)) / np.array(space.scales), -LIMIT, LIMIT)
    return exact


@pytest.mark.parametrize("width", [1, 2, 25, MOST_DIRECTIONS])
def test_the_moments_are_those_of_the_raw_rows(width: int) -> None:
    rows = rows_of(width)
    space = Moments.fit(columns(rows))
    summary = space.summarize(columns(rows[:2000]))
    exact = standard(space, rows[:2000])
    r = space.directions
    assert r == width
    assert summary.count == 2000
    mean = summary.totals / STEPS / 2000
    second = np.zeros((r, r))
    second[np.triu_indices(r)] = summary.products / STEPS**2 / 2000
    second = second + np.triu(second, 1).T - np.outer(mean, mean)
    assert np.abs(second - np.eye(r)).max() < 0.3  # whitened
    spread = space.loadings @ second @ space.loadings.T
    exact_spread = np.cov(exact.T, bias=True).reshape(r, r)
    assert np.abs(spread - exact_spread).max() < 0.03
    moved = space.summarize(columns(rows[:2000] + 0.3 * np.array(space.scales)))
    shift = space.loadings @ (moved.totals / STEPS / 2000 - mean)
    assert shift == pytest.approx(np.full(r, 0.3), abs=0.02)


@pytest.mark.parametrize("width", [MOST_DIRECTIONS + 1, 100, 200])
def test_many_columns_become_principal_axes(width: int) -> None:
    rows = rows_of(width)
    space = Moments.fit(columns(rows))
    assert space.directions == MOST_DIRECTIONS
    summary = space.summarize(columns(rows))
    r = MOST_DIRECTIONS
    mean = summary.totals / STEPS / summary.count
    second = np.zeros((r, r))
    second[np.triu_indices(r)] = summary.products / STEPS**2 / summary.count
    assert np.abs(mean).max() < 0.1
    variances = np.diag(second)
    assert 0.8 < variances.min() <= variances.max() < 1.25  # each axis in its own standard deviations
    assert np.abs(second - np.diag(variances)).max() < 0.1
    assert space.loadings.shape == (width, r)
    # three latent factors make nearly all that columns have in common
    exact = standard(space, rows)
    kept = space.loadings[:, :3] @ space.loadings[:, :3].T
    common = np.cov(exact.T) - np.diag(np.diag(np.cov(exact.T) - kept))
    assert np.linalg.norm(common - kept) < 0.25 * np.linalg.norm(kept)


@pytest.mark.parametrize("width", [3, 100])
def test_any_division_of_the_rows_gives_the_same_to_the_bit(width: int) -> None:
    rows = rows_of(width, 12_000)
    rows[np.random.default_rng(1).random(rows.shape) < 0.01] = np.nan
    rows[5] = np.nan
    space = Moments.fit(columns(rows[:2000]))
    whole = space.summarize(columns(rows))
    assert (whole.count, whole.nulls) == (11_999, 1)
    order = np.random.default_rng(2).permutation(len(rows))
    parts = [space.summarize(columns(rows[part])) for part in np.split(order, [1, 2, 7, 500, 9000])]
    assert reduce(add, parts) == whole
    codes = np.random.default_rng(3).integers(0, 4, len(rows))
    groups = Groups(codes, 4, [np.array([0]), np.array([1, 3])])
    first, two = space.tally(matrix(space, rows), groups)
    assert first == space.summarize(columns(rows[codes == 0]))
    assert two == space.summarize(columns(rows[(codes == 1) | (codes == 3)]))


def test_a_missing_value_is_the_centre_and_an_absent_column_is_missing_throughout() -> None:
    rows = rows_of(3)
    space = Moments.fit(columns(rows))
    holed = rows.copy()
    holed[:, 1] = np.nan
    absent = space.tally(matrix(space, rows, without=1), Groups.whole(len(rows)))[0]
    assert absent == space.summarize(columns(holed))
    filled = rows.copy()
    filled[:, 1] = space.centers[1]
    assert absent == space.summarize(columns(filled))


def test_the_sample_of_rows_keeps_one_in_so_many_and_is_the_same_in_every_batch() -> None:
    ids = np.random.default_rng(4).integers(0, 1 << 64, 40_000, np.uint64)
    rows = rows_of(2)
    for typical, every in [(0, 1), (ENOUGH, 1), (ENOUGH + 1, 2), (10_000, 8), (10**9, 1024)]:
        space = Moments.fit(columns(rows), rows=typical)
        assert space.every == every
        kept = space.sampled(ids)
        assert kept.mean() == pytest.approx(1 / every, rel=0.35)
        assert np.array_equal(kept[::7], space.sampled(ids[::7]))


def test_outliers_and_constants_do_not_spoil_the_space() -> None:
    rows = rows_of(4)
    rows[:20, 0] = 1e300
    rows[:, 1] = 7.0
    space = Moments.fit(columns(rows))
    summary = space.summarize(columns(rows))
    assert np.abs(summary.products).max() <= (LIMIT * STEPS) ** 2 * summary.count
    assert summary.totals[1] == 0
    assert Shape.from_json(Shape({"row": space}).to_json()).spaces["row"] == space


@pytest.mark.parametrize("rows", [0, 1, 2, 10])
@pytest.mark.parametrize("width", [2, 40])
def test_a_reference_of_few_rows_is_a_space_too(rows: int, width: int) -> None:
    space = Moments.fit(columns(rows_of(width, rows)))
    assert (space.kurtosis, space.widest) == (1.0, 2.0)
    assert space.directions == min(width, MOST_DIRECTIONS)
    assert space.summarize(columns(rows_of(width, 100))).count == 100


def test_the_variation_of_products_is_that_of_the_distribution() -> None:
    rng = np.random.default_rng(5)
    kurtosis, widest = variation(rng.normal(size=(50_000, 5)))
    assert kurtosis == pytest.approx(1.0, abs=0.03)
    assert widest == pytest.approx(2.0, abs=0.15)
    kurtosis, widest = variation(rng.laplace(size=(50_000, 5)))  # of a value the fourth moment is 6
    assert kurtosis == pytest.approx((5 * 5 + 20) / 30, abs=0.1)
    assert widest == pytest.approx(5.0, abs=0.6)


def test_principal_axes_are_those_of_an_eigendecomposition() -> None:
    rng = np.random.default_rng(6)
    scales = np.array([5.0, 3.0, 2.0, *[0.1] * 47])
    turn = np.linalg.qr(rng.normal(size=(50, 50)))[0]
    rows = rng.normal(size=(4000, 50)) * scales @ turn
    axes = principal_axes(rows, 3)
    found = axes / np.linalg.norm(axes, axis=0)
    assert np.abs(np.diag(turn[:3] @ found)) == pytest.approx(np.ones(3), abs=0.01)
    assert (rows @ axes).std(axis=0) == pytest.approx(np.ones(3), abs=0.03)
