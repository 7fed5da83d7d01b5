"""Each distance of the catalogue against scipy or its textbook formula, on raw data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import spatial, special, stats

from detectors.cells import CategoricalCells, NumericCells
from detectors.cramer_von_mises import CramerVonMises
from detectors.distance import DistanceDetector, Pairs
from detectors.divergence import DivergenceDetector
from detectors.g_test import GTest
from detectors.hellinger import Hellinger
from detectors.jensen_shannon import JensenShannon
from detectors.largest_change import LargestChange
from detectors.population_stability import FLOOR, PopulationStability
from detectors.transport import FARTHEST
from detectors.wasserstein import Wasserstein
from profiles import Grid, NumericSummary, Vocabulary
from profiles.counts import Floats
from profiles.score import ScoreGrid

law = settings(max_examples=150, deadline=None)
samples = st.lists(st.integers(-20, 20).map(float) | st.floats(-30, 30), min_size=2, max_size=40)
tables = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12)

ROWS = 10_000
SHAPES: dict[str, Callable[[np.random.Generator], Floats]] = {
    "normal": lambda rng: rng.normal(size=ROWS),
    "lognormal": lambda rng: rng.lognormal(size=ROWS),
    "uniform": lambda rng: rng.random(ROWS),
    "cauchy": lambda rng: rng.standard_cauchy(ROWS),
    "poisson": lambda rng: rng.poisson(3.0, ROWS).astype(np.float64),
    "zero_inflated": lambda rng: np.where(rng.random(ROWS) < 0.8, 0.0, rng.lognormal(size=ROWS)),
}
CHANGES: dict[str, Callable[[Floats], Floats]] = {
    "none": lambda values: values,
    "shift": lambda values: values + 0.1,
    "spread": lambda values: 1.3 * values,
    "far mode": lambda values: np.where(np.arange(ROWS) < 100, 1e4, values),
    "gone": lambda values: values + 1e6,
}
over_shapes = pytest.mark.parametrize("shape", SHAPES)
over_changes = pytest.mark.parametrize("change", CHANGES)


def drawn(shape: str, change: str) -> tuple[Floats, Floats]:
    """A reference, and a window that is not the reference's rows again."""
    rng = np.random.default_rng(len(shape) + 7)
    return SHAPES[shape](rng), CHANGES[change](SHAPES[shape](rng))


def value_of(detector: DistanceDetector, reference: NumericSummary, current: NumericSummary) -> float:
    """The value that people see."""
    found = detector.model_copy(update={"min_rows": 1})
    judged = found.judge(found.learn([reference]), current, 1e-6)
    assert judged.value is not None
    return judged.value


def two(one: Floats, other: Floats) -> Pairs:
    """Two rows of counts, as a pair."""
    n, m = one.sum(), other.sum()
    return Pairs(one[None] / n, other[None] / m, np.array([n]), np.array([m]))


def assert_transported(reference: Floats, current: Floats) -> None:
    """Within half a bin, and 1/1024 of the unit, for each value of both."""
    grid = Grid.fit(reference)
    # of equal values a computer's standard deviation is not always 0
    unit = float(reference.std()) if np.ptp(reference) > 0 else grid.scale
    found = value_of(Wasserstein(), grid.summarize(reference), grid.summarize(current))
    half = [np.mean(grid.scale + np.abs(values - grid.center)) / 256 for values in (reference, current)]
    exact = stats.wasserstein_distance(reference, current)
    assert abs(found * unit - exact) <= sum(half) + unit * 2 / 1024 + 1e-9 * exact


@over_shapes
@over_changes
def test_wasserstein_is_scipys_over_the_standard_deviation(shape: str, change: str) -> None:
    assert_transported(*drawn(shape, change))


@law
@given(reference=samples, current=samples)
def test_wasserstein_is_scipys_whatever_the_numbers(reference: list[float], current: list[float]) -> None:
    one, other = np.array(reference), np.array(current)
    assume(np.ptp(one) == 0 or one.std() > 1e-3)
    grid = Grid.fit(one)
    assume(np.abs(other - grid.center).max() < FARTHEST * grid.scale)  # beyond, all is one bin
    assert_transported(one, other)


def test_wasserstein_of_a_shift_is_the_shift_in_standard_deviations() -> None:
    values = np.random.default_rng(1).normal(5.0, 3.0, ROWS)
    grid = Grid.fit(values)
    for shift in (0.1, 1.0, 30.0, 3000.0):
        moved = grid.summarize(values + shift)
        found = value_of(Wasserstein(), grid.summarize(values), moved)
        assert found == pytest.approx(shift / values.std(), rel=0.02, abs=0.002)


@pytest.mark.parametrize("shape", [(2.0, 5.0), (0.05, 20.0), (0.3, 0.3)], ids=["middle", "rare", "ends"])
def test_wasserstein_of_scores_is_scipys(shape: tuple[float, float]) -> None:
    rng = np.random.default_rng(6)
    reference, current = rng.beta(*shape, ROWS), rng.beta(shape[0] * 1.1, shape[1], ROWS)
    grid = ScoreGrid()
    found = value_of(Wasserstein(), grid.summarize(reference), grid.summarize(current))
    half = [np.mean(np.minimum(values, 1 - values)) / 128 for values in (reference, current)]
    exact = stats.wasserstein_distance(reference, current) / reference.std()
    assert found == pytest.approx(exact, abs=2 / 1024 + sum(half) / reference.std())


def test_one_row_far_out_is_a_distance_but_no_evidence() -> None:
    rng = np.random.default_rng(7)
    grid = Grid(0.0, 1.35)
    windows = [grid.summarize(rng.normal(size=1000)) for _ in range(30)]
    baseline = Wasserstein().learn(windows)
    usual = rng.normal(size=1000)
    for far in (1e3, -1e6, 1e12):
        judged = Wasserstein().judge(baseline, grid.summarize(np.append(usual, far)), 1e-6)
        assert judged.value is not None
        assert judged.threshold is not None
        assert judged.value == pytest.approx(abs(far) / 1001, rel=0.2)
        assert judged.value < judged.threshold
        assert judged.p_value is not None
        assert judged.p_value > 0.01
    many = np.append(usual, np.full(50, 1e3))
    found = Wasserstein().judge(baseline, grid.summarize(many), 1e-6)
    assert found.p_value is not None
    assert found.p_value < 1e-6


def midranks(one: Floats, other: Floats) -> float:
    """The two-sample Cramer-von Mises distance by mid-ranks."""
    pooled = np.concatenate([one, other])

    def below(sample: Floats) -> Floats:
        ordered = np.sort(sample)
        ends = np.searchsorted(ordered, pooled, "left") + np.searchsorted(ordered, pooled, "right")
        found: Floats = ends / (2 * sample.size)
        return found

    return float(np.sqrt(np.mean(np.square(below(one) - below(other)))))


@law
@given(reference=samples, current=samples)
def test_cramer_von_mises_is_that_of_midranks(reference: list[float], current: list[float]) -> None:
    one, other = np.array(reference), np.array(current)
    grid = Grid.fit(one)
    first, second = grid.summarize(one), grid.summarize(other)
    found = value_of(CramerVonMises(), first, second)
    edges = CramerVonMises().cells([first]).edges
    placed = [np.searchsorted(edges, grid.index(values.copy()), "right") for values in (one, other)]
    assert found == pytest.approx(midranks(*(at.astype(np.float64) for at in placed)), rel=1e-9, abs=1e-12)
    largest = max(np.bincount(at).max() / at.size for at in placed)
    assert abs(found - midranks(one, other)) <= largest + 1e-12
    assert found <= CramerVonMises.largest


@over_shapes
@pytest.mark.parametrize("change", ["none", "shift", "spread"])
def test_cramer_von_mises_of_ten_thousand_rows_is_within_three_per_mille(shape: str, change: str) -> None:
    one, other = drawn(shape, change)
    grid = Grid.fit(one)
    found = value_of(CramerVonMises(), grid.summarize(one), grid.summarize(other))
    assert found == pytest.approx(midranks(one, other), abs=0.003)
    if np.unique(np.concatenate([one, other])).size == 2 * ROWS:  # scipy's formula is for distinct values
        exact = stats.cramervonmises_2samp(one, other, method="asymptotic").statistic - 1 / (8 * ROWS)
        assert found == pytest.approx(np.sqrt(exact / (ROWS / 2)), abs=0.003)


def textbook(detector: DivergenceDetector, one: Floats, other: Floats) -> float:
    """The formula, where no cell is empty."""
    if isinstance(detector, JensenShannon):
        return float(spatial.distance.jensenshannon(one, other, base=2))
    if isinstance(detector, Hellinger):
        return float(np.linalg.norm(np.sqrt(one) - np.sqrt(other)) / np.sqrt(2))
    return float(((one - other) * np.log(one / other)).sum())


DIVERGENCES = (PopulationStability(), JensenShannon(), Hellinger())
over_divergences = pytest.mark.parametrize("detector", DIVERGENCES, ids=lambda one: one.kind)


@over_divergences
@law
@given(tables)
def test_a_divergence_of_shares_is_the_textbooks(
    detector: DivergenceDetector, table: list[tuple[int, int]]
) -> None:
    one, other = np.array(table, np.float64).T + 1
    pairs = two(one, other)
    found = float(detector.squared(None, pairs)[0]) ** detector.power
    # the rounding of a small distance is the root of that of its square
    assert found == pytest.approx(textbook(detector, pairs.one[0], pairs.other[0]), rel=1e-6, abs=1e-7)


@over_divergences
@law
@given(tables)
def test_an_empty_cell_makes_little_difference_but_no_infinity(
    detector: DivergenceDetector, table: list[tuple[int, int]]
) -> None:
    one, other = np.array(table, np.float64).T
    assume(one.sum() and other.sum())
    pairs = two(one, other)
    (found,) = detector.squared(None, pairs)
    rows = min(one.sum(), other.sum())
    empty = int(((one == 0) != (other == 0)).sum())
    if isinstance(detector, PopulationStability):
        held = np.maximum(FLOOR, 0.5 / np.array([one.sum(), other.sum()]))[:, None]
        p, q = np.stack([pairs.one[0], pairs.other[0]])
        p, q = np.maximum(p, np.minimum(q, held[0])), np.maximum(q, np.minimum(p, held[1]))
        assert found == pytest.approx((special.rel_entr(p, q) + special.rel_entr(q, p)).sum(), abs=1e-12)
    else:
        exact = textbook(detector, pairs.one[0], pairs.other[0]) ** 2
        # half a row in each empty cell: by the derivative of the square, at most so much
        most = {"jensen_shannon": 0.25 * np.log2(4 + 4 * rows) / rows, "hellinger": np.sqrt(0.5 / rows)}
        assert exact - empty * most[detector.kind] - 1e-12 <= found <= exact + 1e-12  # type: ignore[attr-defined]


@over_divergences
@over_shapes
@pytest.mark.parametrize("change", ["none", "shift", "spread"])
def test_a_divergence_of_a_number_is_that_of_tenths(
    detector: DivergenceDetector, shape: str, change: str
) -> None:
    one, other = drawn(shape, change)
    grid = Grid.fit(one)
    first, second = grid.summarize(one), grid.summarize(other)
    cells = detector.cells([first])
    assert isinstance(cells, NumericCells)
    cut = [np.searchsorted(cells.edges, grid.index(values.copy()), "right") for values in (one, other)]
    p, q = (np.bincount(at, minlength=cells.edges.size + 1) / ROWS for at in cut)
    assert np.all(p[[0, -1]] == 0)  # beyond the extremes
    ties = np.unique(one, return_counts=True)[1].max() / ROWS
    assert p.max() <= 0.1 + ties + 0.01
    if shape not in ("poisson", "zero_inflated"):
        assert p.size == 12
    p, q = np.maximum(p, np.minimum(q, 1e-4)), np.maximum(q, np.minimum(p, 1e-4))
    held = (p > 0) & (q > 0)
    found = value_of(detector, first, second)
    assert found == pytest.approx(textbook(detector, p[held], q[held]), rel=0.01, abs=0.006)
    assert found < detector.largest


def test_the_rule_of_thumb_for_psi_holds() -> None:
    """0.1 and 0.25 are a shift of about a third and half a standard deviation."""
    values = np.random.default_rng(2).normal(size=ROWS)
    grid = Grid.fit(values)
    index = [
        value_of(PopulationStability(), grid.summarize(values), grid.summarize(values + shift))
        for shift in (0.0, 0.32, 0.5, 1.0)
    ]
    assert index == pytest.approx([0.0, 0.1, 0.25, 1.0], rel=0.1, abs=1e-9)


@law
@given(tables)
def test_g_is_scipys(table: list[tuple[int, int]]) -> None:
    kept = np.array([pair for pair in table if sum(pair)] or [(1, 1)], np.float64).T
    if not kept.sum(axis=1).all():
        kept = kept + 1
    pairs = two(kept[0], kept[1])
    cells = CategoricalCells(Vocabulary(()), np.zeros(0, np.int64))
    found = float((GTest().squared(cells, pairs) * pairs.sizes)[0])
    exact = stats.chi2_contingency(kept, correction=False, lambda_="log-likelihood").statistic
    assert found == pytest.approx(exact, rel=1e-9, abs=1e-9)


@law
@given(tables)
def test_the_largest_change_is_the_chebyshev_distance(table: list[tuple[int, int]]) -> None:
    one, other = np.array(table, np.float64).T + 1
    pairs = two(one, other)
    cells = CategoricalCells(Vocabulary(()), np.zeros(0, np.int64))
    exact = spatial.distance.chebyshev(one / one.sum(), other / other.sum())
    assert np.sqrt(LargestChange().squared(cells, pairs)[0]) == pytest.approx(exact, abs=1e-12)


ON_NUMBERS = (Wasserstein(), CramerVonMises(), *DIVERGENCES)
ON_CATEGORIES = (GTest(), LargestChange(), *DIVERGENCES)
EVERY = (Wasserstein(), CramerVonMises(), GTest(), LargestChange(), *DIVERGENCES)
NAMES = Vocabulary(("a", "b", "c", "d"))


def of_categories(counts: list[int]) -> object:
    return NAMES.summarize(np.repeat(np.arange(4), counts), NAMES.values)


@pytest.mark.parametrize("detector", ON_CATEGORIES, ids=lambda one: one.kind)
def test_categories_are_judged_by_their_shares(detector: DistanceDetector) -> None:
    reference, current = [4000, 3000, 2000, 1000], [3000, 3000, 3000, 1000]
    p, q = np.array(reference) / ROWS, np.array(current) / ROWS
    ratio = stats.chi2_contingency([30 * ROWS * p, ROWS * q], correction=False, lambda_="log-likelihood")
    exact = {"g_test": np.sqrt(ratio.statistic * 31 / 30 / ROWS), "largest_change": 0.1}
    kind = detector.kind  # type: ignore[attr-defined]
    wanted = exact[kind] if kind in exact else textbook(detector, p, q)  # type: ignore[arg-type]
    baseline = detector.learn([of_categories(reference)] * 30)
    found = detector.judge(baseline, of_categories(current), 1e-6)
    assert found.value == pytest.approx(wanted, rel=1e-9)
    assert found.note in ("share of 'a' 40.0% -> 30.0%", "share of 'c' 20.0% -> 30.0%")
    assert found.p_value is not None
    assert found.p_value < 1e-6


@pytest.mark.parametrize("detector", EVERY, ids=lambda one: one.kind)
@law
@given(tables)
def test_a_distance_is_symmetric_and_none_to_itself(
    detector: DistanceDetector, table: list[tuple[int, int]]
) -> None:
    one, other = np.array(table, np.float64).T
    assume(one.sum() and other.sum())
    grid = Grid(0.0, 100.0)  # on which whole numbers have bins of their own
    first, second = (
        grid.summarize(np.repeat(np.arange(one.size), counts.astype(np.int64)).astype(np.float64))
        for counts in (one, other)
    )
    cells = Wasserstein().cells([first, second]) if isinstance(detector, Wasserstein) else None
    rows = [one, other] if cells is None else [cells.row(first), cells.row(second)]
    n, m = one.sum(), other.sum()
    there = Pairs(rows[0][None] / n, rows[1][None] / m, np.array([n]), np.array([m]))
    back = Pairs(there.other, there.one, there.others, there.rows)
    same = Pairs(there.one, there.one, there.rows, there.rows)
    assert detector.squared(cells, there) == pytest.approx(detector.squared(cells, back), rel=1e-9, abs=1e-12)
    assert detector.squared(cells, there)[0] >= 0
    assert detector.squared(cells, same)[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("detector", ON_NUMBERS, ids=lambda one: one.kind)
def test_a_change_up_to_the_smallest_of_interest_is_no_news(detector: DistanceDetector) -> None:
    rng = np.random.default_rng(3)
    grid = Grid(0.0, 1.35)
    windows = [grid.summarize(rng.normal(size=ROWS)) for _ in range(10)]
    current = grid.summarize(rng.normal(0.2, 1.0, ROWS))
    plain = detector.judge(detector.learn(windows), current, 1e-6)
    assert plain.value is not None
    assert plain.p_value is not None
    assert plain.p_value < 1e-6
    for factor, least in ((1.01, 0.999), (0.5, 0.0)):
        asked = detector.model_copy(update={"min_effect": factor * plain.value})
        judged = asked.judge(asked.learn(windows), current, 1e-6)
        assert judged.value == plain.value
        assert judged.threshold is not None
        assert judged.threshold > factor * plain.value
        assert judged.p_value is not None
        assert plain.p_value < judged.p_value
        assert judged.p_value >= least


def test_a_number_that_goes_to_a_value_never_seen_is_found_by_all() -> None:
    rng = np.random.default_rng(4)
    grid = Grid(0.0, 0.01)
    windows = [
        grid.summarize(np.where(rng.random(500) < 0.99, 0.0, rng.lognormal(size=500))) for _ in range(30)
    ]
    for detector in ON_NUMBERS:
        baseline = detector.learn(windows)
        for changed in (5.0, 1e-3, -1e9, 1e300):
            judged = detector.judge(baseline, grid.summarize(np.full(500, changed)), 1e-6)
            assert judged.p_value is not None
            assert judged.p_value < 1e-4, (detector, changed)
