"""Rows in and out of the collector's tables. Every function works inside its caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sqlalchemy as sa

from collector.labels.blocks import Block, Blocks, Stored
from collector.store import tables
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
    updated = connection.execute(table.update().filter_by(**identity).values(**changed))
    if not updated.rowcount:
        plain = {name: value for name, value in changed.items() if not isinstance(value, sa.ColumnElement)}
        connection.execute(table.insert().values(**identity, **{**plain, **first}))


def _identity() -> list[sa.ColumnElement[bool]]:
    columns = tables.profiles.c
    names = ("model", "role", "start", "known", "version", "segment")
    return [columns[name] == sa.bindparam(f"of_{name}") for name in names]


# Built once: a batch changes many profiles, and building a statement costs more than running it.
STORED = sa.select(tables.profiles.c.shape, tables.profiles.c.profile).where(*_identity())
CHANGE = tables.profiles.update().where(*_identity()).values(
    {name: sa.bindparam(f"to_{name}") for name in ("shape", "rows", "profile")}
)  # fmt: skip


def write_profiles(
    connection: sa.Connection,
    owner: tuple[str, str],
    deltas: Mapping[Key, Profile],
    shape: Shape,
    known: Mapping[Key, Profile],
) -> dict[Key, Profile]:
    """Add to stored profiles, and return the sums.

    Args:
        connection: a transaction.
        owner: the model and the role.
        deltas: what to add.
        shape: the shape of all; a stored profile of another shape is replaced.
        known: the stored profiles that the caller has at hand.
    """
    wholes: dict[Key, Profile] = {}
    changed, added = [], []
    for key, delta in deltas.items():
        identity = {"model": owner[0], "role": owner[1], **key._asdict()}
        of = {f"of_{name}": value for name, value in identity.items()}
        before, new = known.get(key), False
        if before is None:
            row = connection.execute(STORED, of).one_or_none()
            new = row is None
            held = row is not None and row.shape == shape.digest
            before = Profile.from_bytes(row.profile, shape) if row is not None and held else Profile()
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


def load_blocks(connection: sa.Connection, model: str, side: str, *, named: bool) -> Blocks:
    """Read the blocks of one side (predictions or labels) of a model.

    Those of another task are dropped: `named` says whether this one has named classes.
    """
    query = sa.select(tables.blocks).filter_by(model=model, side=side).order_by(tables.blocks.c.id)
    stored = tuple(
        Stored(row.id, Block.from_bytes(row.block, row.newest, row.level))
        for row in connection.execute(query)
    )
    column = side.removesuffix("s")
    fit = [item for item in stored if (item.block.columns[column].dtype == np.int32) is named]
    return save_blocks(connection, model, side, Blocks(stored), Blocks(tuple(fit)))


def save_blocks(connection: sa.Connection, model: str, side: str, old: Blocks, new: Blocks) -> Blocks:
    """Write the blocks that are new and delete those that are gone; returns `new` with their keys."""
    kept = {item.key for item in new.stored}
    gone = [item.key for item in old.stored if item.key not in kept]
    if gone:
        connection.execute(tables.blocks.delete().where(tables.blocks.c.id.in_(gone)))
    stored = []
    for item in new.stored:
        key = item.key
        if key is None:
            block = item.block
            values = {"level": block.level, "newest": block.newest, "rows": int(np.size(block.ids))}
            result = connection.execute(
                tables.blocks.insert().values(model=model, side=side, **values, block=block.to_bytes())
            )
            key = int(result.inserted_primary_key[0]) if result.inserted_primary_key else 0
        stored.append(Stored(key, item.block))
    return Blocks(tuple(stored))
