"""Since when, how, and where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.diagnosis import Kind, contributions, course, scope, swapped
from profiles import CategoricalSummary, Grid, NumericSummary, Vocabulary
from profiles.counts import Floats

seeds = st.integers(0, 2**32 - 1)


def noise(seed: int, windows: int) -> Floats:
    return np.abs(np.random.default_rng(seed).normal(0.02, 0.008, windows))


@given(seeds, st.integers(8, 40), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_a_step_is_found_where_it_is(seed: int, before: int, after: int) -> None:
    series = noise(seed, before + after)
    series[before:] += 0.3
    way = course(list(series), [False] * before + [True] * after)
    assert way.onset == before
    assert not way.gradual


@given(seeds, st.integers(12, 30), st.integers(8, 20))
@settings(max_examples=60, deadline=None)
def test_a_small_step_is_found_before_the_breach_that_it_adds_up_to(
    seed: int, before: int, after: int
) -> None:
    series = noise(seed, before + after)
    series[before:] += 0.04
    way = course(list(series), [False] * (before + after - 1) + [True])
    assert abs(way.onset - before) <= 3


@given(seeds, st.integers(3, 20), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_a_step_that_adds_up_is_found_however_few_windows_there_are(
    seed: int, before: int, after: int
) -> None:
    series = noise(seed, before + after)
    series[before:] += 0.1
    breaches = [False] * (before + after - 1) + [True]
    assert course(list(series), breaches, added_up=True).onset == before


@given(seeds, st.integers(10, 25), st.integers(10, 20))
@settings(max_examples=60, deadline=None)
def test_a_ramp_is_gradual_and_begins_about_where_it_does(seed: int, before: int, after: int) -> None:
    series = noise(seed, before + after)
    series[before:] += np.linspace(0.02, 0.5, after)
    way = course(list(series), list(series > 0.25))
    assert way.gradual
    assert abs(way.onset - before) <= 4


@given(seeds, st.integers(1, 5))
def test_a_trouble_that_returns_is_counted(seed: int, length: int) -> None:
    series, breaches = noise(seed, 50), np.zeros(50, bool)
    for start in (5, 20, 35):
        breaches[start : start + length] = True
    breaches[49] = True
    series[breaches] += 0.5
    way = course(list(series), list(breaches))
    assert way.onset == 49
    assert way.episodes == (5, 20, 35)
    assert way.every == 15


def test_the_first_window_is_the_onset_of_itself() -> None:
    assert course([0.3], [True]).onset == 0
    assert course([0.0, 0.0, 0.0], [False, False, True]).onset == 2
    assert course([0.5] * 20, [False] * 19 + [True]).onset == 19


@pytest.mark.parametrize("values", [[], [np.nan]])
def test_a_series_of_nothing_has_no_course(values: list[float]) -> None:
    assert course(values, [True] * len(values)).onset == 0


def test_a_scope_is_told_only_where_the_rest_is_healthy() -> None:
    apart = scope({"v1": (0.02, 0.1), "v2": (0.31, 9.0), "v3": (0.04, 0.2)}, "version")
    assert apart is not None
    assert apart.parts == ("v2",)
    assert apart.text == "only in version v2 (0.31; v3 0.04, the next)"
    assert scope({"v1": (0.09, 0.9), "v2": (0.31, 9.0)}, "version") is None
    assert scope({"v1": (0.3, 8.0), "v2": (0.31, 9.0)}, "version") is None
    assert scope({"v2": (0.31, 9.0)}, "version") is None
    assert scope({}, "version") is None


def test_contributions_add_up_to_one_and_leave_out_the_healthy() -> None:
    found = contributions({"a": (0.2, 0.1), "b": (0.05, 0.1), "c": (0.3, 0.1), "d": (0.1, 0.0)})
    assert [name for name, _ in found] == ["c", "a"]
    assert sum(share for _, share in found) == pytest.approx(1)


Summaries = dict[str, NumericSummary | CategoricalSummary]


def table(seed: int) -> dict[str, tuple[Floats, Floats]]:
    """Columns: reference and window."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, Callable[[int], Floats]] = {
        "age": lambda n: rng.normal(40, 10, n),
        "income": lambda n: rng.lognormal(10, 0.5, n),
        "ratio": lambda n: rng.beta(2, 5, n),
        "count": lambda n: np.asarray(rng.poisson(4, n), np.float64),
    }
    return {name: (shape(10_000), shape(2000)) for name, shape in shapes.items()}


def summaries(
    columns: dict[str, tuple[Floats, Floats]], holds: dict[str, str]
) -> tuple[Summaries, Summaries]:
    grids = {name: Grid.fit(reference) for name, (reference, _) in columns.items()}
    references: Summaries = {name: grids[name].summarize(columns[name][0]) for name in columns}
    currents: Summaries = {name: grids[name].summarize(columns[holds.get(name, name)][1]) for name in columns}
    return references, currents


@given(seeds, st.permutations(["age", "income", "ratio", "count"]))
@settings(max_examples=30, deadline=None)
def test_columns_that_changed_places_are_told_and_no_others(seed: int, order: list[str]) -> None:
    names = ["age", "income", "ratio", "count"]
    holds = dict(zip(names, order, strict=True))
    found = swapped(*summaries(table(seed), holds))
    assert set(found) == {name for name in names if holds[name] != name}
    for name, finding in found.items():
        assert finding.kind is Kind.SWAPPED
        assert name in finding.text
        assert holds[name] in finding.text


def test_a_column_that_changed_by_itself_is_not_swapped() -> None:
    columns = table(1)
    columns["age"] = (columns["age"][0], columns["age"][1] * 1000)
    columns["ratio"] = (columns["ratio"][0], 1 - columns["ratio"][1])
    assert swapped(*summaries(columns, {})) == {}
    copied = swapped(*summaries(table(1), {"age": "income"}))
    assert copied == {}  # income is what it was


def test_categories_that_changed_places_are_told_over_their_own_vocabularies() -> None:
    rng = np.random.default_rng(0)

    def drawn(names: list[str], space: Vocabulary, rows: int) -> CategoricalSummary:
        codes = rng.choice(len(names), rows, p=np.arange(1, len(names) + 1) / sum(range(len(names) + 1)))
        return space.summarize(codes, names)

    colours, cities = ["red", "blue", "green"], ["Rome", "Oslo", "Lima", "Bonn"]
    colour, city = Vocabulary.fit(colours), Vocabulary.fit(cities)
    references: Summaries = {"colour": drawn(colours, colour, 9000), "city": drawn(cities, city, 9000)}
    currents: Summaries = {"colour": drawn(cities, colour, 2000), "city": drawn(colours, city, 2000)}
    found = swapped(references, currents)
    assert found["colour"].text == "colour and city hold each other's values"
    assert set(found) == {"colour", "city"}
