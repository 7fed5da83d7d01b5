"""Bottom-k samples: associative, commutative, idempotent, and equal to the sample of the whole."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.sample import BottomK, Sample, smallest_of

law = settings(max_examples=150, deadline=None)
hashes = st.integers(0, 60) | st.sampled_from([2**64 - 1, 2**63, 0])
spaces = st.integers(1, 12).map(BottomK)


def row(value: int) -> dict[str, Any]:
    """A row follows from its hash: what is missing, too."""
    return {
        "x": np.nan if value % 3 == 0 else float(value % 1000),
        "word": None if value % 5 == 0 else "abc"[value % 3],
        "vector": np.full(2, np.nan if value % 7 == 0 else value % 11, np.float32),
    }


def sample(space: BottomK, values: list[int], *, without: tuple[str, ...] = ()) -> Sample:
    rows = [row(value) for value in values]
    kinds: dict[str, Any] = {"x": np.float64, "word": object, "vector": np.float32}
    columns = {}
    for name in kinds.keys() - set(without):
        column = np.empty((len(rows), 2) if name == "vector" else len(rows), kinds[name])
        for place, one in enumerate(rows):
            column[place] = one[name]
        columns[name] = column
    return space.summarize(np.array(values, np.uint64), columns)


@law
@given(spaces, st.lists(st.lists(hashes, max_size=30), min_size=1, max_size=5), st.randoms())
def test_parts_in_any_order_make_the_sample_of_the_whole(
    space: BottomK, parts: list[list[int]], random: Any
) -> None:
    made = [sample(space, part) for part in parts]
    random.shuffle(made)
    whole = reduce(add, made)
    assert whole == space.union(made)
    assert whole == sample(space, [value for part in parts for value in part])
    expected = sorted({value for part in parts for value in part})[: space.rows]
    assert whole.hashes.tolist() == expected
    assert [None if np.isnan(x) else x for x in whole.columns.get("x", [])] == (
        [None if np.isnan(row(value)["x"]) else row(value)["x"] for value in expected]
        if "x" in whole.columns
        else []
    )


@law
@given(spaces, *[st.lists(hashes, max_size=20)] * 3)
def test_the_laws(space: BottomK, one: list[int], two: list[int], three: list[int]) -> None:
    a, b, c = (sample(space, values) for values in (one, two, three))
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + a == a
    assert a + space.zero() == a == space.zero() + a


@law
@given(st.lists(hashes, max_size=60), st.integers(1, 10))
def test_the_smallest_are_the_smallest_distinct(values: list[int], most: int) -> None:
    places = smallest_of(np.array(values, np.uint64), most)
    assert [values[place] for place in places] == sorted(set(values))[:most]


def test_a_column_that_one_part_lacks_is_missing_in_its_rows() -> None:
    space = BottomK(9)
    both = sample(space, [1, 2]) + sample(space, [4, 8], without=("word", "vector"))
    assert both.columns["word"].tolist() == ["b", "c", None, None]
    assert np.isnan(both.columns["vector"][2:]).all()
    assert both.columns["x"].tolist() == [1.0, 2.0, 4.0, 8.0]


def test_a_column_that_changed_its_type_is_missing_where_it_was_another() -> None:
    space = BottomK(9)
    numbers = space.summarize(np.array([1], np.uint64), {"x": np.array([1.5])})
    words = space.summarize(np.array([2], np.uint64), {"x": np.array(["a"], object)})
    for both in (numbers + words, words + numbers):
        assert both.columns["x"][0] == 1.5
        assert np.isnan(both.columns["x"][1])


def test_samples_of_different_sizes_do_not_add() -> None:
    with pytest.raises(ValueError, match="same space"):
        BottomK(1).zero() + BottomK(2).zero()


def test_the_sample_is_uniform_over_the_rows() -> None:
    rng = np.random.default_rng(3)
    places = np.concatenate(
        [smallest_of(rng.integers(0, 2**63, 5000).astype(np.uint64), 100) for _ in range(200)]
    )
    counts = np.histogram(places, 10, (0, 5000))[0]
    assert abs(counts - 2000).max() < 5 * np.sqrt(2000)
