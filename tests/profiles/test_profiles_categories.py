"""Categories: whatever values arrive, a summary is bounded, and no value is lost."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles import CategoricalSummary, Counts, Vocabulary
from profiles.categorical import BUCKETS, MAX_CATEGORIES
from profiles.counts import aligned
from profiles.sums import UNSEEN_KEPT
from tests.profiles.cases import WORDS, categorical, words

law = settings(max_examples=100, deadline=None)


@law
@given(known=st.lists(words, max_size=8), seen=st.lists(st.none() | words, max_size=30))
def test_every_value_is_counted_once(known: list[str], seen: list[str | None]) -> None:
    space = Vocabulary.fit(known)
    summary: CategoricalSummary = categorical(space, seen)
    assert summary.nulls == seen.count(None)
    assert summary.count == len(seen) - seen.count(None)
    strange = {value for value in seen if value is not None and value not in known}
    assert summary.unseen == sum(value in strange for value in seen)
    assert list(summary.unseen_examples) == sorted(strange)[:UNSEEN_KEPT]
    for code, value in enumerate(space.values):
        assert int(summary.counts.at(np.array([code]))[0]) == seen.count(value)


def test_a_huge_vocabulary_is_bounded_and_keeps_the_most_frequent() -> None:
    values = [f"user-{place}" for place in range(5000)]
    space = Vocabulary.fit(values, [place + 1 for place in range(5000)])
    assert len(space.values) == MAX_CATEGORIES
    assert set(space.values) == set(values[-MAX_CATEGORIES:])
    summary = space.summarize(np.arange(5000), values)
    assert summary.counts.keys.size <= MAX_CATEGORIES + BUCKETS
    assert summary.unseen == 5000 - MAX_CATEGORIES
    assert len(summary.unseen_examples) == UNSEEN_KEPT


def test_ties_between_categories_do_not_depend_on_their_order() -> None:
    values = [f"v{place}" for place in range(50)]
    random.Random(0).shuffle(values)  # noqa: S311 - an order, not a secret
    assert Vocabulary.fit(values, most=10) == Vocabulary.fit(sorted(values), most=10)


def test_the_order_and_repetition_of_a_dictionary_do_not_matter() -> None:
    space = Vocabulary(("a", "b"))
    one = space.summarize(np.array([0, 1, 2]), ["a", "b", "c"])
    assert space.summarize(np.array([2, 1, 0]), ["c", "b", "a"]) == one
    assert space.summarize(np.array([0, 1, 2]), ["c", "a", "b"]) == one
    twice = space.summarize(np.array([0, 1, 2, 2]), ["c", "c", "a"])
    assert twice.unseen_examples == ("c",)
    assert twice.unseen == 2


@pytest.mark.parametrize("word", WORDS)
def test_a_strange_word_is_a_category_as_any_other(word: str) -> None:
    space = Vocabulary((word,))
    assert space.summarize(np.array([0, 0, -1]), [word]).counts == Counts(np.array([0]), np.array([2]))
    assert 1 <= Vocabulary(("other",)).code(word) < 1 + BUCKETS
    assert space.label(0) == word
    assert space.label(1) == "(unseen)"


@law
@given(st.lists(st.lists(st.integers(-(2**62), 2**62) | st.integers(-3, 3), max_size=10), max_size=4))
def test_counts_are_those_of_a_dictionary(lists: list[list[int]]) -> None:
    counts = [Counts.of(np.array(keys, np.int64)) for keys in lists]
    together = sum(counts, Counts())
    every = [key for keys in lists for key in keys]
    assert together == Counts.of(np.array(every, np.int64))
    assert dict(zip(together.keys.tolist(), together.values.tolist(), strict=True)) == {
        key: every.count(key) for key in every
    }
    keys, matrix = aligned(counts)
    assert matrix.shape == (len(lists), keys.size)
    for row, one in zip(matrix, counts, strict=True):
        assert np.array_equal(one.at(keys), row)
