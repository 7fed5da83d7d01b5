"""Scores by what was predicted of them: what a confusion matrix is expected from while labels are missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Ints
from profiles.groups import Groups
from profiles.numeric import PIECE
from profiles.score import TOP, ScoreGrid
from profiles.sums import Sums

FEW = 1 << 12  # rows that tell about where predictions are divided
ROUNDED = 1 - 1e-9  # an edge is a quotient
Column = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class ScoredPredictions(Sums):
    """Counts on the score grid of the rows predicted positive, and of those predicted negative."""

    positive: Counts
    negative: Counts

    @property
    def count(self) -> int:
        """How many rows have a score and a prediction."""
        return self.positive.total + self.negative.total


@dataclass(frozen=True)
class Scored:
    """The space of binary predictions with scores: a prediction need not be score >= 0.5.

    >>> seen = Scored().summarize(np.array([0.9, 0.2, np.nan]), np.array([1.0, 0.0, 1.0]))
    >>> seen.positive.total, seen.negative.total
    (1, 1)
    """

    kind: ClassVar[str] = "scored"
    scores: ClassVar[ScoreGrid] = ScoreGrid()

    def tally(
        self, scores: Column, predictions: Column, groups: Groups, known: list[Counts] | None = None
    ) -> list[ScoredPredictions]:
        """Count rows, all shape (n,), for each sum of groups; rows without score or prediction are left out.

        Args:
            scores: in [0, 1], or NaN.
            predictions: 0 or 1, or NaN.
            groups: of the rows.
            known: the counts of all scores of each sum, where they are known already.
        """
        both = ~(np.isnan(scores) | np.isnan(predictions))
        whole = bool(both.all())
        if not whole:
            scores, predictions, groups = scores[both], predictions[both], groups.take(both)
        positive = predictions > 0
        if whole and known is not None:
            edge = self._edge(scores, positive)
            if edge is not None:  # a threshold divides the rows: so it does the counts
                shared = self._at(edge, scores, positive)
                hits = groups.take(shared).rows()
                return [self._divided(counts, edge, at) for counts, at in zip(known, hits, strict=True)]
        keys = self._index(scores)
        keys *= 2
        keys += positive
        return [self._parted(counts) for counts in self._counted(keys, groups)]

    def _index(self, scores: Column) -> npt.NDArray[np.int32]:
        """The bins of scores; piece by piece, so that what is in between stays in the cache."""
        keys = np.empty(scores.size, np.int32)
        for start in range(0, scores.size, PIECE):
            keys[start : start + PIECE] = self.scores.index(scores[start : start + PIECE].astype(np.float64))
        return keys

    @staticmethod
    def _counted(keys: npt.NDArray[np.int32], groups: Groups) -> list[Counts]:
        if groups.count == 1 or not groups.large:
            return groups.counts(keys)
        by_group = [Counts.of(part) for part in groups.parts(keys)]
        return [reduce(add, (by_group[group] for group in wanted)) for wanted in groups.wanted]

    def _parted(self, counts: Counts) -> ScoredPredictions:
        """From counts of 2 * bin + prediction."""
        hit = counts.keys & 1 == 1
        one, other = (Counts(counts.keys[own] >> 1, counts.values[own]) for own in (hit, ~hit))
        return ScoredPredictions(self, one, other)

    def _edge(self, scores: Column, positive: npt.NDArray[np.bool_]) -> int | None:
        """The first bin of predicted positives, if no predicted negative is in a higher one."""
        first = float(np.min(scores[:FEW][positive[:FEW]], initial=np.inf))
        above = float(np.min(scores[(scores < first) & positive], initial=first))
        edge = int(self.scores.index(np.array([above]))[0])
        bound = float(self.scores.upper(np.array([edge]))[0]) * ROUNDED
        higher = scores[(scores >= bound) & ~positive].astype(np.float64)
        return edge if int(np.max(self.scores.index(higher), initial=-TOP)) <= edge else None

    def _at(self, edge: int, scores: Column, positive: npt.NDArray[np.bool_]) -> Ints:
        """The places of the predicted positives in a bin, which is their first."""
        bound = float(self.scores.upper(np.array([edge]))[0]) * (2 - ROUNDED) if edge < TOP else np.inf
        places = np.flatnonzero((scores <= bound) & positive)
        found: Ints = places[self.scores.index(scores[places].astype(np.float64)) == edge]
        return found

    def _divided(self, counts: Counts, edge: int, hits: int) -> ScoredPredictions:
        """Counts of all scores, of which the higher bins and `hits` rows of the bin `edge` are positive."""
        at = int(np.searchsorted(counts.keys, edge))
        above = at + int(at < counts.keys.size and counts.keys[at] == edge)
        others = int(counts.values[at:above].sum()) - hits
        border = [Counts(np.array([edge][:rows]), np.array([rows][:rows])) for rows in (hits, others)]
        sides = (Counts(counts.keys[rows], counts.values[rows]) for rows in (slice(above, None), slice(at)))
        return ScoredPredictions(self, *(side + one for side, one in zip(sides, border, strict=True)))

    def summarize(self, scores: Column, predictions: Column) -> ScoredPredictions:
        """Count rows, both shape (n,), NaN for missing."""
        return self.tally(scores, predictions, Groups.whole(len(scores)))[0]

    def zero(self) -> ScoredPredictions:
        """The summary of no rows."""
        return ScoredPredictions(self, Counts(), Counts())
