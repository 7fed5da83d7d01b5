"""Halves of predictions, a request or its response, that wait for each other in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from collector.delivery import FencedError
from collector.store import tables
from collector.store.database import Database

LOCK = "halves"
REQUEST, RESPONSE, REFUSED = "request", "response", "refused"
MOST_AT_ONCE = 2_000
REMOVED_AT_ONCE = 500
MOST_BYTES = 32 * 1024 * 1024
table = tables.halves


@dataclass(frozen=True)
class Half:
    """One half.

    Attributes:
        source: whose it is.
        id: the same for both halves.
        part: `request`, `response`, or `refused`: what is no half of anything, and why.
        at: when it arrived, in microseconds.
        body: its content.
    """

    source: str
    id: str
    part: str
    at: int
    body: bytes

    @property
    def identity(self) -> dict[str, str]:
        """What tells it from all others."""
        return {"of_source": self.source, "of_id": self.id, "of_part": self.part}


# Built once, with the primary key as parameters.
THIS = sa.and_(*(table.c[name] == sa.bindparam(f"of_{name}") for name in ("source", "id", "part")))


def put(database: Database, halves: Iterable[Half]) -> None:
    """Store halves; what came before takes the place of its earlier self. Durable when it returns."""
    last = {(half.source, half.id, half.part): half for half in halves}
    with database.write(LOCK) as connection:
        connection.execute(table.delete().where(THIS), [half.identity for half in last.values()])
        connection.execute(table.insert(), [half.__dict__ for half in last.values()])


def remove(connection: sa.Connection, halves: Sequence[Half]) -> None:
    """Remove halves, in the transaction that counts them.

    Raises:
        FencedError: another worker has, or another half has come for one that is told to be alone.
    """
    ids = sorted({(half.source, half.id) for half in halves})
    removed = 0
    for source in {half.source for half in halves}:
        of_source = [key for name, key in ids if name == source]
        for first in range(0, len(of_source), REMOVED_AT_ONCE):
            some = table.c.id.in_(of_source[first : first + REMOVED_AT_ONCE])
            removed += connection.execute(table.delete().where(table.c.source == source, some)).rowcount
    if removed != len(halves):
        raise FencedError(f"{len(halves)} halves were to be settled, and {removed} were there")


def count(connection: sa.Connection, source: str) -> int:
    """How many wait."""
    query = sa.select(sa.func.count()).select_from(table).filter_by(source=source)
    return int(connection.execute(query).scalar_one())


def pairs(connection: sa.Connection, source: str) -> list[tuple[Half, Half]]:
    """Requests and their responses, where both are there; the oldest, within bounds."""
    one, other = table.alias(), table.alias()
    both = sa.and_(other.c.source == one.c.source, other.c.id == one.c.id, other.c.part == RESPONSE)
    size = sa.func.length(one.c.body) + sa.func.length(other.c.body)
    query = sa.select(one.c.id, size).join(other, both).where(one.c.source == source, one.c.part == REQUEST)
    ids = _within(connection.execute(query.order_by(one.c.at).limit(MOST_AT_ONCE)))
    wanted = table.c.part.in_((REQUEST, RESPONSE)) & table.c.id.in_(ids)
    read = sa.select(table).where(table.c.source == source, wanted).order_by(table.c.part)
    found: dict[str, list[Half]] = {key: [] for key in ids}
    for row in connection.execute(read):
        found[row.id].append(Half(*row))
    return [(halves[0], halves[1]) for halves in found.values() if len(halves) == len((REQUEST, RESPONSE))]


def alone(connection: sa.Connection, source: str, before: int) -> list[Half]:
    """Halves that arrived before a moment and have no other half, and what was refused; within bounds."""
    other = table.alias()
    both = sa.and_(other.c.source == table.c.source, other.c.id == table.c.id, other.c.part != table.c.part)
    orphan = (table.c.at < before) & ~sa.exists().where(both, other.c.part != REFUSED)
    query = sa.select(table.c.id, table.c.part, sa.func.length(table.c.body))
    query = query.where(table.c.source == source, (table.c.part == REFUSED) | orphan)
    rows = connection.execute(query.order_by(table.c.at).limit(MOST_AT_ONCE)).all()
    wanted = set(_within((f"{row[1]} {row[0]}", row[2]) for row in rows))
    ids = [row[0] for row in rows]
    read = sa.select(table).where(table.c.source == source, table.c.id.in_(ids)).order_by(table.c.at)
    return [Half(*row) for row in connection.execute(read) if f"{row.part} {row.id}" in wanted]


def _within(sizes: Iterable[Any]) -> list[str]:
    """The keys of the first that are not too large together; at least one."""
    keys: list[str] = []
    total = 0
    for key, size in sizes:
        total += size
        if keys and total > MOST_BYTES:
            break
        keys.append(key)
    return keys
