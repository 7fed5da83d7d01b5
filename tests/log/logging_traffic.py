"""A model whose predictions are logged, and what its log holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import sqlalchemy as sa

from collector.schema import Schema
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import HOUR, SCHEMA, T0, commit, prediction

NOW = int((T0 + 1000 * HOUR) * 1e6)


def schema(**changes: Any) -> Schema:
    """The schema of model `m`, with changes as a monitor file has them."""
    return Schema.model_validate(SCHEMA.model_dump() | changes)


def take(
    database: Database, first: int, last: int, of: Schema = SCHEMA, key: str = "", **changes: Any
) -> Ledger:
    """Commit predictions from a number up to another, as a worker of its own."""
    ledger = Ledger(database, {of.model: of})
    events = [prediction(number, **changes) for number in range(first, last)]
    commit(ledger, events, key or f"{first}-{last}", NOW)
    return ledger


def logged(folder: Path) -> list[dict[str, Any]]:
    """Every row of the log, by id."""
    table = ds.dataset(folder, format="parquet", partitioning="hive").to_table()
    return sorted(table.to_pylist(), key=lambda row: (len(row["id"] or ""), row["id"]))


def waiting(database: Database) -> int:
    """How many rows are staged."""
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.sum(tables.staged.c.rows))).scalar() or 0)


def counts(database: Database, model: str = "m") -> dict[str, Any]:
    """The counts of a model's log."""
    with database.read() as connection:
        row = connection.execute(sa.select(tables.logs).filter_by(model=model)).mappings().one()
        return dict(row)
