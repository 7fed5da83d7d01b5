"""Reads latency and errors of windows, by version and segment, and nothing else of their profiles."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from threading import Lock
from typing import Any, NamedTuple

import sqlalchemy as sa

from collector.store import quarantine, tables
from collector.summarize import AT_PREDICTION
from profiles import LatencyGrid, LatencySummary, Profile, Shape

PART = "latency"
KEY = tuple(tables.profiles.c[name] for name in (*quarantine.IDENTITY, "rows", "shape"))
REMEMBERED = 10_000  # summaries, of about two kilobytes each


class Requests(NamedTuple):
    """Some requests of a window.

    Attributes:
        start: of the window, in microseconds.
        version: of the model.
        segment: `column=value`, or "" for all rows.
        rows: how many predictions there were.
        summary: their latency, and how they ended.
    """

    start: int
    version: str
    segment: str
    rows: int
    summary: LatencySummary


class RequestReader:
    """Reads requests from profiles, and remembers what it read: a profile changes only with its rows.

    Args:
        most: how many summaries are remembered.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most, self._guard = most, Lock()
        self._known: OrderedDict[tuple[Any, ...], LatencySummary] = OrderedDict()

    def read(
        self,
        connection: sa.Connection,
        model: str,
        shape: Shape | None,
        starts: Collection[int],
        segments: Collection[str] | None = None,
    ) -> list[Requests]:
        """What was counted of some windows, by start; several of one version and segment add up.

        Args:
            connection: for reading.
            model: the model.
            shape: of its profiles; None for a model without any.
            starts: of the windows.
            segments: those that are wanted; None for all, and "" is all rows.
        """
        if shape is None or not starts:
            return []
        column = tables.profiles.c.start
        chosen = sa.and_(
            *(tables.profiles.c[name] == value for name, value in _production(model, shape).items()),
            column >= min(starts),
            column <= max(starts),
            sa.true() if segments is None else tables.profiles.c.segment.in_(segments),
        )
        wanted = set(starts)
        rows = [row for row in connection.execute(sa.select(*KEY).where(chosen)) if row.start in wanted]
        with self._guard:
            held = {key: self._known[key] for key in map(tuple, rows) if key in self._known}
        missing = {tuple(row): row.start for row in rows if tuple(row) not in held}
        if missing:
            ends = min(missing.values()), max(missing.values())
            held |= self._read(connection, shape, chosen & column.between(*ends), missing)
        found = [
            Requests(row.start, row.version, row.segment, row.rows, held[tuple(row)])
            for row in rows
            if tuple(row) in held
        ]
        return sorted(found, key=lambda one: one[:3])

    def _read(
        self, connection: sa.Connection, shape: Shape, chosen: Any, missing: Collection[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], LatencySummary]:
        nothing = LatencyGrid().zero()
        read: dict[tuple[Any, ...], LatencySummary] = {}
        for *identity, profile in connection.execute(
            sa.select(*KEY, tables.profiles.c.profile).where(chosen)
        ):
            key = tuple(identity)
            if key not in missing:
                continue
            try:
                read[key] = Profile.from_bytes(profile, shape, (PART,)).parts.get(PART, nothing)
            except ValueError as error:  # one row is lost, not the page
                quarantine.note(dict(zip(quarantine.IDENTITY, key, strict=False)), error)
        with self._guard:
            self._known.update(read)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return read


def _production(model: str, shape: Shape) -> dict[str, Any]:
    return {"model": model, "role": "production", "shape": shape.digest, "known": AT_PREDICTION}


def newest_windows(connection: sa.Connection, model: str, shape: Shape | None, most: int) -> list[int]:
    """The starts of the newest windows with predictions, ascending."""
    if shape is None:
        return []
    column = tables.profiles.c.start
    query = sa.select(column).filter_by(**_production(model, shape), segment="").distinct()
    return sorted(connection.execute(query.order_by(column.desc()).limit(most)).scalars())


def windows_since(
    connection: sa.Connection, model: str, shape: Shape | None, low: int, most: int
) -> list[int]:
    """The starts of the first windows with predictions from a moment on, ascending."""
    if shape is None:
        return []
    column = tables.profiles.c.start
    query = sa.select(column).filter_by(**_production(model, shape), segment="").where(column >= low)
    return list(connection.execute(query.distinct().order_by(column).limit(most)).scalars())


def busiest_segments(
    connection: sa.Connection, model: str, shape: Shape | None, low: int, most: int
) -> dict[str, int]:
    """The segments with most predictions from a moment on, with how many profiles they are stored in."""
    if shape is None:
        return {}
    held = tables.profiles.c
    query = sa.select(held.segment, sa.func.count()).filter_by(**_production(model, shape))
    query = query.where(held.start >= low, held.segment != "").group_by(held.segment)
    query = query.order_by(sa.func.sum(held.rows).desc(), held.segment).limit(most)
    return {segment: int(count) for segment, count in connection.execute(query)}
