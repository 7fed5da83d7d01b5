"""Two versions compared by profiles of windows: verdicts, margins, what is missing, and the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import spatial, stats
from sklearn import metrics as oracle

from detectors.comparison.blocks import GROWTH
from detectors.comparison.compare import LEAST_BLOCKS, Arm, Difference, Look, Verdict, compare
from detectors.comparison.drift import prediction_distance
from detectors.comparison.gate import Result, result, verdict
from detectors.comparison.measure import LEAST_ROWS, Measure, measure_of
from profiles import Grid, LatencyGrid, LatencySummary, Outcomes, ResidualGrid, Vocabulary
from profiles.counts import Counts
from profiles.score import ScoreGrid

OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
GRID = LatencyGrid()


def requests(random: np.random.Generator, rows: int, scale: float = 1.0, failing: float = 0.01) -> Any:
    return GRID.summarize(20 * scale * random.lognormal(0, 0.5, rows), (random.random(rows) < failing) * 1.0)


def outcomes(random: np.random.Generator, rows: int, told: float, positive: float = 0.4) -> Any:
    """A window of a model whose scores tell positives from negatives by so many standard deviations."""
    labels = (random.random(rows) < positive) * 1.0
    scores = stats.norm.cdf(random.normal(0, 1, rows) + told * (labels - 0.5))
    return Outcomes().summarize(scores, (scores > 0.5) * 1.0, labels)


def pair(
    seed: int,
    windows: int,
    baseline: dict[str, float],
    candidate: dict[str, float],
    make: Any,
    rows: int = 200,
) -> tuple[list[Any], list[Any]]:
    random = np.random.default_rng(seed)
    made = [[make(random, rows, **held) for held in (baseline, candidate)] for _ in range(windows)]
    return [one for one, _ in made], [other for _, other in made]


SAME: dict[str, float] = {}
CASES = [
    ("error_rate", requests, SAME, {"failing": 0.06}, Verdict.WORSE),
    ("latency_mean", requests, SAME, {"scale": 0.8}, Verdict.BETTER),
    ("latency_p50", requests, SAME, {"scale": 1.2}, Verdict.WORSE),
    ("latency_p90", requests, {"scale": 1.3}, SAME, Verdict.BETTER),
    ("roc_auc", outcomes, {"told": 2.0}, {"told": 1.0}, Verdict.WORSE),
    ("accuracy", outcomes, {"told": 1.0}, {"told": 2.0}, Verdict.BETTER),
    ("log_loss", outcomes, {"told": 2.0}, {"told": 0.5}, Verdict.WORSE),
    ("recall", outcomes, {"told": 0.5}, {"told": 2.0}, Verdict.BETTER),
]


@pytest.mark.parametrize(("name", "make", "baseline", "candidate", "expected"), CASES)
def test_what_differs_is_found_and_mirrored_where_versions_are_swapped(
    name: str, make: Any, baseline: Any, candidate: Any, expected: Verdict
) -> None:
    measure = measure_of("binary", name)
    one, other = pair(1, 40, baseline, candidate, make)
    found, swapped = compare(measure, one, other), compare(measure, other, one)
    assert found.verdict is expected
    assert swapped.verdict is OPPOSITE[expected]
    assert found.not_worse is (expected is Verdict.BETTER)
    assert found.looks[-1].lower == pytest.approx(-swapped.looks[-1].upper)
    assert not compare(measure, one, one).not_worse
    assert compare(measure, one, one).verdict is Verdict.SAME


@pytest.mark.parametrize(
    "name", ["error_rate", "latency_mean", "latency_p90", "roc_auc", "f1", "ece", "pr_auc"]
)
def test_equal_versions_of_unequal_traffic_are_not_told_apart(name: str) -> None:
    """A tenth of the traffic: a metric that is off in small blocks must not make a difference of it."""
    measure, bad = measure_of("binary", name), 0
    make: Any = requests if measure.part == "latency" else lambda random, rows: outcomes(random, rows, 1.5)
    for seed in range(12):
        random = np.random.default_rng(seed)
        one = [make(random, 900) for _ in range(40)]
        other = [make(random, 100) for _ in range(40)]
        bad += compare(measure, one, other).verdict is not Verdict.SAME
    assert bad <= 1  # P(more of 12 at 5 %) is 12 %, and the seeds are fixed


@pytest.mark.parametrize("swing", [0.2, -0.2])
def test_a_share_of_traffic_that_follows_the_error_rate_makes_no_difference(swing: float) -> None:
    """At night more fails for both, and the candidate has more of the traffic: over all it fails more."""
    measure, hours, bad = measure_of("binary", "error_rate"), np.arange(240), 0
    night = np.sin(hours * 2 * np.pi / 24)
    share, level = 0.3 + swing * night, 0.3 + 0.15 * night
    for seed in range(12):
        random = np.random.default_rng(seed)
        rows = [random.binomial(1000, one) for one in (1 - share, share)]
        failed = [random.binomial(held, level) for held in rows]
        one, other = (
            [LatencySummary(GRID, Counts(), int(n), int(k)) for n, k in zip(*arm, strict=True)]
            for arm in zip(rows, failed, strict=True)
        )
        found = compare(measure, one, other)
        assert abs(found.candidate.value - found.baseline.value) > 0.03
        bad += found.verdict is not Verdict.SAME
    assert bad <= 1


def test_a_version_is_not_worse_by_a_margin_once_the_interval_is_within_it() -> None:
    measure = measure_of("binary", "error_rate")
    one, other = pair(2, 60, SAME, SAME, requests, rows=500)
    half = (compare(measure, one, other).looks[-1].upper - compare(measure, one, other).looks[-1].lower) / 2
    wide = compare(measure, one, other, margin=3 * half)
    assert (wide.verdict, wide.not_worse) == (Verdict.SAME, True)
    assert not compare(measure, one, other, margin=half / 2).not_worse
    few = compare(measure, one[:5], other[:5], margin=3 * half)
    assert (few.verdict, few.not_worse) == (Verdict.SAME, False)


def test_a_difference_within_the_margin_is_none_that_matters() -> None:
    measure = measure_of("binary", "error_rate")
    one, other = pair(3, 60, {"failing": 0.01}, {"failing": 0.03}, requests, rows=1000)
    assert compare(measure, one, other).verdict is Verdict.WORSE
    found = compare(measure, one, other, margin=0.05)
    assert (found.verdict, found.not_worse) == (Verdict.SAME, True)


def test_a_margin_is_a_share_of_the_value_where_a_measure_has_no_limit() -> None:
    one, other = pair(4, 20, SAME, {"scale": 1.1}, requests)
    mean = compare(measure_of("binary", "latency_mean"), one, other, margin=0.5)
    assert mean.margin == pytest.approx(0.5 * mean.baseline.value)
    assert compare(measure_of("binary", "error_rate"), one, other, margin=0.5).margin == 0.5


def test_a_rate_without_a_better_way_is_different() -> None:
    measure = measure_of("binary", "positive_rate")
    assert measure.better == 0
    either = Vocabulary(("0", "1"))
    random = np.random.default_rng(5)
    fewer, more = (
        [either.summarize((random.random(300) < rate).astype(np.int64), ["0", "1"]) for _ in range(30)]
        for rate in (0.3, 0.5)
    )
    found = compare(measure, fewer, more)
    assert found.verdict is Verdict.DIFFERENT
    assert compare(measure, more, fewer).verdict is Verdict.DIFFERENT
    assert found.baseline.value == pytest.approx(0.3, abs=0.02)
    assert result([found]) is Result.FAIL
    assert compare(measure, fewer, more, margin=0.3).not_worse


def test_what_is_missing_is_said() -> None:
    measure = measure_of("binary", "roc_auc")
    few, many = (outcomes(np.random.default_rng(6), rows, 1.0) for rows in (10, 200))
    assert compare(measure, [], []).missing == "the baseline has 0 labels, fewer than 50"
    assert compare(measure, [many], [few]).missing == "the candidate has 10 labels, fewer than 50"
    told = compare(measure, [many] * 2, [many] * 2)
    assert told.missing == f"2 of {LEAST_BLOCKS} stretches of windows with at least 50 labels of each version"
    assert (told.verdict, told.not_worse) == (Verdict.INSUFFICIENT, False)
    ones = [outcomes(np.random.default_rng(seed), 60, 1.0, positive=1.1) for seed in range(9)]
    undefined = compare(measure, ones, ones)
    assert undefined.missing == "the labels of both versions do not define roc_auc"
    assert not undefined.looks


def test_versions_without_any_error_are_the_same_and_a_certain_difference_is_found() -> None:
    measure, space = measure_of("regression", "mae"), ResidualGrid(Grid(0.0, 1.0))
    perfect, off = (space.summarize(np.full(100, miss), np.zeros(100)) for miss in (0.0, 2.0))
    with np.errstate(all="raise"):
        same = compare(measure, [perfect] * 6, [perfect] * 6)
        worse = compare(measure, [perfect] * 6, [off] * 6)
        moody = compare(measure, [perfect] * 6, [off, perfect] * 3)
    assert (same.verdict, same.looks[-1].lower, same.looks[-1].upper) == (Verdict.SAME, 0, 0)
    assert worse.verdict is Verdict.WORSE
    assert moody.verdict is Verdict.SAME


def test_small_windows_are_put_together() -> None:
    one, other = pair(7, 200, SAME, SAME, requests, rows=10)
    found = compare(measure_of("binary", "error_rate"), one, other)
    gaps = np.diff([0, *(look.windows for look in found.looks)])
    assert gaps[0] == LEAST_ROWS / 10
    assert (np.diff(gaps) >= 0).all()
    assert gaps[-1] >= GROWTH * sum(gaps[:-1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 40))
def test_looking_more_often_never_changes_what_is_said_at_a_time(seed: int, stop: int) -> None:
    measure = measure_of("binary", "error_rate")
    one, other = pair(seed, 40, SAME, {"failing": 0.03}, requests, rows=60)
    whole, first = compare(measure, one, other).looks, compare(measure, one[:stop], other[:stop]).looks
    assert [look for look in whole if look.windows <= stop] == list(first)


def test_values_are_those_of_all_rows() -> None:
    random = np.random.default_rng(8)
    latency = 20 * random.lognormal(0, 1, (5, 4000))
    windows = [GRID.summarize(row, np.zeros(row.size)) for row in latency]
    for name, expected in (
        ("latency_mean", latency.mean()),
        ("latency_p50", np.quantile(latency, 0.5)),
        ("latency_p99", np.quantile(latency, 0.99)),
        ("latency_p99.9", np.quantile(latency, 0.999)),
    ):
        found = compare(measure_of("regression", name), windows, windows).baseline
        assert found.value == pytest.approx(expected, rel=0.01), name
        assert found.lower < expected < found.upper


def test_the_error_of_a_quantile_is_that_of_many_draws() -> None:
    measure, random = measure_of("binary", "latency_p90"), np.random.default_rng(9)
    drawn = [measure.compute(requests(random, 2000)) for _ in range(400)]
    values, errors = np.array(drawn).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.12)


def test_a_metric_of_labels_is_the_tasks_own() -> None:
    random = np.random.default_rng(10)
    labels = (random.random(3000) < 0.3) * 1.0
    scores = np.clip(random.normal(0.4 + 0.2 * labels, 0.2), 0.001, 0.999)
    window = Outcomes().summarize(scores, (scores > 0.5) * 1.0, labels)
    found = compare(measure_of("binary", "roc_auc"), [window], [window]).baseline
    assert found.value == pytest.approx(oracle.roc_auc_score(labels, scores), abs=0.002)


@pytest.mark.parametrize("name", ["nope", "latency_p0", "latency_p100", "latency_p", "latency_p99.99999", ""])
def test_an_unknown_measure_is_told_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"roc_auc.* and error_rate"):
        measure_of("binary", name)


def test_a_rate_of_positives_is_of_a_binary_task() -> None:
    with pytest.raises(ValueError, match="positive_rate is no metric of a regression task"):
        measure_of("regression", "positive_rate")


def _difference(name: str, low: float, high: float, margin: float = 0.0, missing: str = "") -> Difference:
    arm, measure = Arm(0.5, 0.4, 0.6, 100), measure_of("binary", name)
    return Difference(measure, arm, arm, [Look(9, (low + high) / 2, low, high)], margin, missing)


BETTER, WORSE = _difference("accuracy", 0.1, 0.2), _difference("accuracy", -0.2, -0.1)
OPEN, SAFE = _difference("accuracy", -0.1, 0.1), _difference("accuracy", -0.1, 0.1, margin=0.2)
UNKNOWN = _difference("accuracy", 0.1, 0.2, missing="labels")


@pytest.mark.parametrize(
    ("some", "expected", "word"),
    [
        ([BETTER], Result.PASS, Verdict.BETTER),
        ([BETTER, SAFE], Result.PASS, Verdict.BETTER),
        ([SAFE], Result.PASS, Verdict.SAME),
        ([BETTER, OPEN], Result.WAIT, Verdict.BETTER),
        ([BETTER, UNKNOWN], Result.WAIT, Verdict.INSUFFICIENT),
        ([BETTER, WORSE], Result.FAIL, Verdict.WORSE),
        ([UNKNOWN, WORSE], Result.FAIL, Verdict.WORSE),
        ([], Result.WAIT, Verdict.INSUFFICIENT),
        ([_difference("error_rate", 0.1, 0.2)], Result.FAIL, Verdict.WORSE),
        ([_difference("error_rate", -0.2, -0.1)], Result.PASS, Verdict.BETTER),
    ],
)
def test_the_gate(some: Sequence[Difference], expected: Result, word: Verdict) -> None:
    assert result(some) is expected
    assert verdict(some) is word


def test_the_distance_of_predictions_is_the_jensen_shannon_distance_of_tenths() -> None:
    random = np.random.default_rng(11)
    one, other = random.beta(2, 5, 5000), random.beta(3, 4, 3000)
    found = prediction_distance(ScoreGrid().summarize(one), ScoreGrid().summarize(other))
    edges = [0, *np.quantile(one, np.arange(1, 10) / 10), 1]
    shares, others = (np.histogram(values, edges)[0] / values.size for values in (one, other))
    assert found == pytest.approx(float(spatial.distance.jensenshannon(shares, others, base=2)), abs=0.01)


def test_every_measure_of_requests_says_what_its_rows_are() -> None:
    named = [measure_of("binary", name) for name in ("error_rate", "latency_mean", "latency_p99")]
    assert [(one.what, one.of_labels) for one in named] == [
        ("requests", False), ("latencies", False), ("latencies", False)
    ]  # fmt: skip
    assert isinstance(measure_of("binary", "roc_auc"), Measure)
    assert measure_of("binary", "roc_auc").of_labels
