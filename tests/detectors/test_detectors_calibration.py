"""On healthy windows a p-value of at most a comes with a probability of at most about a."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from detectors import Detector
from detectors.anderson_darling import AndersonDarling
from detectors.chi_square import ChiSquare
from detectors.dispersion import Dispersion, Distances, extra_variance
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.mean_embedding import MeanEmbedding
from detectors.missing import Missing
from detectors.persistence import Persistence
from detectors.smooth import SmoothTest
from detectors.spread import Spread
from profiles import CategoricalSummary, Counts, Grid, NumericSummary, Projection, Vocabulary

Rng = np.random.Generator
Array = npt.NDArray[np.float64]
GRID = Grid(0.0, 1.35)
NAMES = Vocabulary(tuple(f"c{place:02d}" for place in range(20)))
SHARES = np.random.default_rng(0).dirichlet(np.full(20, 2.0))
SPACE = Projection((0.0, 0.0), (1.0, 1.0))


def assert_rare(p_values: Array, factor: float = 1.5) -> None:
    """P(p <= a) is at most `factor` a, but for what the simulation's own noise may add."""
    for level in (0.1, 0.01, 0.001):
        seen, tried = float((p_values <= level).mean()), p_values.size
        noise = 4 * np.sqrt(factor * level / tried)
        assert seen <= factor * level + noise, (level, seen)


def numbers(rng: Rng, wander: float) -> Any:
    return GRID.summarize(rng.normal(rng.normal(0.0, wander), 1.0, 500))


def heavy(rng: Rng, wander: float) -> Any:
    return GRID.summarize(rng.standard_t(2, 500) + rng.normal(0.0, wander))


def rare(rng: Rng, wander: float) -> Any:  # noqa: ARG001 - as the others
    return GRID.summarize(np.where(rng.random(500) < 0.99, 0.0, rng.lognormal(size=500)))


def counts(rng: Rng, wander: float) -> Any:  # noqa: ARG001 - as the others
    return GRID.summarize(rng.poisson(0.5, 500).astype(np.float64))


def categories(rng: Rng, wander: float) -> Any:
    shares = rng.dirichlet(SHARES / wander**2) if wander else SHARES
    counts = rng.multinomial(1000, shares)
    seen = np.flatnonzero(counts)
    return CategoricalSummary(NAMES, Counts(seen, counts[seen].astype(np.int64)))


def vectors(rng: Rng, wander: float) -> Any:
    return SPACE.summarize(rng.normal(rng.normal(0.0, wander, 2), 1.0, (300, 2)))


def holes(rng: Rng, wander: float) -> Any:
    share = rng.gamma(1 / wander**2, 0.02 * wander**2) if wander else 0.02
    gone = int(rng.binomial(1000, min(share, 1.0)))
    return NumericSummary(GRID, Counts(np.array([0]), np.array([1000 - gone])), gone)


def healthy(detector: Detector, window: Callable[[Rng, float], Any], wander: float, reference: int) -> Array:
    """The p-values of fresh windows, under fresh references."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(3600 // reference):
        baseline = detector.learn([window(rng, wander) for _ in range(reference)])
        found += [detector.judge(baseline, window(rng, wander), 1e-6).p_value for _ in range(reference)]
    return np.array(found, np.float64)


@pytest.mark.parametrize(
    ("detector", "window", "wander"),
    [
        (KolmogorovSmirnov(), numbers, 0.0),
        (KolmogorovSmirnov(), numbers, 0.2),
        (SmoothTest(), numbers, 0.0),
        (SmoothTest(), numbers, 0.2),
        (SmoothTest(), counts, 0.0),
        (SmoothTest(), heavy, 0.0),
        (SmoothTest(), heavy, 0.2),
        (SmoothTest(), rare, 0.0),
        (AndersonDarling(), numbers, 0.0),
        (AndersonDarling(), numbers, 0.2),
        (AndersonDarling(), counts, 0.0),
        (ChiSquare(), categories, 0.0),
        (ChiSquare(), categories, 0.1),
        (MeanEmbedding(), vectors, 0.0),
        (MeanEmbedding(), vectors, 0.2),
        (Missing(), holes, 0.0),
        (Missing(), holes, 0.5),
    ],
    ids=lambda value: getattr(value, "kind", None) or getattr(value, "__name__", None) or str(value),
)
def test_small_p_values_are_rare_on_healthy_windows(
    detector: Detector, window: Callable[[Rng, float], Any], wander: float
) -> None:
    assert_rare(healthy(detector, window, wander, reference=30))


@pytest.mark.parametrize("between", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("uneven", [False, True], ids=["even", "uneven"])
def test_small_p_values_of_a_spread_are_rare(between: float, uneven: bool) -> None:
    rng = np.random.default_rng(8)
    found = []
    for _ in range(600):
        errors = np.exp(rng.normal(0.0, 0.7, 40)) if uneven else np.ones(40)
        values = rng.normal(5.0, np.hypot(between, errors))
        spread = Spread.learn(values[:20], errors[:20])
        found += [
            spread.p_value(value, error, higher_is_better=True)
            for value, error in zip(values[20:], errors[20:], strict=True)
        ]
    assert_rare(np.array(found))


@pytest.mark.parametrize("directions", [1, 3, 30])
@pytest.mark.parametrize("windows", [14, 30])
def test_the_tail_of_a_dispersion_is_no_lighter_than_the_windows_own(directions: int, windows: int) -> None:
    rng = np.random.default_rng(9)
    sizes = np.full(windows, 1000.0)
    found = []
    for _ in range(1000):
        scaled = rng.chisquare(directions, windows + 20) / directions * 50
        learned = Dispersion.learn(Distances(scaled[:windows], sizes), base=30, df=30)
        found += [learned.p_value(statistic, 1000.0) for statistic in scaled[windows:]]
    assert_rare(np.array(found), factor=2.0)


def test_extra_variance_finds_what_noise_leaves() -> None:
    rng = np.random.default_rng(10)
    noise = np.exp(rng.normal(0.0, 1.0, 4000))
    squares = np.square(rng.normal(0.0, np.sqrt(noise + 2.0)))
    assert extra_variance(squares, noise) == pytest.approx(2.0, rel=0.1)
    assert extra_variance(squares / 100, noise) == 0.0
    assert extra_variance(np.zeros(0), np.zeros(0)) == 0.0


@pytest.mark.parametrize(
    ("persistence", "low", "high"), [(0.0, 0.7, 1.0), (0.5, 0.2, 0.45), (0.8, 0.03, 0.2)]
)
def test_the_weight_is_that_of_the_persistence(persistence: float, low: float, high: float) -> None:
    rng = np.random.default_rng(11)
    weights = []
    for _ in range(200):
        means = np.zeros(60)
        for place in range(1, 60):
            means[place] = persistence * means[place - 1] + np.sqrt(1 - persistence**2) * rng.normal()
        weights.append(Spread.learn(means, np.full(60, 0.01)).weight)
    assert low <= np.median(weights) <= high


def test_the_weight_is_always_an_exponent_of_evidence() -> None:
    empty = np.zeros(0)
    for near, apart in [
        (empty, empty),
        (empty, np.ones(1)),
        (np.zeros(5), np.zeros(6)),
        (np.zeros(5), np.ones(6)),
    ]:
        assert 0 < Persistence.learn(near, apart).weight < 1
    assert Persistence.learn(np.zeros(5), np.ones(6)).weight < 0.02
    assert Persistence.learn(np.full(999, 5.0), np.ones(1000)).weight > 0.99
