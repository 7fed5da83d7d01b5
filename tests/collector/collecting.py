"""A model to monitor, its events, and what became of them in the database."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.batch import Batch
from collector.delivery import Delivery
from collector.fit import ShapeFitter
from collector.schema import Schema
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger, Receipt
from collector.store.rows import load_shape, store_shape
from collector.summarize import Key
from collector.validation.validate import Validator
from modelwatch import schema as migrations
from profiles import Profile, Shape

T0 = 1_714_521_600.0  # 2024-05-01T00:00:00Z
HOUR = 3600.0
SCHEMA = Schema.model_validate(
    {
        "model": "m",
        "task": "binary",
        "features": {
            "x": "numeric",
            "c": "categorical",
            "e": {"kind": "embedding", "columns": ["e0", "e1"]},
        },
        "segments": ["region"],
        "window": "1h",
    }
)
OTHER = SCHEMA.model_copy(update={"model": "other"})
CLASSES = Schema.model_validate(
    {"model": "k", "task": "multiclass", "features": {"x": "numeric"}, "window": "1h"}
)
NUMBERS = Schema.model_validate(
    {"model": "r", "task": "regression", "features": {"x": "numeric"}, "window": "1h"}
)
SCHEMAS = {schema.model: schema for schema in (SCHEMA, OTHER, CLASSES, NUMBERS)}


def prediction(number: int, **changes: Any) -> dict[str, Any]:
    """Prediction `number`: every 100 seconds one, all of its values follow from the number."""
    spread = np.random.default_rng(number).random(4)
    event = {
        "kind": "prediction",
        "model": "m",
        "version": "v1",
        "id": str(number),
        "timestamp": T0 + 100.0 * number,
        "features": {"x": float(spread[0]), "c": "abc"[number % 3], "e": [float(spread[1]), 0.5]},
        "tags": {"region": "ns"[number % 2]},
        "score": float(spread[2]),
        "latency_ms": 1000.0 * float(spread[3]),
        "status": 200,
    }
    return event | changes


def label(number: int, delay: float = 5 * HOUR, **changes: Any) -> dict[str, Any]:
    """The label of prediction `number`, known `delay` seconds later."""
    event = {
        "kind": "label",
        "model": "m",
        "id": str(number),
        "label": number % 2,
        "timestamp": T0 + 100.0 * number + delay,
    }
    return event | changes


def deployment(version: str, at: float = T0, **changes: Any) -> dict[str, Any]:
    """A deployment of a version."""
    return {"kind": "deployment", "model": "m", "version": version, "timestamp": at, **changes}


def open_database(path: Path | None) -> Database:
    """An empty database with every table."""
    database = Database(path)
    migrations.create(database)
    return database


def validated(events: list[Any], schemas: dict[str, Schema] | None = None) -> Batch:
    """Events as a batch, of which nothing may be rejected."""
    batch = Validator(schemas or SCHEMAS).batch(events, None, None)
    assert not batch.rejections, batch.rejections
    return batch


def fix_shape(database: Database, schema: Schema = SCHEMA, rows: int = 200) -> Shape:
    """Fix the shape of a model's profiles, as a reference would, so that it is no matter what comes first."""
    changes: dict[str, Any] = {"model": schema.model}
    if schema.task == "multiclass":
        events = [prediction(n, **changes, score=None, prediction="abc"[n % 3]) for n in range(rows)]
    else:
        events = [prediction(n, **changes, prediction=n % 2) for n in range(rows)]
    fitter = ShapeFitter(schema)
    for part in validated(events, {schema.model: schema}).predictions[schema.model]:
        fitter.add(part)
    shape = fitter.shape()
    with database.write() as connection:
        store_shape(connection, schema.model, shape, "test")
    return shape


def commit(ledger: Ledger, events: list[Any], key: str, now: int = 0) -> Receipt:
    """Commit events under a key."""
    return ledger.commit(Delivery("test", validated(events, dict(ledger.schemas)), key), now)[0]


def counted(database: Database, model: str = "m") -> dict[Key, Profile]:
    """Every profile of production in the database."""
    with database.read() as connection:
        shape = sa.select(tables.models.c.shape).filter_by(model=model).scalar_subquery()
        query = sa.select(tables.profiles).filter_by(model=model, role="production", shape=shape)
        rows = connection.execute(query).all()
        sums: dict[Key, Profile] = defaultdict(Profile)
        for row in rows:
            key = Key(row.version, row.segment, row.start, row.known)
            sums[key] += Profile.from_bytes(row.profile, load_shape(connection, row.shape))
        return dict(sums)


def same(one: dict[Key, Profile], other: dict[Key, Profile]) -> bool:
    """Whether two databases hold the same profiles."""
    return one.keys() == other.keys() and all(one[key].same_counts(other[key]) for key in one)


def book(database: Database, model: str = "m") -> tuple[int, int, int, int]:
    """Received, accepted, duplicate and rejected events of a model, over all sources."""
    names = ("received", "accepted", "duplicate", "rejected")
    sums = [sa.func.coalesce(sa.func.sum(tables.books.c[name]), 0) for name in names]
    with database.read() as connection:
        row = connection.execute(sa.select(*sums).where(tables.books.c.model == model)).one()
    return int(row[0]), int(row[1]), int(row[2]), int(row[3])


def balanced(database: Database) -> bool:
    """Whether received = accepted + duplicate + rejected on every page of the books."""
    with database.read() as connection:
        rows = connection.execute(sa.select(tables.books)).all()
    return all(
        row.received == row.accepted + row.duplicate + row.rejected
        and min(row.accepted, row.duplicate, row.rejected) >= 0
        for row in rows
    )


def rejected(database: Database) -> list[Any]:
    """What was rejected, oldest first."""
    with database.read() as connection:
        return list(connection.execute(sa.select(tables.rejected).order_by(tables.rejected.c.id)))
