"""Compaction: the shares that workers have of a closed window are summed into one row, in shard 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from collector.store import tables
from collector.store.database import Database
from collector.store.quarantine import set_aside
from collector.store.rows import load_shape
from collector.summarize import Key
from profiles import Profile

FOLDED = 50  # keys of one transaction: ingest waits for it
LISTED = 2000
WHOLE = 0  # the shard of what is compacted
held = tables.profiles.c
STORED = sa.select(held.shard, held.shape, held.profile)
# the index holds these rows alone, but SQLite would rather walk through all of the model's
APART = (
    "SELECT DISTINCT version, segment, start, known FROM profiles {}"
    " WHERE model = :model AND role = 'production' AND shard != 0 AND start < :before AND known < :before"
    " LIMIT :most"
)


def compact(database: Database, model: str, before: int, stop: Callable[[], bool] = lambda: False) -> int:
    """Fold every window that ended before a moment; returns how many rows became part of others.

    A worker may hold a copy of its share, and would write it back. So each transaction holds the model's lock
    and begins a new epoch of the model, at which workers forget their copies.

    Args:
        database: where the profiles are.
        model: the model.
        before: windows that start before it are closed, in microseconds.
        stop: asked between transactions whether to leave the rest for later.
    """
    folded = 0
    while not stop():
        keys = _apart(database, model, before)
        for at in range(0, len(keys), FOLDED):
            if stop():
                return folded
            with database.write(f"model:{model}") as connection:
                folded += _fold(connection, model, keys[at : at + FOLDED])
        if len(keys) < LISTED:
            break
    return folded


def _apart(database: Database, model: str, before: int) -> list[Key]:
    """The profiles that workers have shares of."""
    query = sa.text(APART.format("" if database.postgres else "INDEXED BY ix_profiles_apart"))
    with database.read() as connection:
        rows = connection.execute(query, {"model": model, "before": before, "most": LISTED})
        return [Key(*row) for row in rows]


def _fold(connection: sa.Connection, model: str, keys: Sequence[Key]) -> int:
    current = connection.execute(sa.select(tables.models.c.shape).filter_by(model=model)).scalar()
    folded = 0
    for key in keys:
        identity = {"model": model, "role": "production", **key._asdict()}
        rows = connection.execute(STORED.filter_by(**identity)).all()
        if any(row.shard != WHOLE for row in rows):
            folded += _fold_one(connection, identity, rows, current)
    new_epoch(connection, model)
    return folded


def _fold_one(
    connection: sa.Connection, identity: dict[str, Any], rows: Sequence[Any], current: str | None
) -> int:
    # rows of a shape that is no longer the model's cannot be added: they stay where there are no others
    digest = current if any(row.shape == current for row in rows) else rows[0].shape
    if len(rows) == 1:
        connection.execute(tables.profiles.update().filter_by(**identity).values(shard=WHOLE))
        return 0
    same = [row for row in rows if row.shape == digest]
    whole = summed(connection, identity, same)
    connection.execute(tables.profiles.delete().filter_by(**identity))
    values = {"shard": WHOLE, "shape": digest, "rows": whole.rows, "profile": whole.to_bytes()}
    connection.execute(tables.profiles.insert().values(**identity, **values))
    return len(rows) - 1


def summed(connection: sa.Connection, identity: dict[str, Any], rows: Iterable[Any]) -> Profile:
    """The sum of rows of one shape; damaged ones are set aside."""
    whole = Profile()
    for row in rows:
        try:
            whole = whole + Profile.from_bytes(row.profile, load_shape(connection, row.shape))
        except ValueError as error:
            set_aside(connection, identity | {"shard": row.shard}, str(error))
    return whole


def new_epoch(connection: sa.Connection, model: str) -> None:
    """Make every worker forget the profiles that it holds, in a transaction that holds the model's lock."""
    epoch = tables.models.c.epoch + 1
    connection.execute(tables.models.update().filter_by(model=model).values(epoch=epoch))
