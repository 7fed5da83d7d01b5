"""Requests: intervals of quantiles, the share of failures, and changes of level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors.diagnosis.level_shift import SHORTEST, shifts, without_cycle
from detectors.error_rate import ErrorRate
from detectors.latency_quantile import LatencyQuantile
from detectors.quantile_interval import quantile_interval
from profiles import LatencyGrid, LatencySummary, Status

law = settings(max_examples=80, deadline=None)
LEVELS = (0.5, 0.9, 0.95, 0.99, 0.999)


def latencies(rng: np.random.Generator, rows: int, scale: float = 20.0) -> LatencySummary:
    return LatencyGrid().summarize(rng.lognormal(np.log(scale), 0.5, rows), None)


@law
@given(rows=st.integers(1, 3000), level=st.sampled_from(LEVELS))
def test_the_ends_are_the_order_statistics_that_hold_the_quantile(rows: int, level: float) -> None:
    values = np.arange(1.0, rows + 1) * 1.37
    low, high = quantile_interval(LatencyGrid().summarize(values, None), level)
    below = np.arange(0, rows + 1)
    chance = stats.binom.pmf(below, rows, level)
    first = 0 if low is None else int(np.searchsorted(values * (1 + 1 / 128), low, "right")) + 1
    last = rows + 1 if high is None else int(np.searchsorted(values, high, "left"))
    assert chance[(below >= first) & (below < last)].sum() >= 0.95 - 1e-9
    if low is not None:
        assert low <= np.quantile(values, level, method="inverted_cdf") <= (np.inf if high is None else high)


def test_the_interval_is_as_narrow_as_order_statistics_are() -> None:
    values = np.arange(1.0, 10_001.0)
    low, high = quantile_interval(LatencyGrid().summarize(values, None), 0.5)
    assert low == pytest.approx(stats.binom.ppf(0.025, 10_000, 0.5), rel=0.01)
    assert high == pytest.approx(stats.binom.ppf(0.975, 10_000, 0.5) + 1, rel=0.01)


def test_few_rows_leave_an_end_open() -> None:
    grid = LatencyGrid()
    assert quantile_interval(grid.zero(), 0.5) == (None, None)
    low, high = quantile_interval(grid.summarize(np.arange(1.0, 101.0), None), 0.99)
    assert low is not None
    assert high is None


@pytest.mark.parametrize("percentile", [50, 90, 95, 99, 99.9])
def test_any_percentile_is_judged_with_its_interval(percentile: float) -> None:
    rng = np.random.default_rng(0)
    detector = LatencyQuantile(percentile=percentile)
    assert detector.signal("latency") == f"latency.p{percentile:g}"
    learned = detector.learn([latencies(rng, 20_000) for _ in range(12)])
    healthy = detector.judge(learned, latencies(rng, 20_000), 0.001)
    slow = detector.judge(learned, latencies(rng, 20_000, 40.0), 0.001)
    assert healthy.p_value is not None
    assert slow.p_value is not None
    assert slow.p_value < 1e-6 < healthy.p_value
    assert slow.lower is not None
    assert slow.upper is not None
    assert slow.value is not None
    assert slow.lower <= slow.value <= slow.upper < slow.value * 1.25


def test_the_error_rate_is_the_share_of_what_failed_in_any_way() -> None:
    ended = np.array([Status.OK] * 90 + list(Status)[1:] * 2 + [np.nan] * 50, np.float64)
    window = LatencyGrid().summarize(None, ended)
    detector = ErrorRate()
    assert detector.rows_of(window) == (10, 100)
    judged = detector.judge(detector.learn([window] * 10), window, 0.001)
    assert judged.value == 0.1
    assert detector.signal("latency") == "requests.errors"


def test_nothing_is_said_of_what_is_not_logged() -> None:
    timed = LatencyGrid().summarize(np.ones(9), None)
    answered = LatencyGrid().summarize(None, np.zeros(9))
    assert ErrorRate().reads(answered)
    assert not ErrorRate().reads(timed)
    assert LatencyQuantile().reads(timed)
    assert not LatencyQuantile().reads(answered)


def noisy(seed: int, size: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).normal(3.0, 0.05, size)


@pytest.mark.parametrize("size", [0.3, -0.3, 2.0])
@pytest.mark.parametrize("place", [30, 100, 180])
def test_a_step_is_found_at_its_window(size: float, place: int) -> None:
    series = noisy(1)
    series[place:] += size
    (found,) = shifts(series)
    assert (found.begin, found.place, found.end) == (0, place, 200)


def test_a_bump_has_two_ends() -> None:
    series = noisy(2)
    series[80:120] += 0.5
    assert [(one.begin, one.place, one.end) for one in shifts(series)] == [(0, 80, 120), (80, 120, 200)]


@pytest.mark.parametrize("seed", range(5))
def test_noise_a_spike_and_wandering_are_no_change(seed: int) -> None:
    series = noisy(seed)
    assert not shifts(series)
    series[77] += 5.0
    assert not shifts(series)
    rng = np.random.default_rng(seed)
    wandering = np.zeros(300)
    for at in range(1, 300):
        wandering[at] = 0.9 * wandering[at - 1] + rng.normal()
    assert not shifts(wandering)


def test_the_hours_of_the_day_are_no_change_and_hide_none() -> None:
    hours = np.arange(240)
    series = noisy(4, 240) + 0.5 * np.sin(2 * np.pi * hours / 24)
    assert not shifts(without_cycle(series, hours % 24))
    series[150:] += 0.4
    assert [one.place for one in shifts(without_cycle(series, hours % 24))] == [150]


def test_windows_without_a_value_are_passed_over() -> None:
    series = noisy(5)
    series[100:] += 0.5
    series[[3, 50, 99, 100, 101, 150]] = np.nan
    assert [one.place for one in shifts(series)] == [102]
    assert not shifts(np.full(50, np.nan))


@law
@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=60),
    scale=st.sampled_from([0.25, 2.0, 1024.0]),
)
def test_levels_follow_each_other_and_do_not_depend_on_the_unit(values: list[float], scale: float) -> None:
    series = np.array(values, np.float64)
    found = shifts(series)
    for one in found:
        for low, high in ((one.begin, one.place), (one.place, one.end)):
            assert np.isfinite(series[low:high]).sum() >= SHORTEST
    assert [one.begin for one in found[1:]] == [one.place for one in found[:-1]]
    assert shifts(series * scale) == found  # by a power of two, so that nothing is rounded
