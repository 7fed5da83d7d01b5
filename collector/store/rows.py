"""Rows in and out of the collector's tables. Every function works inside its caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from collector.store import quarantine, tables
from collector.summarize import Key
from profiles import Profile, Shape

SHAPES: dict[str, Shape] = {}


def put(
    connection: sa.Connection,
    table: sa.Table,
    identity: Mapping[str, object],
    changed: Mapping[str, object],
    first: Mapping[str, object],
) -> None:
    """Update a row with `changed`, or insert it with `first` where it is new."""
    plain = {name: value for name, value in changed.items() if not isinstance(value, sa.ColumnElement)}
    insert = _insert(connection)(table).values(**identity, **{**plain, **first})
    keys = [column.name for column in table.primary_key]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=dict(changed)))


def _insert(connection: sa.Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _identity() -> list[sa.ColumnElement[bool]]:
    columns = tables.profiles.c
    names = ("model", "role", "start", "known", "version", "segment", "shard")
    return [columns[name] == sa.bindparam(f"of_{name}") for name in names]


# Built once: a batch changes many profiles, and building a statement costs more than running it.
STORED = sa.select(tables.profiles.c.shape, tables.profiles.c.profile).where(*_identity())
CHANGE = tables.profiles.update().where(*_identity()).values(
    {name: sa.bindparam(f"to_{name}") for name in ("shape", "rows", "profile")}
)  # fmt: skip


def write_profiles(
    connection: sa.Connection,
    owner: tuple[str, str, int],
    deltas: Mapping[Key, Profile],
    shape: Shape,
    known: Mapping[Key, Profile],
) -> dict[Key, Profile]:
    """Add to stored profiles, and return the sums.

    Args:
        connection: a transaction.
        owner: the model, the role and the shard.
        deltas: what to add.
        shape: the shape of all; a stored profile of another shape is replaced.
        known: the stored profiles that the caller has at hand.
    """
    wholes: dict[Key, Profile] = {}
    changed, added = [], []
    for key, delta in deltas.items():
        identity = {"model": owner[0], "role": owner[1], "shard": owner[2], **key._asdict()}
        of = {f"of_{name}": value for name, value in identity.items()}
        before, new = known.get(key), False
        if before is None:
            before, new = _stored(connection, identity, of, shape)
        wholes[key] = whole = before + delta
        values = {"shape": shape.digest, "rows": whole.rows, "profile": whole.to_bytes()}
        if new:
            added.append(identity | values)
        else:
            changed.append(of | {f"to_{name}": value for name, value in values.items()})
    if changed:
        connection.execute(CHANGE, changed)
    if added:
        connection.execute(tables.profiles.insert(), added)
    return wholes


def _stored(
    connection: sa.Connection, identity: Mapping[str, Any], of: Mapping[str, Any], shape: Shape
) -> tuple[Profile, bool]:
    """What is stored of a profile on its shape, and whether there is no row yet."""
    row = connection.execute(STORED, of).one_or_none()
    if row is None or row.shape != shape.digest:
        return Profile(), row is None
    try:
        return Profile.from_bytes(row.profile, shape), False
    except ValueError as error:  # what was counted is lost, what is counted now is not
        quarantine.set_aside(connection, identity, str(error))
        return Profile(), True


def store_shape(connection: sa.Connection, model: str, shape: Shape, reference: str | None) -> None:
    """Make a shape the model's."""
    known = connection.execute(sa.select(tables.shapes.c.digest).filter_by(digest=shape.digest)).scalar()
    if known is None:
        connection.execute(tables.shapes.insert().values(digest=shape.digest, spaces=shape.to_json()))
    changed = {"shape": shape.digest, "reference": reference}
    put(connection, tables.models, {"model": model}, changed, {"watermark": 0, "live": False})


def load_shape(connection: sa.Connection, digest: str) -> Shape:
    """Read a shape that `store_shape` wrote."""
    if digest not in SHAPES:  # content-addressed, so it cannot go stale
        query = sa.select(tables.shapes.c.spaces).filter_by(digest=digest)
        SHAPES[digest] = Shape.from_json(connection.execute(query).scalar_one())
    return SHAPES[digest]
