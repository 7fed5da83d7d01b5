"""The boundary and the confidence sequence: closed forms, laws, and how often equal versions differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from detectors.comparison.boundary import ALPHA, half_width, prior_rows
from detectors.comparison.compare import LEAST_BLOCKS
from detectors.comparison.sequence import Blocks, Sequence, confidence_sequence
from profiles.counts import Floats

SEEDS, WINDOWS = 1000, 500


@pytest.mark.parametrize("rows", [5.0, 500.0, 20_000.0])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_at_the_boundary_the_mixture_of_likelihood_ratios_is_one_over_alpha(
    rows: float, alpha: float
) -> None:
    total = rows * half_width(rows, alpha)
    prior = stats.norm(0, prior_rows(alpha) ** -0.5)
    peak, width = total / (rows + prior_rows(alpha)), (rows + prior_rows(alpha)) ** -0.5

    def density(effect: float) -> float:
        return float(np.exp(effect * total - effect**2 * rows / 2) * prior.pdf(effect))

    mixture, _ = integrate.quad(density, peak - 12 * width, peak + 12 * width, points=[peak])
    assert mixture == pytest.approx(1 / alpha, rel=1e-6)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_the_prior_makes_the_boundary_tightest_where_it_is_said_to_be(alpha: float) -> None:
    def scaled(log_rows: float) -> float:
        rows = float(np.exp(log_rows))
        return float(rows**0.5 * half_width(rows, alpha))

    best = optimize.minimize_scalar(scaled, bracket=(np.log(50), np.log(5000)))
    assert np.exp(best.x) == pytest.approx(500, rel=1e-3)


def test_an_interval_that_holds_at_any_time_is_wider_than_one_for_one_look_and_shrinks() -> None:
    rows = np.geomspace(2, 1e6, 60).astype(np.float64)
    widths = half_width(rows, 0.05)
    assert (widths > stats.norm.isf(0.025) / np.sqrt(rows)).all()
    assert (np.diff(widths) < 0).all()


counts = st.integers(20, 5000)
block = st.tuples(st.floats(-0.5, 0.5), counts, counts, st.floats(0.01, 0.3), st.floats(0.01, 0.3))
blocks = st.lists(block, min_size=1, max_size=20).map(lambda rows: np.array(rows).T)


@settings(deadline=None)
@given(blocks, st.integers(1, 20))
def test_later_blocks_do_not_change_what_was_said_before(columns: Floats, kept: int) -> None:
    whole = confidence_sequence(Blocks(*columns), 0.05)
    first = confidence_sequence(Blocks(*columns[:, :kept]), 0.05)
    assert np.array_equal(whole.lower[:kept], first.lower)
    assert np.array_equal(whole.upper[:kept], first.upper)


@settings(deadline=None)
@given(blocks)
def test_swapped_versions_have_the_mirrored_interval(columns: Floats) -> None:
    differences, rows, others, variance, others_variance = columns
    one = confidence_sequence(Blocks(*columns), 0.05)
    swapped = confidence_sequence(Blocks(-differences, others, rows, others_variance, variance), 0.05)
    np.testing.assert_allclose(one.lower, -swapped.upper, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(blocks, st.floats(0.1, 10), st.floats(-1, 1))
def test_the_interval_follows_unit_and_shift(columns: Floats, unit: float, shift: float) -> None:
    differences, rows, others, *variances = columns
    moved = Blocks(unit * differences + shift, rows, others, *(unit**2 * one for one in variances))
    one, other = confidence_sequence(Blocks(*columns), 0.05), confidence_sequence(moved, 0.05)
    np.testing.assert_allclose(other.difference, unit * one.difference + shift, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.half_width, unit * one.half_width, rtol=1e-4)


@settings(deadline=None)
@given(blocks)
def test_blocks_that_agree_are_as_wide_as_their_rows_say(columns: Floats) -> None:
    _, rows, others, variance, others_variance = columns
    even = Blocks(np.full(rows.size, 0.1), rows, others, variance, others_variance)
    weight = rows * others / (rows + others)
    sampled = np.square(weight) * (variance[-1] / rows + others_variance[-1] / others)
    whole = weight.sum()
    expected = np.sqrt(sampled.sum() / whole) * half_width(whole, 0.05)
    assert confidence_sequence(even, 0.05).half_width[-1] == pytest.approx(expected, rel=1e-6)


World = Callable[[np.random.Generator], tuple[Floats, Floats]]


def _independent(_random: np.random.Generator) -> tuple[Floats, Floats]:
    """Windows of one level."""
    level = np.full((SEEDS, WINDOWS), 0.8)
    return level, level


def _wandering(random: np.random.Generator) -> tuple[Floats, Floats]:
    """A level that wanders over days, and does so for both."""
    steps = random.normal(0, 0.01, (SEEDS, WINDOWS))
    level = np.empty_like(steps)
    level[:, 0] = steps[:, 0]
    for window in range(1, WINDOWS):
        level[:, window] = 0.97 * level[:, window - 1] + steps[:, window]
    level = np.clip(0.8 + level, 0.05, 0.95)
    return level, level


def _restless(random: np.random.Generator) -> tuple[Floats, Floats]:
    """Each version has good and bad windows of its own."""
    level = np.clip(0.8 + random.normal(0, 0.02, (2, SEEDS, WINDOWS)), 0.05, 0.95)
    return level[0], level[1]


def _rare(_random: np.random.Generator) -> tuple[Floats, Floats]:
    """Hardly any request fails."""
    level = np.full((SEEDS, WINDOWS), 0.002)
    return level, level


def _looks(levels: tuple[Floats, Floats], rows: tuple[int, int], random: np.random.Generator) -> Sequence:
    """The sequences of all seeds, with a look after every window."""
    hits = [random.binomial(n, level) for n, level in zip(rows, levels, strict=True)]
    held = [np.full((SEEDS, WINDOWS), float(n)) for n in rows]
    shares = [(np.cumsum(hit, 1) + 2) / (np.cumsum(n, 1) + 4) for hit, n in zip(hits, held, strict=True)]
    variances = [share * (1 - share) for share in shares]
    differences = hits[1] / held[1] - hits[0] / held[0]
    return confidence_sequence(Blocks(differences, *held, *variances), ALPHA)


@pytest.mark.parametrize("world", [_independent, _wandering, _restless, _rare])
@pytest.mark.parametrize("rows", [(200, 200), (950, 50), (2000, 2000)])
def test_equal_versions_are_seldom_called_different_at_any_of_500_looks(
    world: World, rows: tuple[int, int]
) -> None:
    random = np.random.default_rng(20240501)
    found = _looks(world(random), rows, random)
    differs = (found.lower > 0) | (found.upper < 0)
    assert differs[:, LEAST_BLOCKS - 1 :].any(axis=1).mean() <= ALPHA


def test_the_usual_interval_would_call_equal_versions_different_if_looked_at_often() -> None:
    random = np.random.default_rng(20240501)
    found = _looks(_independent(random), (200, 200), random)
    rows = np.arange(1, WINDOWS + 1, dtype=np.float64) * 100
    usual = found.half_width * stats.norm.isf(ALPHA / 2) / np.sqrt(rows) / half_width(rows, ALPHA)
    assert (np.abs(found.difference) > usual).any(axis=1).mean() > 5 * ALPHA


@pytest.mark.parametrize(("change", "looks"), [(0.15, 4), (0.05, 20), (0.02, 110)])
def test_a_worse_version_is_found_after_so_many_looks(change: float, looks: int) -> None:
    random = np.random.default_rng(20240502)
    level = np.full((SEEDS, WINDOWS), 0.8)
    found = _looks((level, level - change), (200, 200), random)
    worse = found.upper[:, LEAST_BLOCKS - 1 :] < 0
    assert worse.any(axis=1).all()
    assert np.median(worse.argmax(axis=1) + LEAST_BLOCKS) <= looks
    assert (found.upper[:, -1] < 0).all()
