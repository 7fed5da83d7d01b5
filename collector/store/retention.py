"""Retention: old windows become days, older ones are deleted: in pieces, so that ingest never waits long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from collector.store import tables
from collector.store.compaction import new_epoch, summed
from collector.store.database import Database
from collector.store.rows import load_shape
from profiles import Profile

DAY = 86_400_000_000
DAILY = "daily"
ROLLED = ("production", "arrivals")
PIECE = 200  # profiles of one transaction
MANY = 2000  # small rows of one transaction
held = tables.profiles.c
Stop = Callable[[], bool]


def roll_up(
    database: Database, model: str, before: int, needed: Collection[int], stop: Stop = lambda: False
) -> int:
    """Sum windows into UTC days; returns how many profiles became part of a day.

    A window whose labels come later still is added to its day when it is old enough, as the first were.

    Args:
        database: where the profiles are.
        model: the model.
        before: days that end by then are rolled up, in microseconds.
        needed: the starts of windows that stay as they are.
        stop: asked between transactions whether to leave the rest for later.
    """
    rolled = 0
    limit = before // DAY * DAY
    query = sa.select(held.start).where(held.model == model, held.role.in_(ROLLED), held.start < limit)
    with database.read() as connection:
        starts = set(connection.execute(query.distinct()).scalars()) - set(needed)
    for start in sorted(starts):
        while not stop():
            with database.write(f"model:{model}") as connection:
                moved = _roll_up_piece(connection, model, start)
            rolled += moved
            if moved < PIECE:
                break
    return rolled


def _roll_up_piece(connection: sa.Connection, model: str, start: int) -> int:
    window = {"model": model, "start": start}
    query = sa.select(tables.profiles).filter_by(**window).where(held.role.in_(ROLLED))
    query = query.order_by(held.version, held.segment, held.known)
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    count = 0
    for row in connection.execute(query.limit(PIECE)).all():
        known = row.known // DAY * DAY if row.known else 0
        groups[row.version, row.segment, known, row.shape].append(row)
        count += 1
    for (version, segment, known, shape), rows in groups.items():
        delta = Profile()
        for row in rows:
            identity = window | {"role": row.role, "known": row.known, "version": version, "segment": segment}
            delta = delta + summed(connection, identity, [row])
            connection.execute(tables.profiles.delete().filter_by(**identity, shard=row.shard))
        day = {"model": model, "role": DAILY, "start": start // DAY * DAY, "known": known}
        day |= {"version": version, "segment": segment, "shard": int(shape, 16) >> 2}  # a row for each shape
        _add(connection, day, shape, delta)
    if count:
        new_epoch(connection, model)
    return count


def _add(connection: sa.Connection, identity: dict[str, Any], shape: str, delta: Profile) -> None:
    """Add to a day's profile."""
    query = sa.select(held.shard, held.shape, held.profile).filter_by(**identity)
    row = connection.execute(query).one_or_none()
    whole = delta if row is None else summed(connection, identity, [row]) + delta
    connection.execute(tables.profiles.delete().filter_by(**identity))
    values = {"shape": shape, "rows": whole.rows, "profile": whole.to_bytes()}
    connection.execute(tables.profiles.insert().values(**identity, **values))


def days(connection: sa.Connection, model: str, low: int, high: int, segment: str = "") -> dict[int, Profile]:
    """What was known at prediction in rolled-up days, on the model's current shape, by their start."""
    shape = connection.execute(sa.select(tables.models.c.shape).filter_by(model=model)).scalar()
    query = sa.select(held.start, held.profile).filter_by(model=model, role=DAILY, segment=segment, known=0)
    query = query.where(held.start >= low, held.start < high, held.shape == shape)
    sums: dict[int, Profile] = defaultdict(Profile)
    for start, profile in connection.execute(query):
        sums[start] = sums[start] + Profile.from_bytes(profile, load_shape(connection, str(shape)))
    return dict(sums)


def delete_days(database: Database, model: str, before: int, stop: Stop = lambda: False) -> int:
    """Delete days that ended by a moment; returns how many profiles."""
    old = sa.select(sa.func.min(held.start)).where(held.model == model, held.role == DAILY)
    deleted = 0
    while not stop():
        with database.write(f"model:{model}") as connection:
            first = connection.execute(old.where(held.start <= before - DAY)).scalar()
            if first is None:
                break
            day = tables.profiles.delete().filter_by(model=model, role=DAILY, start=first)
            deleted += connection.execute(day).rowcount
    return deleted


def delete_rejected(database: Database, before: dict[str, int], stop: Stop = lambda: False) -> int:
    """Delete rejected rows.

    Args:
        database: where they are.
        before: by model, the moment (microseconds) before which its rows were rejected; "" for no model's.
        stop: asked between transactions whether to leave the rest for later.
    """
    column, table = tables.rejected.c, tables.rejected
    deleted = 0
    for model, moment in before.items():
        last = None
        while not stop():
            query = sa.select(column.id, column.at).filter_by(model=model).order_by(column.id).limit(MANY)
            query = query if last is None else query.where(column.id > last)
            with database.write("rejected") as connection:
                rows = connection.execute(query).all()
                old = [row.id for row in rows if row.at < moment]
                if old:
                    connection.execute(table.delete().where(column.id.in_(old)))
            deleted += len(old)
            if len(old) < MANY:  # they come in the order of time
                break
            last = old[-1]
    return deleted


def delete_deliveries(database: Database, before: int, stop: Stop = lambda: False) -> int:
    """Forget the keys of deliveries that came before a moment; returns how many."""
    column = tables.deliveries.c
    deleted = 0
    while not stop():
        query = sa.select(column.source, column.key).where(column.at < before).limit(MANY)
        with database.write("deliveries") as connection:
            keys = [tuple(row) for row in connection.execute(query)]
            for at in range(0, len(keys), MANY // 4):
                some = sa.tuple_(column.source, column.key).in_(keys[at : at + MANY // 4])
                connection.execute(tables.deliveries.delete().where(some))
        deleted += len(keys)
        if len(keys) < MANY:
            break
    return deleted
