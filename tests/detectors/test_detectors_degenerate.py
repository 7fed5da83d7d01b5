"""No reference and no window makes a detector raise, or say something that is no number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Judgement
from detectors.performance.metrics import METRICS
from detectors.performance_drop import PerformanceDrop
from profiles import Counts, Grid, LatencySummary, NumericSummary
from profiles.sample import BottomK
from tests.detectors.examples import (
    EXAMPLES,
    GRID,
    ROOM,
    Example,
    categories,
    latencies,
    outcomes,
    repeated,
    sampled,
    shifted,
    unreadable,
    vectors,
)  # fmt: skip
from tests.profiles import cases

ALPHA = 1e-6


def rows_sampled(space: BottomK, rows: Any) -> Any:
    """Rows of a number and a word as a sample."""
    words = np.array([*(row[1] for row in rows), None], object)[:-1]
    numbers = np.array([row[0] for row in rows], np.float64)
    hashes = np.random.default_rng(len(rows)).integers(0, 1 << 63, len(rows)).astype(np.uint64)
    return space.summarize(hashes, {"features.x": numbers, "features.w": words})


SAMPLED = cases.Case(
    st.just(ROOM),
    st.tuples(cases.finite | st.just(math.nan), st.none() | st.sampled_from("abc")),
    rows_sampled,
    (ROOM, (1.0, "a")),
)
CASES = cases.CASES | {"sample": SAMPLED}
each = pytest.mark.parametrize(
    "example",
    # what fits a model to a sample takes seconds
    [
        pytest.param(one, marks=pytest.mark.slow) if "sample" in one.detector.spaces else one
        for one in EXAMPLES.values()
    ],
    ids=lambda example: type(example.detector).__name__,
)


def assert_sound(judged: Judgement) -> None:
    """Every number is one, the interval holds the value, and an insufficient judgement says why."""
    assert judged.breach is None
    for number in (judged.value, judged.lower, judged.upper, judged.threshold):
        assert number is None or math.isfinite(number)
    assert 0 < judged.weight <= 1
    if judged.p_value is None:
        assert judged.note
        return
    assert 0 <= judged.p_value <= 1
    assert judged.value is not None
    assert judged.threshold is not None
    if judged.lower is not None and judged.upper is not None:
        assert judged.lower <= judged.value * (1 + 1e-9) + 1e-12
        assert judged.value <= judged.upper * (1 + 1e-9) + 1e-12


def strange(kind: str) -> list[Any]:
    """Windows without rows, without values, of one value, of one row, and of many more rows than usual."""
    space, row = CASES[kind].ordinary
    summarize = CASES[kind].summarize
    found = [space.zero(), summarize(space, [row]), summarize(space, [row] * 500)]
    if kind == "numeric":
        found += [
            GRID.summarize(np.full(500, np.nan)),
            GRID.summarize(np.array([np.inf, -np.inf, 1e300] * 200)),
        ]
        found += [NumericSummary(GRID, Counts(np.array([0]), np.array([10**12])))]
        return [window if window.space == GRID else GRID.summarize(np.full(500, 3.0)) for window in found]
    rng = np.random.default_rng(3)
    makers = {
        "categorical": categories, "embedding": vectors, "binary": outcomes, "latency": latencies,
        "contract": unreadable, "arrivals": repeated, "moments": shifted,
        "sample": sampled(2),
    }  # fmt: skip
    usual = makers[kind](rng, 500, 0.0)
    found = [window for window in found if window.space == usual.space]
    return [*found, usual, usual.space.zero(), usual + usual, *missing(kind, usual)]


def missing(kind: str, usual: Any) -> list[Any]:
    if kind == "categorical":
        return [usual.space.summarize(np.full(500, -1), [])]
    if kind == "embedding":
        return [usual.space.summarize(np.full((500, 3), np.nan))]
    if kind == "moments":
        return [usual.space.summarize([np.full(500, np.nan)] * 3)]
    if kind in ("contract", "arrivals", "sample"):
        return []
    if kind == "latency":
        return [LatencySummary(usual.space, Counts(), 500, 500), usual.space.summarize(np.zeros(500), None)]
    nan, ones, zeros = np.full(500, np.nan), np.ones(500), np.zeros(500)
    return [usual.space.summarize(nan, ones, ones), usual.space.summarize(zeros, zeros, ones)]


@each
def test_a_degenerate_reference_or_window_never_raises(example: Example) -> None:
    windows = strange(example.detector.spaces[0])
    references = [[one] for one in windows] + [[one] * 5 for one in windows] + [windows, windows[::-1]]
    for reference in references:
        baseline = example.detector.learn(reference)
        for current in windows:
            assert_sound(example.detector.judge(baseline, current, ALPHA))


@pytest.mark.parametrize(
    "example",
    [one for one in EXAMPLES.values() if "numeric" in one.detector.spaces],
    ids=lambda example: type(example.detector).__name__,
)
@pytest.mark.parametrize("grid", [Grid(0.0, 1e300), Grid(1.0, 1e-290), Grid(-1e300, 1e300)], ids=str)
def test_infinities_on_the_widest_and_the_finest_grids_never_raise(example: Example, grid: Grid) -> None:
    detector = example.detector.model_copy(update={"min_rows": 1})
    sides = [np.array(values) for values in ([np.inf], [-np.inf], [-np.inf, np.inf], [1.0, np.inf])]
    windows = [grid.summarize(values) for values in sides]
    for current in windows:
        for reference in (windows, windows[::-1], windows[:1], windows[1:2] * 3):
            assert_sound(detector.judge(detector.learn(reference), current, ALPHA))


@each
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_window_whatever_makes_a_detector_raise(example: Example, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(example.detector.spaces))
    case = CASES[kind]
    space = data.draw(case.spaces)
    changes: dict[str, Any] = {"min_rows": data.draw(st.sampled_from([1, 3]))}
    if isinstance(example.detector, PerformanceDrop):
        changes["metric"] = data.draw(st.sampled_from(sorted(METRICS[kind])))
    detector = example.detector.model_copy(update=changes)
    rows = st.lists(case.rows, max_size=8)
    copies = st.sampled_from([1, 100])
    reference = [
        case.summarize(space, data.draw(rows) * data.draw(copies))
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    current = case.summarize(space, data.draw(rows) * data.draw(copies))
    alpha = data.draw(st.sampled_from([1e-300, 1e-9, 0.01, 0.5, 1.0]))
    assert_sound(detector.judge(detector.learn(reference), current, alpha))


@each
@pytest.mark.parametrize("alpha", [1e-9, 1e-4, 0.05])
def test_the_threshold_is_the_value_whose_p_value_is_alpha(example: Example, alpha: float) -> None:
    baseline = example.detector.learn(example.windows(30))
    for changed in np.linspace(0.0, 0.4, 25):
        judged = example.detector.judge(
            baseline, example.one(changed=changed, seed=int(1000 * changed)), alpha
        )
        assert judged.value is not None
        assert judged.threshold is not None
        assert judged.p_value is not None
        worse = judged.value <= judged.threshold if _falls(example) else judged.value >= judged.threshold
        assert worse == (judged.p_value <= alpha)


def _falls(example: Example) -> bool:
    return example.detector.signal("") == "performance.roc_auc"
