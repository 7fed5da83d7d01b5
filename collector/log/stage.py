"""Puts predictions aside for the log, in the transaction that accepts them."""

from __future__ import annotations

import time

import sqlalchemy as sa

from collector.batch import Predictions
from collector.log.encode import encode
from collector.schema import Schema
from collector.store import tables
from collector.store.rows import put

MEGABYTE = 1 << 20


def stage(connection: sa.Connection, name: str, rows: Predictions, schema: Schema) -> None:
    """Stage the rows that the monitor's sampling keeps; beyond the monitor's bound they are only counted.

    Args:
        connection: the transaction that accepts them; it holds the model's lock.
        name: the model.
        rows: predictions that are accepted now.
        schema: the model's schema.
    """
    if schema.log is None:
        return
    batch, count = encode(rows, schema)
    if not count:
        return
    waiting = sa.select(tables.logs.c.waiting).filter_by(model=name)
    room = (connection.execute(waiting).scalar() or 0) + len(batch) <= schema.log.buffer_mb * MEGABYTE
    if room:
        values = {"model": name, "rows": count, "at": time.time_ns() // 1000, "batch": batch}
        connection.execute(tables.staged.insert().values(values))
        added = {"waiting": len(batch), "staged": count}
    else:
        added = {"dropped": count}
    change(connection, name, **added)


def change(connection: sa.Connection, name: str, **added: int) -> None:
    """Add to a model's counts of its log."""
    columns = tables.logs.c
    first = dict.fromkeys(("waiting", "staged", "written", "dropped"), 0) | added
    put(connection, tables.logs, {"model": name}, {key: columns[key] + n for key, n in added.items()}, first)
