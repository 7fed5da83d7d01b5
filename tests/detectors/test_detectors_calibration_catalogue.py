"""On healthy windows small p-values of the catalogue are rare, and the nulls are those of draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detectors.cramer_von_mises import CramerVonMises
from detectors.distance import DistanceDetector, Pairs
from detectors.g_test import GTest
from detectors.hellinger import Hellinger
from detectors.jensen_shannon import JensenShannon
from detectors.largest_change import LargestChange
from detectors.population_stability import PopulationStability
from detectors.season import phase_of
from detectors.transport import expected_square
from detectors.wasserstein import Wasserstein
from profiles import CategoricalSummary, Counts, Grid
from profiles.counts import Floats
from tests.detectors.test_detectors_calibration import (
    GRID,
    NAMES,
    SHARES,
    assert_rare,
    categories,
    counts,
    healthy,
    numbers,
)

Rng = np.random.Generator
DIVERGENCES = (PopulationStability(), JensenShannon(), Hellinger())


def zero_inflated(rng: Rng, wander: float) -> Any:  # noqa: ARG001 - as the others
    return GRID.summarize(np.where(rng.random(500) < 0.9, 0.0, rng.lognormal(size=500)))


def heavy(rng: Rng, wander: float) -> Any:  # noqa: ARG001 - as the others
    return GRID.summarize(rng.standard_cauchy(500))


def almost_constant(rng: Rng, wander: float) -> Any:  # noqa: ARG001 - as the others
    return GRID.summarize(np.where(rng.random(500) < 0.999, 0.0, rng.lognormal(size=500)))


def rare(rng: Rng, wander: float) -> Any:  # noqa: ARG001 - as the others
    counts = rng.multinomial(500, [0.9, 0.05, 0.02, 0.01, *[0.02 / 16] * 16])
    seen = np.flatnonzero(counts)
    return CategoricalSummary(NAMES, Counts(seen, counts[seen].astype(np.int64)))


Case = tuple[DistanceDetector, Callable[[Rng, float], Any], float]
HARD: list[Case] = [
    (Wasserstein(), heavy, 0.0),
    (Wasserstein(), almost_constant, 0.0),
    (Wasserstein(), numbers, 0.2),
    (CramerVonMises(), zero_inflated, 0.0),
    (PopulationStability(), numbers, 0.2),
    (JensenShannon(), counts, 0.0),
    (Hellinger(), zero_inflated, 0.0),
    (Hellinger(), rare, 0.0),
    (PopulationStability(), rare, 0.0),
    (GTest(), categories, 0.1),
    (LargestChange(), rare, 0.0),
]
NUMBERS = ((numbers, 0.0), (numbers, 0.2), (counts, 0.0), (zero_inflated, 0.0), (heavy, 0.0))
CATEGORIES = ((categories, 0.0), (categories, 0.1), (rare, 0.0))
MORE: list[Case] = [
    *((one, *how) for one in (Wasserstein(), CramerVonMises(), *DIVERGENCES) for how in NUMBERS),
    *((one, *how) for one in (GTest(), LargestChange(), *DIVERGENCES) for how in CATEGORIES),
]
over = pytest.mark.parametrize


def named(value: Any) -> str:
    return getattr(value, "kind", None) or getattr(value, "__name__", None) or str(value)


@over(("detector", "window", "wander"), HARD, ids=named)
def test_small_p_values_are_rare_where_that_is_hard(
    detector: DistanceDetector, window: Callable[[Rng, float], Any], wander: float
) -> None:
    assert_rare(healthy(detector, window, wander, reference=30))


@pytest.mark.slow
@over(("detector", "window", "wander"), [case for case in MORE if case not in HARD], ids=named)
def test_small_p_values_are_rare_everywhere(
    detector: DistanceDetector, window: Callable[[Rng, float], Any], wander: float
) -> None:
    assert_rare(healthy(detector, window, wander, reference=30))


@pytest.mark.slow
@over("wander", [0.1, 0.3])
def test_windows_that_differ_in_one_direction_have_the_tail_of_one(wander: float) -> None:
    found = [healthy(PopulationStability(), numbers_of(seed), wander, reference=30) for seed in range(3)]
    p_values = np.concatenate(found)
    assert (p_values <= 0.001).mean() <= 0.0025


def numbers_of(seed: int) -> Callable[[Rng, float], Any]:
    """As `numbers`, from a generator that goes on."""
    own = np.random.default_rng(seed)

    def window(rng: Rng, wander: float) -> Any:  # noqa: ARG001 - the same each time
        return numbers(own, wander)

    return window


@over("detector", [Wasserstein(), CramerVonMises(), PopulationStability()], ids=named)
def test_windows_of_few_rows_among_large_ones_are_judged_fairly(detector: DistanceDetector) -> None:
    rng = np.random.default_rng(8)
    p_values = []
    for _ in range(30):
        sizes = [60 if place % 2 else 1000 for place in range(30)]
        baseline = detector.learn([GRID.summarize(rng.normal(size=size)) for size in sizes])
        for _ in range(60):
            judged = detector.judge(baseline, GRID.summarize(rng.normal(size=60)), 1e-6)
            p_values.append(judged.p_value)
    assert_rare(np.array(p_values, np.float64))


@over("detector", [Wasserstein(), CramerVonMises(), PopulationStability()], ids=named)
def test_a_daily_cycle_neither_alarms_nor_hides_a_shift(detector: DistanceDetector) -> None:
    rng = np.random.default_rng(9)
    hour = 3_600_000_000

    def window(place: int, shift: float) -> Any:
        return GRID.summarize(rng.normal(np.sin(np.pi * place / 12) + shift, 1.0, 1000))

    phases = [phase_of(place * hour, hour) for place in range(24 * 14)]
    baseline = detector.learn([window(place, 0.0) for place in range(24 * 14)], phases)
    for shift, low, high in ((0.0, 1e-4, 1.0), (0.3, 0.0, 1e-6)):
        for place in range(0, 24 * 7, 5):
            judged = detector.judge(baseline, window(place, shift), 1e-6, phases[place])
            assert judged.p_value is not None
            assert low <= judged.p_value <= high


ROWS, DRAWS = 2000, 4000
SHAPES: dict[str, Callable[[Rng], Floats]] = {
    "normal": lambda rng: rng.normal(size=200_000),
    "poisson": lambda rng: rng.poisson(0.7, 200_000).astype(np.float64),
    "zero_inflated": lambda rng: np.where(rng.random(200_000) < 0.7, 0, rng.exponential(size=200_000)),
}


@over("shape", SHAPES)
@over(
    "detector",
    [Wasserstein(), CramerVonMises(), *DIVERGENCES],
    ids=named,
)
def test_the_null_of_a_number_is_that_of_draws(detector: DistanceDetector, shape: str) -> None:
    values = SHAPES[shape](np.random.default_rng(5))
    whole = Grid.fit(values).summarize(values)
    cells = detector.cells([whole])
    assert_null(detector, cells, cells.row(whole) / whole.count)


@over("shares", [[0.5, 0.5], [0.98, 0.02], [0.25] * 4, list(SHARES)], ids=len)
@over(
    "detector",
    [GTest(), LargestChange(), *DIVERGENCES],
    ids=named,
)
def test_the_null_of_a_category_is_that_of_draws(detector: DistanceDetector, shares: list[float]) -> None:
    assert_null(detector, None, np.array(shares))


def assert_null(detector: DistanceDetector, cells: Any, share: Floats) -> None:
    """The mean is that of multinomial draws against the shares, and the tail is no lighter than theirs."""
    extra = share.size - np.flatnonzero(share)[-1] - 1 if isinstance(detector, Wasserstein) else 0
    rng = np.random.default_rng(6)
    inner = share[: share.size - extra]
    drawn = np.pad(rng.multinomial(ROWS, inner / inner.sum(), DRAWS) / ROWS, ((0, 0), (0, extra)))
    pairs = Pairs(drawn, np.tile(share, (DRAWS, 1)), np.full(DRAWS, ROWS), np.full(DRAWS, 1e12))
    seen = detector.squared(cells, pairs) * ROWS
    null = detector.null(cells, share)
    assert null.mean == pytest.approx(seen.mean(), rel=0.08)
    scaled = rng.chisquare(null.df, 400_000) / null.df * null.mean
    for level in (0.01, 0.001):
        reached = (seen > np.quantile(scaled, 1 - level)).mean()
        assert reached <= 1.5 * level + 4 * np.sqrt(level / DRAWS)


def test_the_area_under_a_bridge_is_that_of_draws() -> None:
    rng = np.random.default_rng(7)
    share = rng.dirichlet(np.ones(300))
    places = np.cumsum(rng.exponential(size=300))
    normal = rng.normal(size=(20_000, 300)) * np.sqrt(share)
    bridges = np.cumsum(normal - share * normal.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    areas = np.square(np.abs(bridges) @ np.diff(places))
    assert expected_square(share, places) == pytest.approx(areas.mean(), rel=0.04)
