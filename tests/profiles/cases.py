"""For every space: how to draw one, how to draw rows for it, and how it summarises them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from profiles import (
    ARRIVALS,
    CONTRACT,
    NO_SCORE,
    ClassOutcomes,
    ClassScores,
    Grid,
    LatencyGrid,
    Losses,
    Moments,
    Outcomes,
    Probabilities,
    Projection,
    RankedLists,
    ResidualGrid,
    Scored,
    ScoreGrid,
    Status,
    Violation,
    Vocabulary,
)
from profiles.ranking import packed

Row = Any
SPECIAL = (
    *(math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-310, 2.3e-308),
    *(1e300, -1e300, 1.7e308, -1.7e308, 1e16, 2.0**53 + 2, float(2**63), 1.0, math.nextafter(1.0, 2.0), 0.5),
)
FINITE = tuple(value for value in SPECIAL if math.isfinite(value))
WORDS = ("", " ", "a", "A", "naïve", "日本語", "🙂", "\x00", "\ud800", "e\u0301", "null", "x" * 300)

numbers = st.one_of(st.sampled_from(SPECIAL), st.floats(), st.floats(-5, 5), st.integers(-9, 9).map(float))
finite = st.one_of(
    st.sampled_from(FINITE), st.floats(allow_nan=False, allow_infinity=False), st.floats(-5, 5)
)
words = st.one_of(st.sampled_from(WORDS), st.text(max_size=5), st.integers(0, 30).map(str))
bits = st.sampled_from((0.0, 1.0))
statuses = st.sampled_from((*map(float, Status), math.nan))
few = st.integers(0, 3)
bins = st.sampled_from((NO_SCORE, -6400, -1, 0, 1, 6400)) | st.integers(-6400, 6400)
centers = st.one_of(st.sampled_from((0.0, 1.0, -1e300, 1e300, 1e9, 5e-324)), st.floats(-1e6, 1e6))
scales = st.one_of(st.sampled_from((1.0, 1e-290, 1e300, 1e-9, 0.1)), st.floats(1e-6, 1e6))
grids = st.builds(Grid, centers, scales)
vocabularies = st.lists(words, max_size=6).map(Vocabulary.fit)


@dataclass(frozen=True)
class Case:
    """One space under test; `summarize` takes the space and a list of rows, `ordinary` is one of each."""

    spaces: st.SearchStrategy[Any]
    rows: st.SearchStrategy[Row]
    summarize: Callable[[Any, Sequence[Row]], Any]
    ordinary: tuple[Any, Row]


def column(rows: Sequence[Row], place: int) -> Any:
    return np.array([row[place] for row in rows], np.float64)


def numeric(space: Any, rows: Sequence[Row]) -> Any:
    return space.summarize(np.array(rows, np.float64))


def categorical(space: Vocabulary, rows: Sequence[Row]) -> Any:
    dictionary = list(dict.fromkeys(row for row in rows if row is not None))
    codes = [-1 if row is None else dictionary.index(row) for row in rows]
    return space.summarize(np.array(codes, np.int64), dictionary)


def embedding(space: Projection, rows: Sequence[Row]) -> Any:
    return space.summarize(np.array(rows, np.float64).reshape(len(rows), 3))


def moments(space: Moments, rows: Sequence[Row]) -> Any:
    return space.summarize(list(np.array(rows, np.float64).reshape(len(rows), len(space.centers)).T))


def latency(space: LatencyGrid, rows: Sequence[Row]) -> Any:
    return space.summarize(column(rows, 0), column(rows, 1))


def binary(space: Outcomes, rows: Sequence[Row]) -> Any:
    return space.summarize(column(rows, 0), column(rows, 1), column(rows, 2))


def multiclass(space: ClassOutcomes, rows: Sequence[Row]) -> Any:
    predictions, labels = (column(rows, place).astype(np.int64) for place in (0, 1))
    bins = np.array([row[2] for row in rows], np.int64).reshape(len(rows), 2)
    likeliest = np.array([row[3] for row in rows], np.int64).reshape(len(rows), 2)
    return space.summarize(predictions, labels, Probabilities(np.array([0, 2]), bins, likeliest))


def ranking(space: RankedLists, rows: Sequence[Row]) -> Any:
    parts = [column(rows, place) for place in range(4)]
    return space.summarize(packed(parts[:2], *(part.astype(np.int64) for part in parts[2:])))


def class_scores(space: ClassScores, rows: Sequence[Row]) -> Any:
    scores = {name: column(rows, place) for place, name in enumerate(("a", "b"))}
    return space.summarize(space.bins(scores, len(rows)), column(rows, 2).astype(np.int64))


def regression(space: ResidualGrid, rows: Sequence[Row]) -> Any:
    return space.summarize(column(rows, 0), column(rows, 1))


def scored(space: Scored, rows: Sequence[Row]) -> Any:
    return space.summarize(column(rows, 0), column(rows, 1))


def contract(space: Any, rows: Sequence[Row]) -> Any:
    return sum((space.summarize(Violation(code), 1, [word]) for code, word in rows), space.zero())


def arrivals(space: Any, rows: Sequence[Row]) -> Any:
    return sum((space.summarize(**{name: 1}, examples=[word]) for name, word in rows), space.zero())


CASES = {
    "numeric": Case(grids, numbers, numeric, (Grid(0.0, 1.0), 2.0)),
    "score": Case(st.just(ScoreGrid()), numbers, numeric, (ScoreGrid(), 0.3)),
    "latency": Case(
        st.just(LatencyGrid()), st.tuples(numbers, statuses), latency, (LatencyGrid(), (12.5, 0.0))
    ),
    "categorical": Case(vocabularies, st.none() | words, categorical, (Vocabulary(("a", "b")), "a")),
    "embedding": Case(
        st.lists(st.tuples(finite, finite, finite), max_size=5).map(
            lambda rows: Projection.fit(np.array(rows, np.float64).reshape(len(rows), 3))
        ),
        st.tuples(numbers, numbers, numbers),
        embedding,
        (Projection((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), (1.0, 2.0, 3.0)),
    ),
    "moments": Case(
        st.lists(st.tuples(finite, finite, finite), max_size=5).map(
            lambda rows: Moments.fit(list(np.array(rows, np.float64).reshape(len(rows), 3).T))
        ),
        st.tuples(numbers, numbers, numbers),
        moments,
        (Moments((), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), (1.0, 2.0, 3.0)),
    ),
    "binary": Case(
        st.just(Outcomes()), st.tuples(numbers, bits, bits), binary, (Outcomes(), (0.5, 1.0, 1.0))
    ),
    "multiclass": Case(
        vocabularies.map(ClassOutcomes),
        st.tuples(few, few, st.tuples(bins, bins), st.tuples(st.integers(-1, 3), st.integers(-1, 3))),
        multiclass,
        (ClassOutcomes(Vocabulary(("a", "b"))), (0, 1, (300, 5), (0, 1))),
    ),
    "ranking": Case(
        st.just(RankedLists()),
        st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 1000), st.integers(0, 10)),
        ranking,
        (RankedLists(), (0.5, 0.25, 3, 1)),
    ),
    "class_scores": Case(
        st.sampled_from((None, (), (1,))).map(lambda codes: ClassScores(Vocabulary(("a", "b", "c")), codes)),
        st.tuples(numbers, numbers, st.integers(-1, 3)),
        class_scores,
        (ClassScores(Vocabulary(("a", "b"))), (0.7, 0.3, 0)),
    ),
    "regression": Case(
        st.builds(ResidualGrid, grids, st.none() | centers),
        st.tuples(finite, finite),
        regression,
        (ResidualGrid(Grid(0.0, 1.0), 0.5), (3.0, 1.0)),
    ),
    "losses": Case(
        st.builds(Losses.fit, grids, st.lists(finite, max_size=9).map(np.array)),
        st.tuples(finite, finite),
        regression,
        (Losses(Grid(0.0, 1.0), (0,)), (3.0, 1.0)),
    ),
    "scored": Case(
        st.just(Scored()), st.tuples(numbers, bits | st.just(math.nan)), scored, (Scored(), (0.5, 1.0))
    ),
    "contract": Case(
        st.just(CONTRACT), st.tuples(few, words), contract, (CONTRACT, (0, "'abc': expected a number"))
    ),
    "arrivals": Case(
        st.just(ARRIVALS),
        st.tuples(st.sampled_from(("accepted", "rejected", "duplicates")), words),
        arrivals,
        (ARRIVALS, ("rejected", "age: missing")),
    ),
}
KINDS = sorted(CASES)


def summary_of(kind: str, rows: int) -> Any:
    """The summary of so many equal, ordinary rows on an ordinary space."""
    case = CASES[kind]
    space, row = case.ordinary
    return case.summarize(space, [row] * rows)
