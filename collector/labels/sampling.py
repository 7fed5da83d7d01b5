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
SPARE = 4  # a quarter of the rows is left for what is forgotten late
BURST = 8  # a window may take so much of what is free: one in eight
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

    Half of the room is shared out evenly among the windows of `label_horizon`; of what is left of the other
    half a window may take an eighth. When it gets more, its sample is halved: ids must begin with one more 0
    bit. Hashes know nothing of labels, nor of anything else, so what is joined is a simple random sample of
    the window's predictions. A window begins with the least level at which the one before would have fitted.

    Args:
        connection: the transaction.
        schema: the model's schema.
        oldest: windows that start earlier, in microseconds, are forgotten.
    """

    def __init__(self, connection: sa.Connection, schema: Schema, oldest: int) -> None:
        self._connection, self._schema, self._oldest = connection, schema, oldest
        self._horizon = schema.label_horizon // MICROSECOND
        room = (schema.labels.most - schema.labels.most // SPARE) // SIDES
        self._share = max(1, room // 2 // (self._horizon // schema.window.length + 1))
        self._burst = room // 2
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
            if window.held > self._share:
                limit = self._limit(start)
                while window.held > limit and window.level < DEEPEST:
                    window.level += 1
            self._save(start, window)
        return self.drawn(ids, starts)

    def _limit(self, start: int) -> int:
        """How many predictions a window may hold, by what the others have taken beyond their shares."""
        beyond = sa.case((held.held > self._share, held.held - self._share), else_=0)
        query = sa.select(sa.func.sum(beyond)).filter_by(model=self._schema.model)
        query = query.where(held.start >= start - self._horizon, held.start != start)
        taken = int(self._connection.execute(query).scalar() or 0)
        return self._share + max(0, self._burst - taken) // BURST

    def _window(self, start: int) -> Level:
        if start not in self._windows:
            query = sa.select(held.level, held.held, held.counts).filter_by(model=self._schema.model)
            row = self._connection.execute(query.filter_by(start=start)).one_or_none()
            if row is None:
                before = query.where(held.start < start).order_by(held.start.desc()).limit(1)
                self._windows[start] = self._following(start, self._connection.execute(before).one_or_none())
            else:
                self._windows[start] = Level(row.level, np.array(row.counts, np.int64))
        return self._windows[start]

    def _following(self, start: int, before: Any) -> Level:
        level = before.level if before is not None else 0
        if level:
            room = self._limit(start) // max(before.held, 1)
            level = max(0, level - max(room.bit_length() - 1, 0))
        return Level(level, np.zeros(DEEPEST + 1, np.int64))

    def _save(self, start: int, window: Level) -> None:
        identity = {"model": self._schema.model, "start": start}
        values = {"level": window.level, "held": window.held, "counts": window.counts.tolist()}
        changed = tables.label_samples.update().filter_by(**identity).values(**values)
        if not self._connection.execute(changed).rowcount:
            self._connection.execute(tables.label_samples.insert().values(**identity, **values))
            old = tables.label_samples.delete().filter_by(model=self._schema.model)
            self._connection.execute(old.where(held.start < self._oldest))

    def labels(self) -> LabelLevels:
        """What is sampled, for labels, whose windows are not known."""
        query = sa.select(held.start, held.level).filter_by(model=self._schema.model).order_by(held.start)
        if self._connection.execute(query.where(held.level > 0).limit(1)).one_or_none() is None:
            return LabelLevels({})
        rows = self._connection.execute(query).all()
        return LabelLevels({row.start: row.level for row in rows})


@dataclass(frozen=True)
class LabelLevels:
    """The levels of all windows, by their starts, ascending; none where nothing is left out."""

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
