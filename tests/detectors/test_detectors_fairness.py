"""Gaps between groups against direct computations on raw rows, and the laws of their correction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors.evidence import Evidence, p_of_evidence
from detectors.fairness import GroupGap, measure_of
from detectors.fairness.contrasts import contrasts
from detectors.fairness.gap import expected_range, gap_of, range_quantile
from detectors.fairness.group_gap import widest
from profiles import CategoricalSummary, ClassOutcomes, Grid, Outcomes, Vocabulary
from profiles.counts import Counts

EITHER = Vocabulary(("0", "1"))
LIMIT = 30 * 20.0


def selected(rows: int, chosen: int) -> CategoricalSummary:
    return CategoricalSummary(EITHER, Counts.weighted(np.array([0, 1]), np.array([rows - chosen, chosen])))


def binary(rng: np.random.Generator, rows: int, rate: float) -> tuple[Any, Any]:
    """Predictions and labels of a group."""
    labels = (rng.random(rows) < rate).astype(float)
    return (rng.random(rows) < 0.2 + 0.5 * labels).astype(float), labels


def outcomes(predictions: Any, labels: Any) -> Any:
    return Outcomes().summarize(np.full(len(labels), np.nan), predictions, labels)


@given(
    st.lists(st.tuples(st.integers(10, 3000), st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_the_rates_are_those_of_the_rows(groups: list[tuple[int, float, float]], seed: int) -> None:
    """fairlearn's formulas, on raw rows: selection, true-positive and false-positive rates by group."""
    rng = np.random.default_rng(seed)
    raw = {}
    for place, (rows, base, rate) in enumerate(groups):
        labels = (rng.random(rows) < base).astype(float)
        raw[f"g{place}"] = (rng.random(rows) < rate).astype(float), labels
    selection = {name: selected(len(p), int(p.sum())) for name, (p, _) in raw.items()}
    joined = {name: outcomes(p, y) for name, (p, y) in raw.items()}
    for name, (predictions, labels) in raw.items():
        assert measure_of("binary", "demographic_parity").rates(selection[name]).values[0] == pytest.approx(
            predictions.mean()
        )
        odds = measure_of("binary", "equalized_odds").rates(joined[name]).values
        for at, label in enumerate((1, 0)):
            own = predictions[labels == label]
            assert np.isnan(odds[at]) if own.size < 10 else odds[at] == pytest.approx(own.mean())
        opportunity = measure_of("binary", "equal_opportunity").rates(joined[name]).values
        np.testing.assert_array_equal(opportunity, odds[:1])
        accuracy = measure_of("binary", "accuracy").rates(joined[name]).values[0]
        assert accuracy == pytest.approx((predictions == labels).mean())


@given(st.lists(st.tuples(st.integers(100, 5000), st.floats(0, 1)), min_size=2, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_gap_is_within_its_interval_and_never_above_the_plain_one(groups: list[tuple[int, float]]) -> None:
    rates = {
        f"g{place}": measure_of("binary", "demographic_parity").rates(selected(rows, round(rows * rate)))
        for place, (rows, rate) in enumerate(groups)
    }
    found = widest(rates)
    assert found is not None
    _, gap, (highest, lowest) = found
    plain = {name: float(one.values[0]) for name, one in rates.items()}
    assert plain[highest] == max(plain.values())
    assert plain[lowest] == min(plain.values())
    assert 0 <= gap.lower <= gap.value <= gap.upper
    assert gap.value <= plain[highest] - plain[lowest] + 1e-12


@given(st.floats(0.2, 0.9), st.integers(2, 8))
def test_groups_that_are_clearly_apart_keep_their_plain_difference(apart: float, others: int) -> None:
    values = np.array([0.0, *[apart / 2] * (others - 2), apart])
    assert gap_of(values, np.full(others, 0.01)).value == pytest.approx(apart, abs=1e-4)


def test_groups_that_are_alike_have_hardly_a_gap_however_many() -> None:
    """The plain difference of twenty such groups is 0.19 on average."""
    rng = np.random.default_rng(11)
    for groups in (2, 5, 20):
        draws = rng.normal(0.5, 0.05, (400, groups))
        found = [gap_of(one, np.full(groups, 0.05)) for one in draws]
        assert np.mean([one.value for one in found]) < 0.04
        assert np.mean([one.lower > 0 for one in found]) < 0.08
        assert np.mean([np.ptp(one) for one in draws]) > np.mean([one.value for one in found]) + 0.025


@pytest.mark.parametrize("apart", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("groups", [2, 6])
def test_the_interval_holds_the_true_gap(groups: int, apart: float) -> None:
    rng = np.random.default_rng(5)
    truth = np.linspace(0.3, 0.3 + apart, groups)
    sizes = rng.integers(100, 1500, groups)
    held = 0
    for _ in range(300):
        chosen = rng.binomial(sizes, truth)
        rates = {
            str(place): measure_of("binary", "demographic_parity").rates(selected(int(n), int(k)))
            for place, (n, k) in enumerate(zip(sizes, chosen, strict=True))
        }
        found = widest(rates)
        assert found is not None
        held += found[1].lower <= apart <= found[1].upper
    assert held >= 0.92 * 300


def test_the_quantile_is_tukeys() -> None:
    for groups in (2, 3, 10):
        expected = stats.studentized_range.ppf(0.95, groups, np.inf)
        assert range_quantile(groups, 0.95) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("groups", [2, 3, 20, 60])
def test_the_expected_range_is_that_of_draws(groups: int) -> None:
    rng = np.random.default_rng(groups)
    means, errors = rng.normal(0, 1, groups), rng.uniform(0.05, 2, groups)
    draws = rng.normal(means, errors, (60_000, groups))
    assert expected_range(means, errors) == pytest.approx(np.ptp(draws, axis=1).mean(), abs=0.02)


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3), st.tuples(st.integers(100, 999), st.floats(0, 1)), max_size=6
    )
)
def test_a_contrast_is_a_group_against_the_rest_of_the_rows(groups: dict[str, tuple[int, float]]) -> None:
    counted = {name: (rows, round(rows * rate)) for name, (rows, rate) in groups.items()}
    measure = measure_of("binary", "demographic_parity")
    found = contrasts({name: measure.rates(selected(*one)) for name, one in counted.items()})
    assert len(found) == (0 if len(groups) < 2 else 1 if len(groups) == 2 else len(groups))
    for (_, name), contrast in found.items():
        rest = np.array([one for other, one in counted.items() if other != name]).sum(axis=0)
        assert contrast.value == pytest.approx(counted[name][1] / counted[name][0] - rest[1] / rest[0])


def windows(rng: np.random.Generator, rates: Mapping[str, float], count: int, rows: int) -> list[Any]:
    return [
        {name: selected(rows, int(rng.binomial(rows, rate))) for name, rate in rates.items()}
        for _ in range(count)
    ]


def breaches(gap: GroupGap, reference: list[Any], current: list[Any]) -> list[bool]:
    baseline, state, found = gap.learn(reference), Evidence(), []
    for window in current:
        state = state.step(gap.judge(baseline, window, p_of_evidence(LIMIT)), LIMIT)
        found.append(state.in_breach)
    return found


@pytest.mark.parametrize("groups", [2, 20])
def test_healthy_groups_with_other_base_rates_never_alarm(groups: int) -> None:
    gap = GroupGap(measure_of("binary", "demographic_parity"))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rates = {f"g{place}": float(rng.uniform(0.02, 0.7)) for place in range(groups)}
        found = breaches(gap, windows(rng, rates, 30, 150), windows(rng, rates, 60, 150))
        assert not any(found)


def test_a_group_that_moves_away_alarms_and_one_that_comes_nearer_does_not() -> None:
    gap = GroupGap(measure_of("binary", "demographic_parity"))
    rng = np.random.default_rng(1)
    healthy = {"a": 0.5, "b": 0.5, "c": 0.3, "d": 0.5}
    reference = windows(rng, healthy, 30, 600)
    assert all(breaches(gap, reference, windows(rng, healthy | {"c": 0.05}, 5, 600)))
    assert not any(breaches(gap, reference, windows(rng, healthy | {"c": 0.45}, 20, 600)))


def test_the_note_names_both_groups_with_rates_and_sizes() -> None:
    gap = GroupGap(measure_of("binary", "demographic_parity"), max_gap=0.1)
    judged = gap.judge(
        {}, {"north": selected(400, 200), "south": selected(1000, 200), "few": selected(99, 0)}, 1e-4
    )
    assert judged.note == "selection rate: north 50 % (400 rows), south 20 % (1,000 rows)"
    assert judged.breach
    assert judged.threshold == 0.1


def test_a_threshold_is_where_the_evidence_of_one_window_is_enough() -> None:
    gap = GroupGap(measure_of("binary", "demographic_parity"))
    rng = np.random.default_rng(2)
    baseline = gap.learn(windows(rng, {"a": 0.5, "b": 0.4}, 30, 500))
    for chosen in range(0, 500, 10):
        judged = gap.judge(baseline, {"a": selected(500, 250), "b": selected(500, chosen)}, 1e-4)
        assert judged.value is not None
        assert judged.threshold is not None
        assert judged.p_value is not None
        assert (judged.value > judged.threshold) is (judged.p_value < 1e-4)


def test_too_little_is_insufficient() -> None:
    gap = GroupGap(measure_of("binary", "equal_opportunity"))
    rng = np.random.default_rng(0)
    for groups in ({}, {"a": outcomes(*binary(rng, 500, 0.5))}, {"a": outcomes(*binary(rng, 99, 0.5))}):
        assert not gap.judge({}, groups, 1e-4).sufficient
    without = {name: outcomes(np.zeros(500), np.zeros(500)) for name in "ab"}  # not one positive label
    assert not gap.judge({}, without, 1e-4).sufficient


def test_more_classes_are_compared_by_the_share_of_each() -> None:
    classes = Vocabulary(("cat", "dog", "eel"))
    held = {
        name: CategoricalSummary(classes, Counts.weighted(np.arange(3), np.array(counts)))
        for name, counts in (("x", [500, 300, 200]), ("y", [480, 20, 500]))
    }
    judged = GroupGap(measure_of("multiclass", "demographic_parity"), max_gap=0.2).judge({}, held, 1e-4)
    assert judged.note == "share of eel: y 50 % (1,000 rows), x 20 % (1,000 rows)"
    assert judged.value == pytest.approx(0.3, abs=1e-3)
    space = ClassOutcomes(classes)
    right = space.summarize(np.zeros(500, np.int64), np.zeros(500, np.int64))
    wrong = space.summarize(np.ones(500, np.int64), np.arange(500) % 2)
    judged = GroupGap(measure_of("multiclass", "accuracy")).judge({}, {"x": right, "y": wrong}, 1e-4)
    assert judged.value == pytest.approx(0.5, abs=1e-3)


def test_numbers_are_compared_by_their_mean() -> None:
    rng = np.random.default_rng(0)
    raw = {"x": rng.normal(100, 10, 800), "y": rng.normal(120, 10, 800)}
    held = {name: Grid(100.0, 10.0).summarize(values) for name, values in raw.items()}
    judged = GroupGap(measure_of("regression", "demographic_parity"), max_gap=15.0).judge({}, held, 1e-4)
    assert judged.value == pytest.approx(raw["y"].mean() - raw["x"].mean(), rel=1e-6)
    assert judged.breach
    assert "mean prediction" in str(judged.note)
