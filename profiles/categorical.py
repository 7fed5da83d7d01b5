"""The summary of a categorical column: counts by category, bounded whatever values arrive."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts
from profiles.groups import Groups
from profiles.sums import UNSEEN_KEPT, Sums, first_few

MAX_CATEGORIES = 1000
BUCKETS = 64  # values outside the vocabulary share these, by hash


@dataclass(frozen=True, eq=False)
class CategoricalSummary(Sums):
    """Counts by category code (see `Vocabulary`), missing values, and a few unseen values by name."""

    counts: Counts
    nulls: int = 0
    unseen_examples: tuple[str, ...] = first_few()

    @property
    def count(self) -> int:
        """How many values were not missing."""
        return self.counts.total

    @property
    def unseen(self) -> int:
        """How many values are outside the vocabulary."""
        return int(self.counts.values[self.counts.keys >= len(self.space.values)].sum())


@dataclass(frozen=True)
class Vocabulary:
    """The categories of one feature, fixed by the reference; other values share `BUCKETS` hashed codes.

    >>> colours = Vocabulary.fit(["red", "blue", "red"])
    >>> colours.values
    ('blue', 'red')
    >>> seen = colours.summarize(np.array([0, 1, -1, 0]), ["red", "violet"])
    >>> seen.counts.at(np.array([1])).tolist(), seen.unseen, seen.unseen_examples, seen.nulls
    ([2], 1, ('violet',), 1)
    """

    values: tuple[str, ...]
    kind: ClassVar[str] = "categorical"

    @classmethod
    def fit(
        cls, values: Sequence[str], counts: Sequence[int] | None = None, most: int = MAX_CATEGORIES
    ) -> Vocabulary:
        """The vocabulary of a reference: its distinct values, at most the `most` frequent."""
        weights: dict[str, int] = {}
        for value, weight in zip(values, counts or [1] * len(values), strict=True):
            weights[value] = weights.get(value, 0) + weight
        kept = sorted(weights, key=lambda value: (-weights[value], value))[:most]
        return cls(tuple(sorted(kept)))

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {value: code for code, value in enumerate(self.values)}

    def code(self, value: str) -> int:
        """The code of a value: its place in the vocabulary, or a hashed bucket behind it."""
        known = self._codes.get(value)
        if known is not None:
            return known
        return len(self.values) + zlib.crc32(value.encode(errors="surrogatepass")) % BUCKETS

    def tally(
        self, codes: npt.NDArray[np.integer], dictionary: Sequence[str], groups: Groups
    ) -> list[CategoricalSummary]:
        """Count a dictionary-encoded column, for each sum of groups.

        Args:
            codes: shape (n,), places in `dictionary`; negative for missing.
            dictionary: the distinct values.
            groups: of the rows.
        """
        own = np.array([self.code(value) for value in dictionary], np.int64)
        found = []
        for counted in groups.counts(codes):
            seen, many = counted.keys, counted.values
            nulls = int(many[seen < 0].sum())
            seen, many = seen[seen >= 0], many[seen >= 0]
            unseen = sorted({dictionary[i] for i in seen[own[seen] >= len(self.values)].tolist()})
            counts = Counts.weighted(own[seen], many) if seen.size else Counts()
            found.append(CategoricalSummary(self, counts, nulls, tuple(unseen[:UNSEEN_KEPT])))
        return found

    def summarize(self, codes: npt.NDArray[np.integer], dictionary: Sequence[str]) -> CategoricalSummary:
        """Count a dictionary-encoded column: see `tally`."""
        return self.tally(codes, dictionary, Groups.whole(len(codes)))[0]

    def zero(self) -> CategoricalSummary:
        """The summary of no rows."""
        return CategoricalSummary(self, Counts())

    def label(self, code: int) -> str:
        """The name of a code, for people."""
        return self.values[code] if code < len(self.values) else "(unseen)"
