"""Summaries are a commutative monoid with subtraction: the one law that the whole project rests on."""

from __future__ import annotations

import itertools
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles import SPACES
from profiles.sums import Summary, Sums
from tests.profiles.cases import CASES, KINDS, summary_of
from tests.profiles.comparing import assert_same, magnitudes

law = settings(max_examples=150, deadline=None)


def drawn(data: st.DataObject, kind: str, most: int = 12) -> tuple[Any, list[Any], dict[str, Any]]:
    """A space, some rows, and the unit of rounding in their sums."""
    case = CASES[kind]
    space = data.draw(case.spaces)
    rows = data.draw(st.lists(case.rows, max_size=most))
    return space, rows, magnitudes([case.summarize(space, [row]) for row in rows])


def test_every_space_has_a_case() -> None:
    assert set(CASES) == set(SPACES)


@pytest.mark.parametrize("kind", KINDS)
@law
@given(data=st.data())
def test_the_parts_of_any_partition_in_any_order_add_up_to_the_whole(kind: str, data: st.DataObject) -> None:
    space, rows, sizes = drawn(data, kind)
    summarize = CASES[kind].summarize
    order = data.draw(st.permutations(range(len(rows))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    edges = [0, *cuts, len(rows)]
    parts = [
        summarize(space, [rows[place] for place in order[start:end]])
        for start, end in itertools.pairwise(edges)
    ]
    assert_same(reduce(add, parts), summarize(space, rows), sizes)


@pytest.mark.parametrize("kind", KINDS)
@law
@given(data=st.data())
def test_addition_commutes_and_associates(kind: str, data: st.DataObject) -> None:
    space, rows, sizes = drawn(data, kind)
    summarize = CASES[kind].summarize
    one, two, three = (summarize(space, rows[start::3]) for start in range(3))
    assert one + two == two + one
    assert_same((one + two) + three, one + (two + three), sizes)


@pytest.mark.parametrize("kind", KINDS)
@law
@given(data=st.data())
def test_zero_is_the_summary_of_no_rows(kind: str, data: st.DataObject) -> None:
    space, rows, _ = drawn(data, kind)
    summary = CASES[kind].summarize(space, rows)
    zero = space.zero()
    assert zero + summary == summary == summary + zero
    assert CASES[kind].summarize(space, []) == zero


@pytest.mark.parametrize("kind", KINDS)
@law
@given(data=st.data())
def test_subtraction_undoes_addition(kind: str, data: st.DataObject) -> None:
    space, rows, sizes = drawn(data, kind)
    one, two = (CASES[kind].summarize(space, rows[start::2]) for start in range(2))
    assert_same((one + two) - two, one, sizes, extremes=False)
    assert_same((one + two) - one - two, space.zero(), sizes, extremes=False)


@pytest.mark.parametrize("kind", KINDS)
@law
@given(data=st.data())
def test_summaries_of_different_spaces_refuse_to_add(kind: str, data: st.DataObject) -> None:
    mine = data.draw(CASES[kind].spaces)
    other = data.draw(CASES[data.draw(st.sampled_from(KINDS))].spaces)
    if mine == other:
        assert mine.zero() + other.zero() == mine.zero()
        return
    with pytest.raises(ValueError, match="only summaries of the same space add"):
        mine.zero() + other.zero()
    with pytest.raises(ValueError, match="only summaries of the same space add"):
        mine.zero() - other.zero()


@pytest.mark.parametrize("kind", KINDS)
@law
@given(data=st.data())
def test_no_sum_is_ever_poisoned(kind: str, data: st.DataObject) -> None:
    space, rows, sizes = drawn(data, kind)
    assert all(np.all(np.isfinite(size)) for size in sizes.values())
    summary = CASES[kind].summarize(space, rows)
    assert isinstance(summary, Sums)
    assert isinstance(summary, Summary)
    assert summary.same_counts(summary)


@pytest.mark.parametrize("kind", KINDS)
def test_a_summary_differs_from_that_of_more_rows(kind: str) -> None:
    one, two = summary_of(kind, 1), summary_of(kind, 2)
    assert one != two
    assert not one.same_counts(two)
    assert_same(one + one, two, magnitudes([two]))
