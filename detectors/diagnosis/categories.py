"""A categorical column before and after: shares by category, and what new values may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from profiles import CategoricalSummary
from profiles.counts import Floats, Ints, aligned

FEWEST = 5.0  # rows: a category that was expected less often may be absent by chance
SIGMAS = 4.0
GONE = 0.1  # of what a category had: it is as good as gone
HARDLY = 0.02  # of a share: a smaller change need not be explained
NORMAL_DEVIATION = 0.8  # the mean absolute deviation of a normal distribution, in standard deviations
MOST_LEFT = 0.4  # of the distance may stay unexplained


@dataclass(frozen=True, eq=False)
class Categories:
    """Counts of the same codes in the reference and in a window.

    Attributes:
        codes: shape (k,); those from `len(values)` on are hashed buckets of unseen values.
        names: of each code; a bucket's by one of its values, or "" if none is known.
        before: counts of the reference, shape (k,).
        after: counts of the window, shape (k,).
    """

    codes: Ints
    names: tuple[str, ...]
    before: Floats
    after: Floats

    @classmethod
    def of(cls, reference: CategoricalSummary, current: CategoricalSummary) -> Self | None:
        """Compare two summaries of one vocabulary; None when either has no values."""
        if not reference.count or not current.count:
            return None
        codes, counts = aligned([reference.counts, current.counts])
        vocabulary = current.space
        buckets = {vocabulary.code(name): name for name in reversed(current.unseen_examples)}
        size = len(vocabulary.values)
        names = (
            vocabulary.values[code] if code < size else buckets.get(code, "") for code in map(int, codes)
        )
        before, after = counts.astype(np.float64)
        return cls(codes, tuple(names), before, after)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """The shares of the rows, before and after."""
        return self.before / self.before.sum(), self.after / self.after.sum()

    @property
    def noise(self) -> Floats:
        """The standard error of the difference of each share, by sampling alone."""
        return self._errors(self.shares[0])

    def _errors(self, expected: Floats) -> Floats:
        rows, others = self.before.sum(), self.after.sum()
        pooled = (expected * rows + self.after + 1) / (rows + others + 2)
        errors: Floats = np.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / others))
        return errors

    @property
    def distance(self) -> float:
        """The total variation distance."""
        before, after = self.shares
        return float(np.abs(after - before).sum() / 2)

    def vanished(self) -> Ints:
        """The places of categories that are gone, or nearly."""
        expected = self.before / self.before.sum() * self.after.sum()
        gone = (expected >= FEWEST) & (self.after <= GONE * expected)
        return np.flatnonzero(gone & (expected - self.after > SIGMAS * np.sqrt(expected)))

    def appeared(self) -> Ints:
        """The places of categories, or buckets, that hardly were."""
        expected = self.before / self.before.sum() * self.after.sum()
        fresh = (self.after >= FEWEST) & (expected <= GONE * self.after)
        return np.flatnonzero(fresh & (self.after > SIGMAS * np.sqrt(self.after)))

    def explained_by(self, expected: Floats) -> bool:
        """Whether the window's shares are these, but for noise and a little: a chi-square of all categories.

        Args:
            expected: shares, shape (k,), with sum 1.
        """
        _, after = self.shares
        errors = self._errors(expected)
        off = np.maximum(np.abs(after - expected) - HARDLY * expected, 0.0)
        statistic, df = float(np.square(off / errors).sum()), max(self.codes.size - 1, 1)
        left = float((np.abs(after - expected) - NORMAL_DEVIATION * errors).sum() / 2)
        return statistic <= df + 3 * float(np.sqrt(2 * df)) and left <= MOST_LEFT * self.distance

    def without(self, places: Sequence[int]) -> Floats:
        """The reference's shares among all categories but some, shape (k,)."""
        shares = self.shares[0].copy()
        shares[list(places)] = 0.0
        rest = float(shares.sum())
        return shares / rest if rest else shares
