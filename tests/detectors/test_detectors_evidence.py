"""The tracker: evidence adds up, keeps its promise about false alarms, and ends a breach."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import Evidence, Judgement, Tracker, Verdict, insufficient, p_of_evidence
from detectors.evidence import CAP, e_value

LIMIT = 750.0
p_values = st.floats(0, 1) | st.sampled_from([0.0, 1e-300, 1e-6, 0.049, 0.05, 0.999, 1.0])
weights = st.sampled_from([0.01, 0.3, 0.9, 1.0])


def judged(p_value: float, weight: float = 1.0) -> Judgement:
    return Judgement(value=1.0, p_value=p_value, weight=weight)


def after(p_values: list[float], weight: float = 1.0) -> Evidence:
    state = Evidence()
    for p_value in p_values:
        state = state.step(judged(p_value, weight), LIMIT)
    return state


@given(st.lists(st.tuples(p_values, weights), max_size=30))
def test_evidence_is_a_number_and_a_breach_is_enough_of_it(steps: list[tuple[float, float]]) -> None:
    state = Evidence()
    for p_value, weight in steps:
        before, state = state, state.step(judged(p_value, weight), LIMIT)
        assert 0 <= state.amount <= CAP
        assert math.isfinite(state.amount)
        assert state.in_breach == (state.verdict is Verdict.BREACH)
        if not before.in_breach:
            assert state.in_breach == (state.amount >= LIMIT)


@pytest.mark.parametrize("weight", [0.01, 1.0])
def test_one_window_is_enough_where_its_p_value_is(weight: float) -> None:
    alone = p_of_evidence(LIMIT)
    assert Evidence().step(judged(alone * 0.99, weight), LIMIT).verdict is Verdict.BREACH
    assert Evidence().step(judged(alone * 1.01, weight), LIMIT).verdict is Verdict.OK


def test_small_evidence_adds_up_and_faster_where_windows_are_fresh() -> None:
    def needed(weight: float) -> int:
        return next(n for n in range(1, 99) if after([0.005] * n, weight).in_breach)

    assert 2 <= needed(1.0) <= 4
    assert needed(1.0) < needed(0.5) < 12


@given(weight=weights)
def test_unremarkable_windows_never_add_up(weight: float) -> None:
    assert after([0.3] * 500, weight).verdict is Verdict.OK


def test_a_breach_lasts_until_a_window_is_unremarkable() -> None:
    state = after([1e-9])
    assert state.in_breach
    for _ in range(50):
        state = state.step(judged(0.04), LIMIT)
        assert state.verdict is Verdict.BREACH
    state = state.step(judged(0.06), LIMIT)
    assert state == Evidence(0.0, in_breach=False, verdict=Verdict.OK)


def test_windows_without_a_judgement_change_nothing_but_the_verdict() -> None:
    for state in (after([0.01, 0.2]), after([1e-9])):
        silent = state.step(insufficient("no rows"), LIMIT)
        assert silent.verdict is Verdict.INSUFFICIENT
        assert (silent.amount, silent.in_breach) == (state.amount, state.in_breach)
        assert silent.step(judged(0.01), LIMIT) == state.step(judged(0.01), LIMIT)


def test_an_objective_decides_by_itself() -> None:
    bad, good = (Judgement(value=1.0, breach=breach) for breach in (True, False))
    assert Evidence().step(bad, LIMIT).verdict is Verdict.BREACH
    assert Evidence().step(bad, LIMIT).step(good, LIMIT).verdict is Verdict.OK


def test_no_limit_is_out_of_reach() -> None:
    enormous = 100 * CAP
    assert Evidence().step(judged(1e-60), enormous).verdict is Verdict.BREACH
    assert Evidence().step(judged(0.5), enormous).verdict is Verdict.OK


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_a_healthy_signal_runs_as_long_as_promised(weight: float) -> None:
    """Uniform p-values, a limit of 200 windows: at most one alarm in 200 windows."""
    rng = np.random.default_rng(0)
    state, alarms, windows = Evidence(), 0, 60_000
    for p_value in rng.random(windows).tolist():
        before, state = state.in_breach, state.step(judged(p_value, weight), 200.0)
        alarms += state.in_breach and not before
    assert alarms / windows <= 1 / 200


def test_the_evidence_is_a_tracker() -> None:
    tracker: Tracker = Evidence()
    assert tracker.verdict is Verdict.INSUFFICIENT
    assert e_value(1.0) == 0.5
