"""Where sources are: the positions that were committed with what came before them."""

from __future__ import annotations

import sqlalchemy as sa

from collector.store import tables
from collector.store.database import Database


def positions(database: Database, source: str) -> dict[str, int]:
    """By partition, the first position of a source that is not committed yet."""
    columns = tables.positions.c
    query = sa.select(columns.partition, columns.following).where(columns.source == source)
    with database.read() as connection:
        return {row.partition: row.following for row in connection.execute(query)}
