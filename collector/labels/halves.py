"""What waits for its other half, or to be recognised as a duplicate."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import sqlalchemy as sa

from collector.batch import Hashes, Mask
from collector.labels.blocks import Block
from collector.labels.filter import Filter
from collector.labels.side import LARGEST, Side, Stored
from profiles.counts import Ints

PREDICTIONS, LABELS = "predictions", "labels"
SPLIT = 8  # blocks, at least: the oldest is forgotten as a whole


class Halves:
    """The predictions and the labels of one model, by id hash.

    Args:
        model: the model.
        seen: the filter over all ids that are held, of all models.
        kinds: how the model's task holds predictions and labels; what is held otherwise is of another task.
        most: rows that may be held.
    """

    def __init__(
        self, model: str, seen: Filter, kinds: Mapping[str, str], most: int = SPLIT * LARGEST
    ) -> None:
        self._filter, self._revision, self._kinds = seen, -1, kinds
        self._sides = {name: Side(model, name, most // SPLIT) for name in (PREDICTIONS, LABELS)}
        self._salts = {name: zlib.crc32(f"{model} {name}".encode()) << 32 for name in self._sides}

    def refresh(self, connection: sa.Connection, revision: int) -> None:
        """Take in what other workers have committed up to a revision of the model."""
        if revision == self._revision:
            return
        for name, side in self._sides.items():
            new = side.refresh(connection)
            side.drop(connection, [item for item in new if not self._fits(item)])
            for item in filter(self._fits, new):
                if item.revision > self._revision:
                    for ids in side.ids(connection, item):
                        self._filter.add(ids, self._salts[name])
        self._revision = revision

    def _fits(self, item: Stored) -> bool:
        held = item.header["kinds"] | dict.fromkeys(item.header["names"], "")
        return all(held.get(name, kind) == kind for name, kind in self._kinds.items())

    def rows(self, name: str) -> int:
        """How many rows a side holds."""
        return sum(item.rows for item in self._sides[name].stored)

    def fresh(self, connection: sa.Connection, name: str, ids: Hashes, asked: Mask | None = None) -> Ints:
        """The places of the ids that a side does not hold, by id; of equal ones the first.

        Args:
            connection: the transaction.
            name: the side.
            ids: shape (n,).
            asked: the ids that it may hold, shape (n,); None for all.
        """
        order = by_id(ids)
        ordered = ids[order]
        again = ordered[1:] == ordered[:-1]
        if again.any():
            order = order[np.concatenate([[True], ~again])]
            ordered = ids[order]
        known = np.zeros(order.size, bool)
        some = np.arange(order.size) if asked is None else np.flatnonzero(asked[order])
        for _, places in self.find(connection, name, ordered[some]):
            known[some[places]] = True
        return order[~known] if known.any() else order

    def find(self, connection: sa.Connection, name: str, ids: Hashes) -> Iterator[tuple[Block, Ints]]:
        """What a side holds of some ids, ascending: rows, and the places of their ids in `ids`.

        An id may be asked for several times.
        """
        side = self._sides[name]
        if side.stored:
            maybe = np.flatnonzero(self._filter.maybe(ids, self._salts[name]))
            found = side.find if name == LABELS else side.find_distinct
            for block, places in found(connection, ids[maybe]):
                yield block, maybe[places]

    def add(
        self, connection: sa.Connection, name: str, block: Block, newest: int, revision: int, oldest: int
    ) -> None:
        """Hold more rows, in the transaction that makes a revision of the model; forget what is too old.

        Labels take the place of those that are held for the same ids.
        """
        self._sides[name].add(connection, block, newest, revision, oldest)
        self._filter.add(block.ids, self._salts[name])
        self._revision = revision


def by_id(ids: Hashes) -> Ints:
    """The places of ids in their order, of equal ones in the order in which they came."""
    order = np.argsort(ids)
    ordered = ids[order]
    if bool((ordered[1:] == ordered[:-1]).any()):
        order = np.argsort(ids, kind="stable")  # takes several times as long
    return order
