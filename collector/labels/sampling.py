"""Which predictions wait for a label when there is no room for all: a sample by id hash, window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.batch import Coded, Hashes, Mask
from collector.schema import Schema
from collector.store import tables
from collector.window import MICROSECOND
from profiles.counts import Ints

DEEPEST = 32  # levels: one row in four billion
SIDES = 2  # every prediction that waits may get a label, which is held too
held = tables.label_samples.c


@dataclass
class Level:
    """How a window is sampled.

    Attributes:
        level: ids whose hashes begin with so many 0 bits are in the sample: a share of 2**-level.
        counts: predictions by the leading 0 bits of their ids; those below the level are incomplete.
    """

    level: int
    counts: Ints

    @property
    def held(self) -> int:
        """How many predictions are in the sample."""
        return int(self.counts[self.level :].sum())


class Sampling:
    """The samples of a model's windows, within a transaction that holds the model's lock.

    A window may hold its part of `labels.most`: as much as its length is of `label_horizon`. When it gets
    more, the sample is halved: ids must begin with one more 0 bit. Hashes know nothing of labels, nor of
    anything else, so what is joined is a simple random sample of the window's predictions, and the same one
    whenever and wherever it is drawn. A window begins with the level of the one before, or one less where
    that fits.

    Args:
        connection: the transaction.
        schema: the model's schema.
        oldest: windows that start earlier, in microseconds, are forgotten.
    """

    def __init__(self, connection: sa.Connection, schema: Schema, oldest: int) -> None:
        self._connection, self._schema, self._oldest = connection, schema, oldest
        horizon = max(schema.label_horizon // MICROSECOND, schema.window.length)
        self.part = max(1, schema.labels.most * schema.window.length // (SIDES * horizon))
        self._windows: dict[int, Level] = {}

    def drawn(self, ids: Hashes, starts: Coded) -> Mask:
        """Which predictions are in the samples of their windows, shape (n,)."""
        levels = [self._window(start).level for start in starts.names]
        return np.ones(ids.size, bool) if not any(levels) else _zeros(ids) >= np.array(levels)[starts.codes]

    def take(self, ids: Hashes, starts: Coded) -> Mask:
        """Count predictions that are new; which of them are in the samples, which may have shrunk."""
        zeros = _zeros(ids)
        found = np.bincount(starts.codes * (DEEPEST + 1) + zeros, minlength=len(starts.names) * (DEEPEST + 1))
        for start, counts in zip(starts.names, found.reshape(-1, DEEPEST + 1), strict=True):
            window = self._window(start)
            window.counts = window.counts + counts
            while window.held > self.part and window.level < DEEPEST:
                window.level += 1
            self._save(start, window)
        return self.drawn(ids, starts)

    def _window(self, start: int) -> Level:
        if start not in self._windows:
            query = sa.select(held.level, held.counts).filter_by(model=self._schema.model)
            row = self._connection.execute(query.filter_by(start=start)).one_or_none()
            if row is None:
                before = query.where(held.start < start).order_by(held.start.desc()).limit(1)
                self._windows[start] = self._following(self._connection.execute(before).one_or_none())
            else:
                self._windows[start] = Level(row.level, np.array(row.counts, np.int64))
        return self._windows[start]

    def _following(self, row: Any) -> Level:
        level = 0
        if row is not None and row.level:
            before = Level(row.level, np.array(row.counts, np.int64))
            level = row.level - (2 * before.held <= self.part)
        return Level(level, np.zeros(DEEPEST + 1, np.int64))

    def _save(self, start: int, window: Level) -> None:
        identity = {"model": self._schema.model, "start": start}
        values = {"level": window.level, "counts": window.counts.tolist()}
        changed = tables.label_samples.update().filter_by(**identity).values(**values)
        if not self._connection.execute(changed).rowcount:
            self._connection.execute(tables.label_samples.insert().values(**identity, **values))
            old = tables.label_samples.delete().filter_by(model=self._schema.model)
            self._connection.execute(old.where(held.start < self._oldest))

    def labels(self) -> LabelLevels:
        """What is sampled, for labels, whose windows are not known."""
        query = sa.select(held.start, held.level).filter_by(model=self._schema.model).order_by(held.start)
        rows = self._connection.execute(query).all()
        return LabelLevels({row.start: row.level for row in rows})


@dataclass(frozen=True)
class LabelLevels:
    """The levels of all windows, by their starts, ascending."""

    windows: dict[int, int]

    @property
    def whole(self) -> bool:
        """Whether nothing is left out anywhere."""
        return not any(self.windows.values())

    def possible(self, ids: Hashes) -> Mask:
        """Which ids are in the sample of any window, shape (n,)."""
        return _zeros(ids) >= min(self.windows.values(), default=0)

    def latest(self, ids: Hashes) -> Mask:
        """Which ids are in the sample of the last window: labels of predictions to come are held by it."""
        return _zeros(ids) >= next(reversed(self.windows.values()), 0)

    def drawn(self, ids: Hashes, starts: Coded) -> Mask:
        """Which predictions are in the samples of their windows, shape (n,)."""
        levels = [self.windows.get(start, 0) for start in starts.names]
        return _zeros(ids) >= np.array([*levels, 0])[starts.codes]


def _zeros(ids: Hashes) -> Ints:
    """With how many 0 bits each hash begins, up to `DEEPEST`."""
    _, bits = np.frexp((ids >> np.uint64(64 - DEEPEST)).astype(np.float64))
    return (DEEPEST - bits).astype(np.int64)
