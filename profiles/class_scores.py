"""The probabilities that a multi-class model gives to its classes, counted class by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from profiles.categorical import Vocabulary
from profiles.counts import Counts, Floats, Ints
from profiles.groups import Groups
from profiles.outcomes import NO_SCORE
from profiles.score import ScoreGrid
from profiles.sums import Sums

MOST_COUNTED = 50  # classes of a model whose probabilities are counted: the frequent ones
BINS = 1 << 14  # more than the score grid has
HALF = BINS >> 1


def cells(codes: Ints | int, bins: Ints, flags: Ints) -> Ints:
    """The keys of class x score bin x flag; class and bin can be read off them again."""
    return ((codes * BINS + bins + HALF) << 1) + flags


def classes_of(counts: Counts) -> Ints:
    """The codes of the classes that were counted, ascending."""
    return np.unique((counts.keys >> 1) // BINS)


def of_class(counts: Counts, code: int) -> tuple[Ints, Ints, Ints]:
    """One class's counts: its occupied score bins, ascending, with the flag and without it."""
    low, high = np.searchsorted(counts.keys, [(code * BINS) << 1, ((code + 1) * BINS) << 1])
    held = counts.keys[low:high] - ((code * BINS) << 1)
    bins, place = np.unique(held >> 1, return_inverse=True)
    table = np.zeros((2, bins.size), np.int64)
    table[held & 1, place] = counts.values[low:high]
    return bins - HALF, table[1], table[0]


@dataclass(frozen=True, eq=False)
class ClassScoreCounts(Sums):
    """Counts by class x score bin x whether this class was the prediction: see `of_class`."""

    counts: Counts

    @property
    def count(self) -> int:
        """How many probabilities came, of all classes."""
        return self.counts.total

    def of_class(self, code: int) -> tuple[Ints, Ints, Ints]:
        """The probabilities of one class, by its code in the space's `classes`.

        Returns:
            The occupied bins of `space.grid`, ascending, shape (b,); how many rows of each were predicted as
            this class; how many as another, or as none.
        """
        return of_class(self.counts, code)


@dataclass(frozen=True)
class ClassScores:
    """The space of what a multi-class model is sure of when it predicts.

    Attributes:
        classes: as in the space of the model's outcomes, so codes are the same.
        counted: the codes of the classes whose probabilities are counted, ascending; None for all.

    >>> space = ClassScores(Vocabulary(("cat", "dog")))
    >>> bins = space.bins({"cat": np.array([0.75, 0.25]), "dog": np.array([0.25, np.nan])}, 2)
    >>> counted = space.summarize(bins, np.array([0, 1]))
    >>> [item.tolist() for item in counted.of_class(0)[1:]]
    [[0, 1], [1, 0]]
    """

    classes: Vocabulary
    counted: tuple[int, ...] | None = None
    kind: ClassVar[str] = "class_scores"
    grid: ClassVar[ScoreGrid] = ScoreGrid()

    @cached_property
    def codes(self) -> Ints:
        """The codes of the classes that are counted, ascending, shape (c,)."""
        return np.array(range(len(self.classes.values)) if self.counted is None else self.counted, np.int64)

    def bins(self, scores: Mapping[str, Floats], rows: int) -> Ints:
        """The bins of the counted classes' probabilities, shape (rows, c); `NO_SCORE` for missing.

        Args:
            scores: by class, shape (rows,), NaN for missing; other classes are left out.
            rows: how many there are.
        """
        found = np.full((rows, self.codes.size), NO_SCORE, np.int64)
        for place, code in enumerate(self.codes.tolist()):
            column = scores.get(self.classes.values[code])
            if column is not None:
                given = ~np.isnan(column)
                found[given, place] = self.grid.index(column[given])
        return found

    def tally(self, bins: Ints, predictions: Ints, groups: Groups) -> list[ClassScoreCounts]:
        """Count rows for each sum of groups.

        Args:
            bins: what `bins` gave, shape (n, c).
            predictions: codes of `classes`, shape (n,), negative for none.
            groups: of the rows.
        """
        by_class = []
        for place, code in enumerate(self.codes.tolist()):
            column = bins[:, place]
            given = np.flatnonzero(column != NO_SCORE)
            keys = cells(0, column[given], (predictions[given] == code).astype(np.int64))
            by_class.append([_of(code, one) for one in groups.take(given).counts(keys)])
        parts = zip(*by_class, strict=True) if by_class else ((),) * len(groups.wanted)
        return [ClassScoreCounts(self, _joined(part)) for part in parts]

    def summarize(self, bins: Ints, predictions: Ints) -> ClassScoreCounts:
        """Count rows: see `tally`."""
        return self.tally(bins, predictions, Groups.whole(len(predictions)))[0]

    def zero(self) -> ClassScoreCounts:
        """The summary of no rows."""
        return ClassScoreCounts(self, Counts())


def _of(code: int, counts: Counts) -> Counts:
    return Counts(counts.keys + ((code * BINS) << 1), counts.values)


def _joined(parts: tuple[Counts, ...]) -> Counts:
    """Counts of ascending classes, one after the other."""
    if not parts:
        return Counts()
    return Counts(
        np.concatenate([part.keys for part in parts]), np.concatenate([part.values for part in parts])
    )
