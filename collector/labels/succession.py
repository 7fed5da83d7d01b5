"""Labels of one id, one after the other: which of them count, and which were corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from collector.batch import Mask
from collector.labels.blocks import Block, Recoder
from profiles.counts import Ints

MOMENT = ("known", "at")  # when a label became known: its window, and milliseconds since the window's start
MILLISECOND = 1000


@dataclass(frozen=True)
class Succession:
    """What labels change, by the rule that of an id the label with the latest time counts.

    Of equal times (to a millisecond) the last that came counts. A label that says what the one before it said
    changes nothing but when that was said last; an older one changes nothing.

    Attributes:
        rows: labels that were held, and those that came.
        gained: the places in `rows` of the labels that count from when they became known, by id.
        lost: for each of them the place of the label that it corrects, -1 for the first label of an id.
        last: the places of the labels to hold, by id; of each id at most one.
        counted: which of the labels that came change anything, shape (n,): the others are duplicates.
    """

    rows: Block
    gained: Ints
    lost: Ints
    last: Ints
    counted: Mask

    @classmethod
    def of(cls, came: Block, held: Sequence[Block]) -> Self:
        """What labels change.

        Args:
            came: the labels, by id, of equal ids in the order in which they came.
            held: the labels that are held for these ids.
        """
        every, known = np.arange(len(came)), sum(map(len, held))
        if not known and not bool((came.ids[1:] == came.ids[:-1]).any()):
            return cls(came, every, np.full(len(came), -1), every, np.ones(len(came), bool))
        parts = [*held, came]
        rows = Recoder([part.header() for part in parts]).joined(parts)
        order = _in_force(rows)
        first = np.concatenate([[True], rows.ids[order[1:]] != rows.ids[order[:-1]]])
        before = np.where(first, -1, np.concatenate([[-1], order[:-1]]))
        same = ~first & _equal(rows, order, before)
        again = same & (_times(rows)[order] == _times(rows)[before])
        changed = ~same & (order >= known)
        counted = np.zeros(len(came), bool)
        counted[order[changed] - known] = True
        # the last of each id that is more than a repetition
        told = order[~again]
        final = np.concatenate([rows.ids[told[1:]] != rows.ids[told[:-1]], [True]])
        last = told[final]
        return cls(rows, order[changed], before[changed], last[last >= known], counted)

    def labels(self, places: Ints) -> Block:
        """Some of the rows."""
        return self.rows.take(places)

    def corrected(self, corrections: Ints, places: Ints) -> Block:
        """Labels that were corrected, at `places` in `rows`, as of when their corrections became known."""
        new, old = self.rows.take(corrections), self.rows.take(places)
        columns = {name: (new if name in MOMENT else old).columns[name] for name in old.columns}
        return Block(old.ids, columns, old.names)


def _in_force(rows: Block) -> Ints:
    """The places of the rows that were the latest of their id when they came, by id and in order."""
    order = np.argsort(rows.ids, kind="stable")
    _, rank = np.unique(_times(rows)[order], return_inverse=True)
    number = np.cumsum(np.concatenate([[0], rows.ids[order[1:]] != rows.ids[order[:-1]]]))
    rising = number * (int(rank.max(initial=0)) + 1) + rank  # by id first, so that each id begins anew
    found: Ints = order[rising == np.maximum.accumulate(rising)]
    return found


def _times(rows: Block) -> Ints:
    """When each label became known, in microseconds, to a millisecond."""
    starts = np.array([0, *rows.names["known"]], np.int64)[rows.columns["known"]]
    times: Ints = starts + MILLISECOND * rows.columns["at"].astype(np.int64)
    return times


def _equal(rows: Block, places: Ints, others: Ints) -> Any:
    """Which labels say the same as others, whatever their columns are."""
    says = [column for name, column in rows.columns.items() if name not in MOMENT]
    return np.logical_and.reduce([column[places] == column[others] for column in says])
