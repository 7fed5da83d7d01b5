"""Data quality: rare alarms on healthy data however odd, and exact distributions where there are any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors import Detector
from detectors.constant import Constant, concentration
from detectors.missing import Missing
from detectors.out_of_range import OutOfRange
from detectors.type_fault import TypeFault
from detectors.unseen import Unseen
from detectors.vanished import Fixtures, Vanished
from profiles import Grid, Projection, Vocabulary
from tests.detectors.examples import COLOURS, EXAMPLES, GRID, unreadable
from tests.detectors.test_detectors_calibration import assert_rare

Rng = np.random.Generator
Maker = Callable[[Rng], Any]
Array = npt.NDArray[np.float64]
ROWS = 1000
LETTERS = Vocabulary(tuple(f"c{place:03d}" for place in range(200)))


def p_values(detector: Detector, window: Maker, reference: int = 30, seed: int = 5) -> Array:
    """Of fresh healthy windows, under fresh references."""
    rng = np.random.default_rng(seed)
    found: list[float | None] = []
    for _ in range(40):
        baseline = detector.learn([window(rng) for _ in range(reference)])
        found += [detector.judge(baseline, window(rng), 1e-6).p_value for _ in range(30)]
    return np.array(found, np.float64)


def zero_inflated(rng: Rng) -> Array:
    values = rng.lognormal(0.0, 2.0, ROWS)
    values[rng.random(ROWS) < 0.95] = 0.0
    return values


COLUMNS: dict[str, Callable[[Rng], Array]] = {
    "normal": lambda rng: rng.normal(size=ROWS),
    "cauchy": lambda rng: rng.standard_cauchy(ROWS),
    "pareto": lambda rng: rng.pareto(0.5, ROWS),
    "zero inflated": zero_inflated,
    "integers": lambda rng: rng.poisson(3.0, ROWS).astype(np.float64),
    "two values": lambda rng: (rng.random(ROWS) < 0.01).astype(np.float64),
    "constant": lambda _: np.full(ROWS, 7.0),
    "wandering": lambda rng: rng.normal(rng.normal(0.0, 0.3), 1.0, ROWS),
}


@pytest.mark.parametrize("detector", [OutOfRange(), Constant()], ids=lambda one: one.kind)
@pytest.mark.parametrize("column", COLUMNS)
def test_odd_columns_are_no_fault(detector: Detector, column: str) -> None:
    grid = Grid.fit(COLUMNS[column](np.random.default_rng(1)))
    assert_rare(p_values(detector, lambda rng: grid.summarize(COLUMNS[column](rng))))


def categories(rng: Rng) -> Any:
    shares = np.random.default_rng(0).dirichlet(np.full(200, 0.3))
    codes = rng.choice(200, ROWS, p=rng.dirichlet(shares * 2000))
    return LETTERS.summarize(codes, LETTERS.values)


@pytest.mark.parametrize("detector", [Unseen(), Vanished(), Constant()], ids=lambda one: one.kind)
def test_many_rare_categories_are_no_fault(detector: Detector) -> None:
    assert_rare(p_values(detector, categories))


@pytest.mark.parametrize("windows", [1, 3, 30])
@pytest.mark.parametrize("kind", ["long tail", "mostly new"])
def test_a_column_of_ever_new_values_is_no_fault(windows: int, kind: str) -> None:
    """The vocabulary is that of the reference, and full: what is in it happened to come often."""
    rng = np.random.default_rng(2)

    def draw() -> npt.NDArray[np.int64]:
        return rng.zipf(1.5, 2000) if kind == "long tail" else rng.integers(0, 100_000, 2000)

    found = []
    for _ in range(12):
        reference = [draw() for _ in range(windows)]
        values, counts = np.unique(np.concatenate(reference), return_counts=True)
        words = Vocabulary.fit([str(value) for value in values], counts.tolist())

        def summarize(column: npt.NDArray[np.int64], words: Vocabulary = words) -> Any:
            distinct, codes = np.unique(column, return_inverse=True)
            return words.summarize(codes, [str(value) for value in distinct])

        baseline = Unseen().learn([summarize(one) for one in reference])
        found += [Unseen().judge(baseline, summarize(draw()), 1e-6).p_value for _ in range(20)]
    assert_rare(np.array(found, np.float64))


@pytest.mark.parametrize("kind", ["type_fault", "contract", "duplicates", "constant", "vanished"])
def test_small_p_values_of_bad_rows_are_rare(kind: str) -> None:
    example = next(one for one in EXAMPLES.values() if one.detector.model_dump()["kind"] == kind)
    assert_rare(p_values(example.detector, lambda rng: example.window(rng, ROWS, 0.0)))


def test_a_long_reference_of_equal_windows_comes_to_the_binomial_test() -> None:
    rng = np.random.default_rng(3)
    baseline = TypeFault().learn([unreadable(rng, 10_000, 0.0) for _ in range(400)])
    for bad in (115, 130, 150):
        exact = stats.binomtest(bad, 10_000, 0.01, alternative="greater").pvalue
        ours = baseline.whole.p_value(bad, 10_000)
        assert exact <= ours <= 20 * exact**0.8


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_two_points_more_missing_are_found_at_once(share: float) -> None:
    rng = np.random.default_rng(4)

    def window(share: float) -> Any:
        values = rng.normal(size=10_000)
        values[rng.random(10_000) < share] = np.nan
        return GRID.summarize(values)

    baseline = Missing().learn([window(share) for _ in range(14)])
    assert (Missing().judge(baseline, window(share + 0.02), 1e-6).p_value or 0) < 1e-9


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_column_that_is_always_or_never_missing_may_stay_so(share: float) -> None:
    window = GRID.summarize(np.where(np.arange(10_000) < share * 10_000, np.nan, 0.5))
    judged = Missing().judge(Missing().learn([window] * 14), window, 1e-6)
    assert (judged.p_value or 0) > 0.5


def test_one_row_in_ten_thousand_beyond_the_extremes_is_normal() -> None:
    rng = np.random.default_rng(5)
    baseline = OutOfRange().learn([GRID.summarize(rng.normal(size=10_000)) for _ in range(30)])
    for beyond, low, high in ((1, 0.03, 1.0), (100, 0.0, 1e-6)):
        values = rng.normal(size=10_000).clip(-3, 3)
        values[:beyond] = 1e6
        judged = OutOfRange().judge(baseline, GRID.summarize(values), 1e-6)
        assert low <= (judged.p_value or 0) <= high


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=30))
def test_concentration_is_how_often_two_rows_agree(codes: list[int]) -> None:
    agree = [a == b for i, a in enumerate(codes) for j, b in enumerate(codes) if i != j]
    words = LETTERS.summarize(np.array(codes), LETTERS.values)
    numbers = Grid(0.0, 1.0).summarize(10.0 * np.array(codes, np.float64))
    assert concentration(words) == pytest.approx(np.sqrt(np.mean(agree)))
    assert concentration(numbers) == pytest.approx(np.sqrt(np.mean(agree)))


def test_concentration_of_vectors_is_the_mean_kernel() -> None:
    rng = np.random.default_rng(6)
    space = Projection((0.0, 0.0), (1.0, 1.0))
    vectors = rng.normal(size=(60, 2))
    squares = np.square(vectors[:, None] - vectors[None]).sum(axis=2)
    kernel = np.exp(-squares / 8)  # the bandwidth is 2, see Projection
    mean = (kernel.sum() - 60) / (60 * 59)
    assert concentration(space.summarize(vectors)) == pytest.approx(np.sqrt(mean), abs=0.05)
    assert concentration(space.summarize(np.ones((60, 2)))) == pytest.approx(1.0)


@pytest.mark.parametrize("stuck", [0.2, 1.0])
@pytest.mark.parametrize("rows", [200, 1000, 50_000])
def test_a_value_that_takes_over_is_found_whatever_the_rows(stuck: float, rows: int) -> None:
    rng = np.random.default_rng(7)
    baseline = Constant().learn([GRID.summarize(rng.normal(size=1000)) for _ in range(30)])
    values = rng.normal(size=rows)
    assert (Constant().judge(baseline, GRID.summarize(values), 1e-6).p_value or 0) > 1e-3
    values[: int(stuck * rows)] = 0.123
    assert (Constant().judge(baseline, GRID.summarize(values), 1e-6).p_value or 0) < 1e-9


@pytest.mark.parametrize(("share", "rows"), [(0.05, 100), (0.2, 60), (0.01, 5000)])
def test_the_absence_of_a_category_has_the_probability_of_the_negative_binomial(
    share: float, rows: int
) -> None:
    variation = 0.3
    fixtures = Fixtures(np.array([0]), np.array([share]), variation)
    exact = stats.nbinom.pmf(0, 1 / variation, 1 / (1 + rows * share * variation))
    assert fixtures.p_value(share, rows) == pytest.approx(exact)
    assert fixtures.threshold(float(exact), rows) == pytest.approx(share)


def test_a_category_that_is_sometimes_absent_is_no_loss() -> None:
    rng = np.random.default_rng(8)
    codes = [
        rng.choice(3, ROWS, p=[0.5, 0.3 * (place % 7 > 0), 0.5 - 0.3 * (place % 7 > 0)])
        for place in range(28)
    ]
    baseline = Vanished().learn([COLOURS.summarize(one, COLOURS.values) for one in codes])
    gone = COLOURS.summarize(rng.choice([0, 2], ROWS), COLOURS.values)
    assert Vanished().judge(baseline, gone, 1e-6).p_value == 1.0
