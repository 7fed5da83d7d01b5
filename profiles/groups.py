"""Rows in groups: one pass counts all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from profiles.counts import Counts, Floats, Ints

LARGE = 1 << 12  # rows of a group that are worth a pass of their own
WIDEST = 1 << 22  # cells of one table; beyond it the groups are counted one by one


@dataclass(frozen=True)
class Groups:
    """Which group each row is in, and which groups are wanted, added up.

    Every sum over the groups costs one pass, however many there are.

    Attributes:
        codes: shape (n,), from 0 up to, without, `count`.
        count: how many groups there are.
        wanted: for each sum that is wanted the groups that it adds up.

    >>> halves = Groups(np.array([0, 1, 0]), 2, [np.array([0]), np.array([0, 1])])
    >>> halves.counts(np.array([7, 7, 8]))
    [Counts({7: 1, 8: 1}), Counts({7: 2, 8: 1})]
    """

    codes: Ints
    count: int
    wanted: Sequence[Ints]

    @classmethod
    def whole(cls, rows: int) -> Groups:
        """All rows as one group."""
        return cls(np.zeros(rows, np.int64), 1, (np.zeros(1, np.int64),))

    def take(self, rows: Any) -> Groups:
        """The groups of some rows, by mask or places."""
        return Groups(self.codes[rows], self.count, self.wanted)

    def added(self, by_group: Any) -> list[Any]:
        """Sums of what each group has, an array whose first axis are the groups."""
        return [by_group[groups].sum(axis=0) for groups in self.wanted]

    def rows(self) -> list[int]:
        """How many rows each sum has."""
        if self.count == 1:
            return [self.codes.size] * len(self.wanted)
        return [int(one) for one in self.added(np.bincount(self.codes, minlength=self.count))]

    def counts(self, keys: Any) -> list[Counts]:
        """Counts of integer keys, shape (n,), for each sum."""
        if self.count == 1:
            return [Counts.of(keys)] * len(self.wanted)
        if not keys.size:
            return [Counts()] * len(self.wanted)
        low = int(keys.min())
        span = int(keys.max()) - low + 1
        if span * self.count > WIDEST:
            by_group = [Counts.of(part) for part in self.parts(keys)]
            return [sum((by_group[group] for group in groups), Counts()) for groups in self.wanted]
        table = np.bincount(self.codes * span + (keys - low), minlength=self.count * span)
        found = []
        for dense in self.added(table.reshape(self.count, span)):
            present = np.flatnonzero(dense)
            found.append(Counts(present + low, dense[present].astype(np.int64)))
        return found

    def sums(self, values: Floats) -> list[float]:
        """Sums of finite numbers, shape (n,)."""
        if self.count == 1:
            return [float(values.sum())] * len(self.wanted)
        by_group = np.bincount(self.codes, weights=values, minlength=self.count)
        return [float(one) for one in self.added(by_group)]

    @property
    def large(self) -> bool:
        """Whether the groups are so large that a pass over each costs no more than one over all."""
        return self.codes.size >= LARGE * self.count

    def parts(self, values: Any) -> list[Any]:
        """The values of each group, in its rows' order; the first axis are the rows."""
        if self.count == 1:
            return [values]
        return np.split(values if self._in_order else values[self._order], self._edges)

    def extremes(self, values: Floats) -> list[tuple[float, float]]:
        """The smallest and the largest number of each sum; (inf, -inf) where it has no rows."""
        lows, highs = np.full(self.count, np.inf), np.full(self.count, -np.inf)
        if values.size:
            ordered = values if self.count == 1 else values[self._order]
            starts = np.concatenate([[0], self._edges])
            held = np.diff(starts, append=values.size) > 0
            lows[held] = np.minimum.reduceat(ordered, starts[held])
            highs[held] = np.maximum.reduceat(ordered, starts[held])
        return [(float(lows[groups].min()), float(highs[groups].max())) for groups in self.wanted]

    @cached_property
    def _in_order(self) -> bool:
        """Whether the rows stand group by group, as they do when they come in time order."""
        return bool((self.codes[1:] >= self.codes[:-1]).all())

    @cached_property
    def _order(self) -> Ints:
        narrow = self.codes.astype(np.uint16 if self.count <= 1 << 16 else np.int64)
        return np.argsort(narrow, kind="stable")  # numpy sorts 16 bits by radix

    @cached_property
    def _edges(self) -> Ints:
        return np.cumsum(np.bincount(self.codes, minlength=self.count))[:-1]
