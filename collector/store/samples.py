"""The table of samples: workers add pieces to it, which are merged like the runs of a log-structured tree."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

import sqlalchemy as sa

from collector.samples.encode import decode, encode
from collector.store import quarantine, tables
from collector.store.database import Database
from profiles.sample import BottomK, Sample

log = logging.getLogger(__name__)
held = tables.samples.c
WHOLE = 0  # the shard, and the piece, of what is merged
FOLDED = 20  # windows of one transaction: ingest waits for it
MANY = 200  # rows that are deleted in one transaction
Stop = Callable[[], bool]


def read(
    connection: sa.Connection, model: str, role: str, starts: Collection[int], space: BottomK
) -> dict[int, Sample]:
    """The sample of each window; an empty one where none is stored. What is damaged is left out, and told."""
    parts: dict[int, list[Sample]] = {start: [] for start in starts}
    query = sa.select(tables.samples).filter_by(model=model, role=role).where(held.start.in_(list(starts)))
    for row in connection.execute(query):
        try:
            parts[row.start].append(decode(row.sample, space))
        except ValueError as error:
            log.error("a stored sample of %s is damaged, and is left out: %s", model, error)  # noqa: TRY400
    return {start: space.union(some) for start, some in parts.items()}


def write_reference(connection: sa.Connection, model: str, samples: Mapping[int, Sample]) -> None:
    """Make these the samples of a model's reference file, by the starts of its windows."""
    connection.execute(tables.samples.delete().filter_by(model=model, role="reference"))
    for start, sample in samples.items():
        identity = {"model": model, "role": "reference", "start": start, "shard": WHOLE, "piece": WHOLE}
        connection.execute(tables.samples.insert().values(**identity, sample=encode(sample, packed=True)))


def merge(
    connection: sa.Connection,
    window: Mapping[str, Any],
    space: BottomK,
    place: tuple[int, int] = (WHOLE, WHOLE),
    *,
    packed: bool = True,
) -> int:
    """Make one row of all pieces of a window; returns how many they were.

    Args:
        connection: a transaction that holds the model's lock.
        window: identifies the pieces.
        space: of the samples.
        place: the shard and the piece of the row.
        packed: whether to compress it.
    """
    rows = connection.execute(sa.select(tables.samples).filter_by(**window)).all()
    parts = []
    for row in rows:
        try:
            parts.append(decode(row.sample, space))
        except ValueError as error:
            name = f"start={row.start} shard={row.shard} piece={row.piece}"
            quarantine.keep(connection, "sample", row.model, name, str(error), row.sample)
    connection.execute(tables.samples.delete().filter_by(**window))
    if parts:
        blob = encode(space.union(parts), packed=packed)
        identity = {**window, "shard": place[0], "piece": place[1]}
        connection.execute(tables.samples.insert().values(**identity, sample=blob))
    return len(rows)


def fold(database: Database, model: str, before: int, most: int, stop: Stop = lambda: False) -> int:
    """Merge the pieces of windows that have closed; returns how many rows became part of others.

    Args:
        database: where the samples are.
        model: the model.
        before: windows that start before it are closed, in microseconds.
        most: rows of a window's sample.
        stop: asked between transactions whether to leave the rest for later.
    """
    window = {"model": model, "role": "production"}
    query = sa.select(held.start).filter_by(**window).where(held.start < before)
    query = query.where(sa.or_(held.shard != WHOLE, held.piece != WHOLE)).distinct().order_by(held.start)
    with database.read() as connection:
        starts = list(connection.execute(query).scalars())
    folded = 0
    for at in range(0, len(starts) if most else 0, FOLDED):
        if stop():
            break
        with database.write(f"model:{model}") as connection:
            for start in starts[at : at + FOLDED]:
                folded += merge(connection, window | {"start": start}, BottomK(most)) - 1
    return folded


def delete(
    database: Database, model: str, before: int, needed: Collection[int], stop: Stop = lambda: False
) -> int:
    """Delete the samples of windows that start before a moment, but for those needed; how many windows."""
    query = sa.select(held.start).filter_by(model=model, role="production").where(held.start < before)
    with database.read() as connection:
        starts = sorted(set(connection.execute(query.distinct()).scalars()) - set(needed))
    for at in range(0, len(starts), MANY):
        if stop():
            return at
        old = tables.samples.delete().filter_by(model=model, role="production")
        with database.write(f"model:{model}") as connection:
            connection.execute(old.where(held.start.in_(starts[at : at + MANY])))
    return len(starts)
