"""Ranked lists whose relevances have become known: the counts that ranking metrics are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from profiles.counts import Counts, Floats, Ints
from profiles.sums import Sums

STEPS = (1 << 16) - 1  # NDCG is told to 1 / STEPS
LONGEST = 1000  # items of a list
CUTOFFS = (5, 10)  # of NDCG; the last one of precision, too
FIRST_BITS, HITS_BITS, NDCG_BITS = 10, 4, 16


def packed(ndcg: Sequence[Floats], first: Ints, hits: Ints) -> Floats:
    """What is known of each list as one whole number below 2**46, which a double holds exactly; shape (n,).

    Args:
        ndcg: of the first 5 and of the first 10 items, from 0 to 1; rounded to 1 / `STEPS`.
        first: the place of the first relevant item, from 1 to `LONGEST`; 0 for none.
        hits: how many of the first 10 items are relevant.

    >>> labels = packed([np.array([0.5]), np.array([1.0])], np.array([3]), np.array([2]))
    >>> [part.tolist() for part in unpacked(labels)]
    [[32768], [65535], [3], [2]]
    """
    of_5, of_10 = (np.rint(part * STEPS).astype(np.int64) for part in ndcg)
    found = of_10
    for part, bits in ((of_5, NDCG_BITS), (first, FIRST_BITS), (hits, HITS_BITS)):
        found = (found << bits) | part
    return found.astype(np.float64)


def unpacked(labels: Floats) -> tuple[Ints, Ints, Ints, Ints]:
    """NDCG of 5 and of 10 in steps of 1 / `STEPS`, first and hits: what `packed` was given, each (n,)."""
    rest = labels.astype(np.int64)
    parts: list[Ints] = []
    for bits in (HITS_BITS, FIRST_BITS, NDCG_BITS):
        parts.append(rest & ((1 << bits) - 1))
        rest >>= bits
    hits, first, ndcg_5 = parts
    return ndcg_5, rest, first, hits


@dataclass(frozen=True, eq=False)
class RankingOutcomes(Sums):
    """Counts of lists.

    Attributes:
        ndcg_5: by NDCG of the first 5 items, in steps of 1 / `STEPS`.
        ndcg_10: the same of the first 10.
        firsts: by the place of the first relevant item; 0 for none.
        hits: by how many of the first 10 items are relevant.
    """

    ndcg_5: Counts
    ndcg_10: Counts
    firsts: Counts
    hits: Counts

    @property
    def count(self) -> int:
        """How many lists have their label."""
        return self.firsts.total


@dataclass(frozen=True)
class RankedLists:
    """The space of a ranking task.

    >>> label = packed([np.array([0.5]), np.array([0.5])], np.array([3]), np.array([2]))
    >>> RankedLists().summarize(label).firsts
    Counts({3: 1})
    """

    kind: ClassVar[str] = "ranking"

    def summarize(self, labels: Floats) -> RankingOutcomes:
        """Count lists by their `packed` labels, shape (n,)."""
        return RankingOutcomes(self, *(Counts.of(part) for part in unpacked(labels)))

    def zero(self) -> RankingOutcomes:
        """The summary of no rows."""
        return RankingOutcomes(self, Counts(), Counts(), Counts(), Counts())
