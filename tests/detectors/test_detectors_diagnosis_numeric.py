"""Explanations of a changed number: over random factors, shifts, shares and shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors.diagnosis import Finding, Kind, numeric
from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.factors import known_factors, nearest_factor
from profiles import Grid, NumericSummary, ScoreGrid
from profiles.counts import Floats
from tests.detectors.changed_columns import SHAPES

REFERENCE, ROWS = 20_000, 3000
seeds = st.integers(0, 2**32 - 1)
off_zero = st.sampled_from([name for name in SHAPES if name != "around zero"])
any_shape = st.sampled_from(list(SHAPES))


def pair(shape: str, seed: int, rows: int = ROWS) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return SHAPES[shape](rng, REFERENCE), SHAPES[shape](rng, rows)


def explained(reference: Floats, window: Floats, healthy: float = 0.0) -> list[Finding]:
    grid = Grid.fit(reference)
    return numeric(grid.summarize(reference), grid.summarize(window), healthy)


def best(reference: Floats, window: Floats) -> Finding:
    return explained(reference, window)[0]


@given(any_shape, seeds)
@settings(max_examples=60, deadline=None)
def test_a_healthy_window_is_given_no_cause(shape: str, seed: int) -> None:
    assert [one for one in explained(*pair(shape, seed)) if one.kind is not Kind.TAIL] == []


@given(any_shape, seeds, st.floats(2.5, 1e5), st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_factor_is_a_unit_change_with_that_factor(
    shape: str, seed: int, factor: float, inverse: bool
) -> None:
    factor = 1 / factor if inverse else factor
    reference, window = pair(shape, seed)
    found = best(reference, window * factor)
    assert found.kind is Kind.UNIT, found
    words = found.text.replace(",", "").split()
    told = (
        float(words[words.index("times") + 1])
        if "times" in words
        else 1 / float(words[words.index("by") + 1])
    )
    assert told == pytest.approx(factor, rel=0.12)


@pytest.mark.parametrize(
    ("factor", "name"),
    [one for one in known_factors() if not 0.8 < one[0] < 1.25],
    ids=lambda one: str(one)[:24],
)
def test_a_well_known_factor_is_named(factor: float, name: str) -> None:
    reference, window = pair("normal", 5, 10_000)
    found = best(reference, window * factor)
    nearest = nearest_factor(factor, 1e-9)
    assert nearest is not None
    assert nearest[1] == name
    assert found == replace(found, kind=Kind.UNIT, text=f"values look like before {name}")


@pytest.mark.parametrize(
    ("shift", "scale", "name"),
    [
        (32.0, 1.8, "Celsius to Fahrenheit"),
        (-32 / 1.8, 1 / 1.8, "Fahrenheit to Celsius"),
        (273.15, 1.0, "Celsius to Kelvin"),
        (-273.15, 1.0, "Kelvin to Celsius"),
    ],
)
def test_temperatures_are_converted(shift: float, scale: float, name: str) -> None:
    rng = np.random.default_rng(1)
    reference, window = rng.normal(15, 8, REFERENCE), rng.normal(15, 8, ROWS)
    assert name in best(reference, shift + scale * window).text


@given(off_zero, seeds)
@settings(max_examples=30, deadline=None)
def test_a_flipped_sign(shape: str, seed: int) -> None:
    reference, window = pair(shape, seed)
    assert best(reference, -window).kind is Kind.SIGN


def test_a_sign_that_is_lost() -> None:
    reference, window = pair("around zero", 3)
    assert str(best(reference, np.abs(window))) == "sign flipped: values look like before without their sign"


def test_a_score_of_the_other_class() -> None:
    rng = np.random.default_rng(2)
    grid = ScoreGrid()
    reference, window = grid.summarize(rng.beta(2, 6, REFERENCE)), grid.summarize(1 - rng.beta(2, 6, ROWS))
    assert numeric(reference, window)[0].kind is Kind.TRANSFORM


@given(any_shape, seeds, st.floats(-1e6, 1e6))
@settings(max_examples=30, deadline=None)
def test_a_constant_is_named_with_its_value(shape: str, seed: int, value: float) -> None:
    found = best(pair(shape, seed)[0], np.full(ROWS, value))
    assert found.kind is Kind.CONSTANT
    assert found.text.startswith(f"every value is {value + 0.0:.4g} ")


@given(any_shape, seeds, st.sampled_from([-9999.0, -999.0, -1.0, 99999.0, 999999.0]), st.floats(0.08, 0.9))
@settings(max_examples=60, deadline=None)
def test_a_default_is_named_with_its_value(shape: str, seed: int, value: float, share: float) -> None:
    reference, window = pair(shape, seed)
    taken = np.random.default_rng(seed).random(ROWS) < share
    found = best(reference, np.where(taken, value, window))
    assert found.kind is Kind.DEFAULT, found
    assert found.text.startswith(f"{value:.4g} took ")


def test_a_default_that_fills_what_was_missing_says_so() -> None:
    reference, window = pair("lognormal", 4)
    reference[::5], window[::5] = np.nan, 0.0
    assert "missing values fell from 20 % to 0 %: filled in?" in best(reference, window).text


def test_a_default_that_is_the_mean_says_so() -> None:
    reference, window = pair("lognormal", 4)
    window[::4] = reference.mean()
    assert "it is the reference's mean: imputed?" in best(reference, window).text


@given(st.sampled_from([name for name in SHAPES if name not in ("zero-inflated", "discrete")]), seeds,
       st.floats(0.05, 0.6), st.booleans())  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_clipping_is_told_with_its_edge(shape: str, seed: int, share: float, above: bool) -> None:
    reference, window = pair(shape, seed)
    edge = float(np.quantile(reference, 1 - share if above else share))
    found = best(reference, np.minimum(window, edge) if above else np.maximum(window, edge))
    assert found.kind is Kind.CLIPPED, found
    assert f"became {edge + 0.0:.4g}" in found.text


@given(st.sampled_from(["normal", "lognormal", "around zero", "two peaks"]), seeds, st.floats(0.1, 0.35))
@settings(max_examples=40, deadline=None)
def test_a_tail_that_is_missing_is_told_from_values_missing_anywhere(
    shape: str, seed: int, share: float
) -> None:
    reference, window = pair(shape, seed)
    cut = np.where(window <= np.quantile(reference, 1 - share), window, np.nan)
    found = best(reference, cut)
    assert found.kind is Kind.TRUNCATED, found
    assert "now missing" in found.text
    lost = np.where(np.random.default_rng(seed).random(ROWS) < share, np.nan, window)
    assert best(reference, lost).kind is Kind.MISSING


@pytest.mark.parametrize("step", [0.5, 1.0, 5.0, 10.0])
@pytest.mark.parametrize(("way", "to_whole"), [("rounded", np.rint), ("rounded down", np.floor)])
def test_rounding_is_told_with_its_step(step: float, way: str, to_whole: np.ufunc) -> None:
    reference, window = pair("normal", 7)
    found = next(
        one for one in explained(reference, to_whole(window / step) * step) if one.kind is Kind.ROUNDED
    )
    wanted = "whole numbers" if step == 1 else f"multiples of {step:.4g}"
    assert found.text.startswith(f"all values are {wanted} now (")
    assert found.text.endswith(f"as if {way}") or step == 0.5


@given(st.sampled_from(["normal", "around zero", "lognormal", "two peaks", "narrow"]), seeds,
       st.floats(0.4, 3), st.booleans())  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_a_shift_is_told_with_its_size(shape: str, seed: int, sigmas: float, down: bool) -> None:
    reference, window = pair(shape, seed)
    spread = float(np.quantile(reference, 0.84) - np.quantile(reference, 0.16)) / 2
    shift = -sigmas * spread if down else sigmas * spread
    found = best(reference, window + shift)
    assert found.kind is Kind.LOCATION, found
    told = float(found.text.split("moved by ")[1].split()[0])
    assert told == pytest.approx(shift, abs=0.1 * spread)


@given(st.sampled_from(["normal", "around zero", "two peaks", "narrow"]), seeds, st.floats(1.4, 2.0))
@settings(max_examples=40, deadline=None)
def test_a_wider_spread_about_the_same_middle(shape: str, seed: int, scale: float) -> None:
    reference, window = pair(shape, seed)
    middle = np.median(reference)
    assert best(reference, middle + scale * (window - middle)).kind is Kind.SPREAD


@given(st.integers(1, 23), seeds)
@settings(max_examples=40, deadline=None)
def test_hours_of_the_day_in_another_zone(hours: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    day = 1 + np.sin((np.arange(24) - 8) / 24 * 2 * np.pi) * 0.8
    # an hour is 75 of chi-square in 3,000 rows, which is lost in noise once in a hundred
    sizes = (REFERENCE, 10_000)
    reference, window = (rng.choice(24, n, p=day / day.sum()).astype(np.float64) for n in sizes)
    found = best(reference, (window + hours) % 24)
    assert found.kind is Kind.TIME_ZONE, found
    assert f"turned by {hours if hours <= 12 else hours - 24:+d} h" in found.text


@given(st.integers(-12, 14).filter(bool), seeds, st.sampled_from([1.0, 1000.0]))
@settings(max_examples=30, deadline=None)
def test_moments_in_another_zone(hours: int, seed: int, per_second: float) -> None:
    rng = np.random.default_rng(seed)
    reference, window = (rng.normal(1.7e9, 600.0, n) * per_second for n in (REFERENCE, ROWS))
    found = best(reference, window + hours * 3600 * per_second)
    assert found.kind is Kind.TIME_ZONE, found
    assert f"moved by {hours:+d} h" in found.text


@given(any_shape, seeds, st.sampled_from([1000.0, 0.001, 100.0]), st.floats(0.2, 0.8))
@settings(max_examples=40, deadline=None)
def test_a_unit_change_of_some_rows(shape: str, seed: int, factor: float, share: float) -> None:
    assume(shape != "zero-inflated" or factor > 1)
    reference, window = pair(shape, seed, 10_000)
    changed = np.random.default_rng(seed).random(window.size) < share
    found = explained(reference, np.where(changed, window * factor, window))
    assert found[0].kind in (Kind.UNIT, Kind.DEFAULT), found[0]  # a thousandth may be one bin of the grid
    assert factor < 1 or f"in {100 * share:.2g}"[:4] in found[0].text or found[0].kind is Kind.UNIT


def test_a_healthy_distance_is_not_explained() -> None:
    reference, window = pair("normal", 11)
    moved = window + 1.5
    assert explained(reference, moved)[0].kind is Kind.LOCATION
    assert explained(reference, moved, healthy=0.1) == []


def test_nothing_can_be_said_without_values() -> None:
    grid = Grid(0.0, 1.0)
    some = grid.summarize(np.arange(100.0))
    assert numeric(grid.zero(), some) == numeric(some, grid.zero()) == []
    lost = grid.summarize(np.full(100, np.nan))
    assert [str(one) for one in numeric(some, lost)] == [
        "missing values: every value is missing (before 0 %)"
    ]


@given(seeds, st.sampled_from([np.inf, -np.inf, 1e308, -1e308]))
@settings(max_examples=20, deadline=None)
def test_infinities_break_nothing(seed: int, value: float) -> None:
    reference, window = pair("normal", seed, 500)
    window[::7] = value
    with np.errstate(all="raise"):
        found = explained(reference, window)
    assert found
    assert all(0 < one.strength <= 1 for one in found)


@given(any_shape, any_shape, seeds)
@settings(max_examples=40, deadline=None)
def test_the_gap_is_the_statistic_of_scipy_but_for_bins(one: str, other: str, seed: int) -> None:
    reference, _ = pair(one, seed)
    _, window = pair(other, seed)
    grid = Grid.fit(reference)
    summaries: list[NumericSummary] = [grid.summarize(reference), grid.summarize(window)]
    sides = [Distribution.of(summary) for summary in summaries]
    assert sides[0] is not None
    assert sides[1] is not None
    exact = float(stats.ks_2samp(reference, window).statistic)
    largest = max(float(side.mass.max()) for side in sides if side is not None)
    assert exact - 2 * largest - 1e-9 <= sides[0].gap(sides[1]) <= exact + 1e-9
