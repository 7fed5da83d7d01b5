"""Replays dead letters: what was rejected, and is accepted by the monitors of today."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from collector.batch import Batch, Rejection
from collector.delivery import Delivery
from collector.schema import Schema
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.sheet import RAW_KEPT
from collector.validation.validate import KINDS, Validator

log = logging.getLogger(__name__)
CHUNK = 1000
EARLIER_CUTS = (2000,)  # how much earlier versions kept
letters, pages = tables.rejected.c, tables.books.c


@dataclass
class Replayed:
    """What became of dead letters.

    Attributes:
        accepted: counted now.
        duplicate: accepted before, by another delivery.
        rejected: wrong still; they stay.
        unreadable: what cannot be replayed, by id, and why; it stays.
    """

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    unreadable: dict[int, str] = field(default_factory=dict)


class GoneError(Exception):
    """Another process has replayed, or removed, some of the letters meanwhile."""


def replay(
    database: Database, schemas: Mapping[str, Schema], model: str | None = None, since: int | None = None
) -> Replayed:
    """Validate dead letters again, and commit what is right now; each with its removal, in one transaction.

    In the books of its source a row moves from rejected to accepted or duplicate.

    Args:
        database: where they are.
        schemas: every monitored model's schema, by name.
        model: only those that were rejected for this model; "" for those that named none.
        since: only those that were rejected from this moment (microseconds) on.
    """
    done, ledger, validator = Replayed(), Ledger(database, schemas), Validator(schemas)
    for rows in _chunks(database, model, since):
        groups: dict[tuple[str, str], list[tuple[Any, Any]]] = defaultdict(list)
        for row in rows:
            event, why = _event(row.raw)
            if why:
                done.unreadable[row.id] = why
            else:
                groups[row.source, row.kind].append((row, event))
        for (source, kind), group in groups.items():
            batch = _replay(ledger, validator, (source, kind), group, done)
            with database.write("rejected") as connection:
                _tell(connection, [(group[one.row][0].id, one) for one in batch.rejections])
    return done


def _chunks(database: Database, model: str | None, since: int | None) -> Iterator[Sequence[Any]]:
    query = sa.select(letters.id, letters.source, letters.kind, letters.model, letters.raw)
    query = query if model is None else query.filter_by(model=model)
    query = query if since is None else query.where(letters.at >= since)
    last = -1
    while True:
        with database.read() as connection:
            rows = connection.execute(query.where(letters.id > last).order_by(letters.id).limit(CHUNK)).all()
        if not rows:
            return
        yield rows
        last = rows[-1].id


def _event(raw: str) -> tuple[Any, str]:
    """The event that a letter holds, or why it cannot be read."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        cut = len(raw) in (RAW_KEPT, *EARLIER_CUTS)
        return None, f"only its first {len(raw)} characters were kept" if cut else "it is not JSON"
    return event, "" if isinstance(event, dict) else "it is no object"


def _replay(
    ledger: Ledger,
    validator: Validator,
    of: tuple[str, str],
    group: Sequence[tuple[Any, Any]],
    done: Replayed,
) -> Batch:
    """Commit what is right of a group; returns how it was validated."""
    source, kind = of
    batch = validator.batch([event for _, event in group], kind if kind in KINDS else None, time.time())
    bad = {rejection.row for rejection in batch.rejections}
    done.rejected += len(bad)
    good = [row for place, (row, _) in enumerate(group) if place not in bad]
    if not good:
        return batch
    delivery = Delivery(source, _good(batch), also=lambda connection: _settle(connection, source, good))
    try:
        receipt, _ = ledger.commit(delivery, time.time_ns() // 1000)
    except GoneError:
        log.warning("some of %s letters were replayed by another process; they are left to it", len(good))
        return batch
    done.accepted += receipt.accepted
    done.duplicate += receipt.duplicate
    return batch


def _tell(connection: sa.Connection, wrong: Sequence[tuple[int, Rejection]]) -> None:
    """Write down what is wrong with letters now; their page in the books stays."""
    for number, one in wrong:
        told = {name: getattr(one, name) for name in ("field", "value", "reason", "fix")}
        connection.execute(tables.rejected.update().filter_by(id=number).values(told))


def _good(batch: Batch) -> Batch:
    """The batch without what is wrong in it."""
    received = Counter(batch.received)
    received.subtract(rejection.model for rejection in batch.rejections)
    return replace(batch, received={model: n for model, n in received.items() if n}, rejections=())


def _settle(connection: sa.Connection, source: str, rows: Sequence[Any]) -> None:
    """Remove letters, and what the books say of them: they are received anew in the same transaction."""
    gone = tables.rejected.delete().where(letters.id.in_([row.id for row in rows]))
    if connection.execute(gone).rowcount != len(rows):
        raise GoneError
    for model, count in sorted(Counter(row.model for row in rows).items()):
        page = tables.books.update().filter_by(source=source, model=model)
        taken = {"received": pages.received - count, "rejected": pages.rejected - count}
        connection.execute(page.values(taken))
