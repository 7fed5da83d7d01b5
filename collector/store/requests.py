"""Reads latency and errors of windows, by version and segment, and nothing else of their profiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from collector.store import quarantine, tables
from collector.summarize import AT_PREDICTION
from profiles import LatencyGrid, LatencySummary, Profile, Shape

PART = "latency"
STORED = tuple(tables.profiles.c[name] for name in (*quarantine.IDENTITY, "rows", "profile"))


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


def requests(
    connection: sa.Connection, model: str, shape: Shape | None, low: int, high: int
) -> Iterator[Requests]:
    """What was counted of the windows from `low` up to, without, `high`; several of a key add up."""
    if shape is None:
        return
    query: Any = sa.select(*STORED).filter_by(
        model=model, role="production", shape=shape.digest, known=AT_PREDICTION
    )
    column = tables.profiles.c.start
    query = query.where(column >= low, column < high).order_by(column)
    nothing = LatencyGrid().zero()
    for row in connection.execute(query):
        try:
            held = Profile.from_bytes(row.profile, shape, (PART,)).parts.get(PART, nothing)
        except ValueError as error:  # one row is lost, not the page
            quarantine.note({name: getattr(row, name) for name in quarantine.IDENTITY}, error)
        else:
            yield Requests(row.start, row.version, row.segment, row.rows, held)
