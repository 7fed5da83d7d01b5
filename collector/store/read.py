"""Reads what was committed: shapes, windows, and sums of profiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.store import quarantine, samples, tables
from collector.store.rows import load_shape
from collector.summarize import AT_PREDICTION, EVERYTHING
from profiles import Profile, Shape
from profiles.counts import Counts
from profiles.sample import BottomK, Sample

Role = str  # "production", "reference", "daily", or:
ARRIVED = "arrivals"  # of production, but it depends on how often rows were sent, not on the rows alone
STORED = tuple(tables.profiles.c[name] for name in (*quarantine.IDENTITY, "profile"))


class Reader:
    """Reads one model's profiles, on its current shape, through a connection.

    Args:
        connection: for reading, or a transaction.
        model: the model.
    """

    def __init__(self, connection: sa.Connection, model: str) -> None:
        self._connection, self._model = connection, model
        self.row = connection.execute(sa.select(tables.models).filter_by(model=model)).one_or_none()
        digest = self.row.shape if self.row else None
        self.shape: Shape | None = load_shape(connection, digest) if digest else None

    def _query(self, role: Role, *columns: Any) -> Any:
        digest = self.shape.digest if self.shape else ""
        return sa.select(*columns).filter_by(model=self._model, role=role, shape=digest)

    def starts(
        self,
        role: Role,
        low: int | None = None,
        high: int | None = None,
        most: int | None = None,
        version: str | None = None,
    ) -> list[int]:
        """The starts of the windows with predictions, from `low` up to, without, `high`; the first `most`."""
        column = tables.profiles.c.start
        query = self._query(role, column).filter_by(known=AT_PREDICTION, segment=EVERYTHING)
        query = query if version is None else query.filter_by(version=version)
        query = query if low is None else query.where(column >= low)
        query = query if high is None else query.where(column < high)
        return list(self._connection.execute(query.distinct().order_by(column).limit(most)).scalars())

    def first_version(self) -> str | None:
        """The version that predicted first; None while there are no predictions."""
        columns = tables.profiles.c
        query = self._query("production", columns.version).filter_by(known=AT_PREDICTION, segment=EVERYTHING)
        query = query.order_by(columns.start, columns.rows.desc()).limit(1)
        found: str | None = self._connection.execute(query).scalar()
        return found

    def next_labels(self, since: int) -> int | None:
        """The start of the first label window, from `since` on, in which labels became known."""
        known = tables.profiles.c.known
        query = self._query("production", sa.func.min(known)).where(known >= since)
        found: int | None = self._connection.execute(query.filter_by(segment=EVERYTHING)).scalar()
        return found

    def segments(self, role: Role, starts: Sequence[int]) -> list[str]:
        """The segments that have traffic in some windows; "" is all rows."""
        column = tables.profiles.c.start
        query = self._query(role, tables.profiles.c.segment, column).filter_by(known=AT_PREDICTION)
        query = query.where(column >= min(starts, default=0), column <= max(starts, default=0)).distinct()
        wanted = set(starts)
        return sorted({segment for segment, start in self._connection.execute(query) if start in wanted})

    def traffic(
        self,
        role: Role,
        starts: Iterable[int],
        segment: str = EVERYTHING,
        version: str | None = None,
        only: Collection[str] | None = None,
    ) -> dict[int, Profile]:
        """Profiles of what was known at prediction, by window start; of all versions, or of one.

        Those of all rows in production count the rows that were rejected, or came again, too; but not where
        `only` some parts are read, which is quicker.
        """
        query = self._query(role, *STORED).filter_by(known=AT_PREDICTION, segment=segment)
        wanted = list(starts)
        found = self._sums(query, wanted, version, only)
        if role == "production" and segment == EVERYTHING and only is None:
            arrived = self._query(ARRIVED, *STORED).filter_by(known=AT_PREDICTION)
            for start, profile in self._sums(arrived, wanted, version).items():
                found[start] = found.get(start, Profile()) + profile
        return dict(sorted(found.items()))

    def outcomes(
        self,
        role: Role,
        starts: Iterable[int],
        segment: str = EVERYTHING,
        before: int | None = None,
        version: str | None = None,
    ) -> dict[int, Profile]:
        """Profiles of joined labels that were known before a moment, by window start.

        Corrections of labels that were counted on another shape, or in a profile that was damaged, take away
        what is not there: such a window is left out.
        """
        known = tables.profiles.c.known
        query = self._query(role, *STORED).where(known > AT_PREDICTION).filter_by(segment=segment)
        found = self._sums(query if before is None else query.where(known < before), starts, version)
        return {start: profile for start, profile in found.items() if _of_rows(profile)}

    def samples(self, role: Role, starts: Iterable[int], space: BottomK) -> dict[int, Sample]:
        """The stored samples of the windows that have one, by their starts."""
        found = samples.read(self._connection, self._model, role, list(starts), space)
        return {start: sample for start, sample in found.items() if sample.count}

    def _sums(
        self, query: Any, starts: Iterable[int], version: str | None, only: Collection[str] | None = None
    ) -> dict[int, Profile]:
        if self.shape is None:
            return {}
        wanted = sorted(set(starts))
        if not wanted:
            return {}
        column = tables.profiles.c.start
        query = query.where(column >= wanted[0], column <= wanted[-1])
        query = query if version is None else query.filter_by(version=version)
        query = query.order_by(column, tables.profiles.c.known, tables.profiles.c.version)
        keep, sums = set(wanted), defaultdict[int, Profile](Profile)
        for row in self._connection.execute(query):
            if row.start in keep:
                try:
                    read = Profile.from_bytes(row.profile, self.shape, only)
                    sums[row.start] = sums[row.start] + read
                except ValueError as error:  # one row is lost, not the evaluation
                    quarantine.note(dict(row._mapping), error)  # noqa: SLF001 - the public name
        return dict(sums)

    def labels(self, starts: Iterable[int], before: int, since: int = 1) -> dict[int, int]:
        """How many labels of each window became known in label windows from `since` up to `before`."""
        wanted = sorted(set(starts))
        if not wanted:
            return {}
        start, known = tables.profiles.c.start, tables.profiles.c.known
        query = self._query("production", start, sa.func.sum(tables.profiles.c.rows)).filter_by(
            segment=EVERYTHING
        )
        query = query.where(known >= since, known < before, start >= wanted[0], start <= wanted[-1])
        return {when: int(rows) for when, rows in self._connection.execute(query.group_by(start))}

    def labelled(self, starts: Iterable[int], before: int) -> tuple[int, int]:
        """How many labels of windows were known before a moment, and in how many label windows of each.

        Once no more labels become known before the moment, both differ whenever outcomes do: corrections are
        no labels more, but they have label windows too.
        """
        came = self.ages(starts)[1].values()
        known = [rows for by_window in came for moment, rows in by_window.items() if moment < before]
        return sum(known), len(known)

    def rows(self, starts: Iterable[int]) -> dict[int, int]:
        """How many predictions each window has."""
        wanted = sorted(set(starts))
        if not wanted:
            return {}
        start = tables.profiles.c.start
        query = self._query("production", start, sa.func.sum(tables.profiles.c.rows))
        query = query.filter_by(segment=EVERYTHING, known=AT_PREDICTION)
        query = query.where(start >= wanted[0], start <= wanted[-1]).group_by(start)
        return {when: int(rows) for when, rows in self._connection.execute(query)}

    def joinable(self, starts: Iterable[int]) -> dict[int, int]:
        """How many predictions of each window can get a label: all, or those in the join's sample."""
        rows = self.rows(starts)
        columns = tables.label_samples.c
        query = sa.select(columns.start, columns.held).filter_by(model=self._model)
        query = query.where(columns.level > 0, columns.start >= min(rows, default=0))
        for start, held in self._connection.execute(query):
            if start in rows:
                rows[start] = min(rows[start], held)
        return rows

    def coverage(self, starts: Iterable[int], before: int) -> dict[int, tuple[int, int]]:
        """How many predictions of each window have a label known before a moment, and of how many.

        Where the label join holds a sample of a window, the second is the size of the sample.
        """
        wanted = sorted(set(starts))
        labels, rows = self.labels(wanted, before), self.joinable(wanted)
        return {start: (labels.get(start, 0), rows[start]) for start in wanted if start in rows}

    def ages(
        self, starts: Iterable[int], segment: str = EVERYTHING, version: str | None = None
    ) -> tuple[dict[int, int], dict[int, dict[int, int]]]:
        """How many predictions each window has; and how many labels of it became known in which windows."""
        wanted = set(starts)
        columns = tables.profiles.c
        query = self._query("production", columns.start, columns.known, sa.func.sum(columns.rows))
        query = (
            query.filter_by(segment=segment)
            if version is None
            else query.filter_by(segment=segment, version=version)
        )
        query = query.where(columns.start >= min(wanted, default=0), columns.start <= max(wanted, default=0))
        made: dict[int, int] = {}
        came: dict[int, dict[int, int]] = defaultdict(dict)
        for start, known, rows in self._connection.execute(query.group_by(columns.start, columns.known)):
            if start not in wanted:
                continue
            if known == AT_PREDICTION:
                made[start] = int(rows)
            else:
                came[start][known] = int(rows)
        return made, dict(came)


def _of_rows(profile: Profile) -> bool:
    """Whether a profile can be the sum of some rows: none of its counts is negative."""
    values = [getattr(part, item.name) for part in profile.parts.values() for item in fields(part)]
    counts = [one.values if isinstance(one, Counts) else one for one in values]
    return profile.rows > 0 and not any(
        isinstance(one, np.ndarray) and one.dtype.kind == "i" and bool((one < 0).any()) for one in counts
    )
