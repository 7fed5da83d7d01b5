"""Distances and tails against the exact ones that scipy computes from the raw data."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, spatial, stats

from detectors import p_of_evidence
from detectors.anderson_darling import AndersonDarling
from detectors.cells import SMALLEST_EXPECTED, CategoricalCells, NumericCells
from detectors.chi_square import ChiSquare
from detectors.distance import Pairs
from detectors.evidence import CAP, e_value
from detectors.kolmogorov_smirnov import distance_of
from detectors.mean_embedding import MeanEmbedding
from detectors.proportion import Share, wilson
from profiles import Grid, Projection, Vocabulary
from profiles.counts import Floats, Ints
from profiles.embedding import FREQUENCIES

law = settings(max_examples=200, deadline=None)
samples = st.lists(st.integers(-20, 20).map(float) | st.floats(-30, 30), min_size=2, max_size=40)


@law
@given(one=samples, other=samples)
def test_the_ks_distance_is_exact_but_for_one_bin(one: list[float], other: list[float]) -> None:
    grid = Grid.fit(np.array(one + other))
    first, second = (grid.summarize(np.array(values)).counts for values in (one, other))
    exact = float(stats.ks_2samp(one, other, method="asymp").statistic)
    found = distance_of(first, second)
    largest = max(first.values.max() / first.total, second.values.max() / second.total)
    assert exact - largest - 1e-12 <= found <= exact + 1e-12


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1, 1.0])
@pytest.mark.parametrize("shape", ["normal", "exponential", "uniform", "lognormal", "cauchy"])
def test_the_ks_distance_of_ten_thousand_rows_is_within_three_per_mille(shape: str, shift: float) -> None:
    rng = np.random.default_rng(1)
    draw = {"cauchy": rng.standard_cauchy}.get(shape) or getattr(rng, shape)
    one, other = draw(size=10_000), draw(size=10_000) + shift
    grid = Grid.fit(one)
    exact = float(stats.ks_2samp(one, other, method="asymp").statistic)
    found = distance_of(grid.summarize(one).counts, grid.summarize(other).counts)
    assert exact - 0.003 <= found <= exact + 1e-12


def two(one: Floats, other: Floats) -> Pairs:
    """Two rows of counts, as a pair."""
    n, m = one.sum(), other.sum()
    return Pairs(one[None] / n, other[None] / m, np.array([n]), np.array([m]))


def chi_square(one: Floats, other: Floats) -> float:
    cells = CategoricalCells(Vocabulary(()), np.zeros(0, np.int64))
    pairs = two(one, other)
    return float((ChiSquare().squared(cells, pairs) * pairs.sizes)[0])


@law
@given(one=samples, other=samples)
def test_the_anderson_darling_distance_is_scipys_with_midranks(one: list[float], other: list[float]) -> None:
    grid = Grid.fit(np.array(one + other))
    first, second = (grid.summarize(np.array(values)) for values in (one, other))
    assume(len({*first.counts.keys, *second.counts.keys}) > 1)
    cells = NumericCells.of([first, second])
    pairs = two(cells.row(first), cells.row(second))
    found = float((AndersonDarling().squared(cells, pairs) * pairs.sizes)[0])
    bins = [np.repeat(part.counts.keys, part.counts.values) for part in (first, second)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its p-value is cut off
        exact = stats.anderson_ksamp(bins, variant="midrank")
    total = len(one) + len(other)
    # scipy tells the standardised statistic, and scales by N - 1 where the distance has N
    assert found * (total - 1) / total == pytest.approx(
        _unstandardised(exact.statistic, bins), rel=1e-6, abs=1e-6
    )


def _unstandardised(statistic: float, samples: list[Ints]) -> float:
    """Anderson and Darling's statistic of two samples, before Scholz and Stephens standardise it."""
    n = [sample.size for sample in samples]
    total = sum(n)
    h = (1 / np.arange(1, total)).sum()
    upper = np.cumsum(1 / np.arange(total - 1, 1, -1))
    g = (upper / np.arange(2, total)).sum()
    big = (1 / np.array(n)).sum()
    a = (4 * g - 6) + (10 - 6 * g) * big
    b = (2 * g - 4) * 4 + 8 * h * 2 + (2 * g - 14 * h - 4) * big - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * big + 4 * h
    d = (2 * h + 6) * 4 - 4 * h * 2
    variance = (a * total**3 + b * total**2 + c * total + d) / ((total - 1) * (total - 2) * (total - 3))
    return float(statistic * np.sqrt(variance) + 1)


tables = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12)


@law
@given(tables)
def test_chi_square_is_scipys(table: list[tuple[int, int]]) -> None:
    kept = np.array([pair for pair in table if sum(pair)] or [(1, 1)], np.float64).T
    if not kept.sum(axis=1).all():
        kept = kept + 1
    expected = stats.contingency.expected_freq(kept)
    exact = stats.chi2_contingency(kept, correction=False).statistic
    floored = chi_square(kept[0], kept[1])
    assert floored <= exact * (1 + 1e-9) + 1e-9
    if expected.min() >= SMALLEST_EXPECTED:
        assert floored == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_a_single_row_of_a_new_category_is_no_overwhelming_evidence() -> None:
    reference, window = np.array([15_000.0, 15_000.0, 0.0]), np.array([500.0, 499.0, 1.0])
    assert stats.chi2_contingency(np.stack([window, reference]), correction=False).statistic > 25
    assert chi_square(window, reference) < 1


@pytest.mark.parametrize("dimensions", [1, 3, 20])
@pytest.mark.parametrize("shift", [0.2, 1.0, 3.0])
def test_the_mean_embedding_is_the_mmd_of_a_gaussian_kernel(dimensions: int, shift: float) -> None:
    rng = np.random.default_rng(dimensions)
    one = rng.normal(size=(400, dimensions))
    other = rng.normal(size=(400, dimensions)) + shift / np.sqrt(dimensions)
    space = Projection((0.0,) * dimensions, (1.0,) * dimensions)
    detector = MeanEmbedding()
    judged = detector.judge(detector.learn([space.summarize(one)]), space.summarize(other), 1e-6)
    assert judged.value is not None

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-spatial.distance.cdist(a, b, "sqeuclidean") / (4 * dimensions)).mean())

    exact = kernel(one, one) + kernel(other, other) - 2 * kernel(one, other)
    # features are a sample of the kernel's frequencies: their mean is within three standard errors
    assert judged.value**2 / FREQUENCIES == pytest.approx(exact, rel=3 * np.sqrt(2 / FREQUENCIES))


@pytest.mark.parametrize(
    ("bad", "rows"), [(0, 50), (1, 50), (25, 50), (50, 50), (3, 10_000), (9_999, 10_000)]
)
def test_wilsons_interval_is_scipys(bad: int, rows: int) -> None:
    exact = stats.binomtest(bad, rows).proportion_ci(0.95, method="wilson")
    assert wilson(bad, rows) == pytest.approx((exact.low, exact.high), abs=1e-7)


@law
@given(
    rows=st.sampled_from([60, 1000, 5000]),
    mean=st.floats(0.0005, 0.95),
    spread=st.sampled_from([0.0, 0.01, 0.1, 0.3]),
    tail=st.floats(1e-8, 0.1),
)
def test_the_tail_of_a_share_is_never_light(rows: int, mean: float, spread: float, tail: float) -> None:
    """Against the binomial, or the beta-binomial of the same mean and variance: exact or on the safe side."""
    variance = min((spread * mean) ** 2, 0.2 * mean * (1 - mean))
    chances = stats.binom.pmf(np.arange(rows + 1), rows, mean)
    if variance:
        total = mean * (1 - mean) / variance - 1
        chances = stats.betabinom.pmf(np.arange(rows + 1), rows, total * mean, total * (1 - mean))
    reached = chances[::-1].cumsum()[::-1]  # the probability of at least so many
    bad = int(np.argmax(reached <= tail))
    exact = float(reached[bad])
    assume(1e-9 < exact <= tail)
    found = Share(mean, variance, 10**9).p_value(bad, rows)
    assert found >= 0.85 * exact
    if mean <= 0.1 and spread <= 0.1:
        assert found <= 3 * exact
    if not spread:
        assert found == pytest.approx(exact, rel=1e-6)


def test_an_e_value_is_fair_and_falls_with_p() -> None:
    mean, _ = integrate.quad(lambda log_p: e_value(np.exp(log_p)) * np.exp(log_p), -690, 0, limit=500)
    assert 0.99 < mean <= 1.0
    grid = np.concatenate([np.logspace(-300, -4, 400), np.linspace(1e-4, 1, 2000)])
    assert np.all(np.diff([e_value(p) for p in grid]) <= 1e-12)
    assert e_value(0.0) == e_value(1e-300) < np.inf


@given(st.floats(0.5, 100 * CAP))
def test_p_of_evidence_is_the_inverse(evidence: float) -> None:
    assert e_value(p_of_evidence(evidence)) == pytest.approx(evidence, rel=1e-3)
    assert p_of_evidence(0.1) == 1.0
