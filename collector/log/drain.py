"""Moves staged predictions into the log's files, each row exactly once."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from collector.log.files import Piece, write
from collector.log.stage import change
from collector.store import tables
from collector.store.database import Database

log = logging.getLogger(__name__)
MANY_ROWS, MANY_BYTES, LONG = 200_000, 64 << 20, 60_000_000
MOST_ROWS, MOST_BYTES = 1_000_000, 128 << 20  # of one claim: it is held in memory
staged = tables.staged.c


@dataclass
class Drained:
    """What a drain came to.

    Attributes:
        rows: written to files.
        files: written.
        damaged: staged batches that could not be read, and were quarantined.
        failed: the models whose files could not be written, and why.
    """

    rows: int = 0
    files: int = 0
    damaged: int = 0
    failed: dict[str, OSError] = field(default_factory=dict)


def drain(database: Database, folder: Path, *, everything: bool = False) -> Drained:
    """Write what is due to files; one process at a time should, though more do no harm.

    A range of staged batches is claimed, written to files whose names follow from it, and deleted. A crash
    leaves the claim, so the same files are written again.

    Args:
        database: where predictions are staged.
        folder: where the files go.
        everything: whether to write what is not due yet too.
    """
    done = Drained()
    with database.read() as connection:
        models = list(connection.execute(sa.select(tables.logs.c.model)).scalars())
    for model in models:
        try:
            while (claim := _claim(database, model, everything=everything)) is not None:
                _write(database, folder, claim, done)
        except OSError as error:
            log.error("the log of %s cannot be written; it is tried again: %s", model, error)  # noqa: TRY400
            done.failed[model] = error
    return done


@dataclass(frozen=True)
class _Claim:
    """Some staged batches of a model. Later ones have larger ids: they are staged under the model's lock."""

    model: str
    first: int
    last: int

    @property
    def rows(self) -> Any:
        """The condition that their rows meet."""
        return sa.and_(staged.model == self.model, staged.id.between(self.first, self.last))


def _claim(database: Database, model: str, *, everything: bool) -> _Claim | None:
    """Claim a range of staged batches, or find the one that a crash has left; None when nothing is due."""
    of_model = tables.logs.c.model == model
    claimed = sa.select(tables.logs.c.first, tables.logs.c.last).where(of_model)
    with database.read() as connection:
        first, last = connection.execute(claimed).one()
        if first is not None:
            return _Claim(model, first, last)
        if not everything and not _due(connection, model):
            return None
    with database.write(f"log:{model}") as connection:
        first, last = connection.execute(claimed).one()
        if first is not None:
            return _Claim(model, first, last)
        query = sa.select(staged.id, staged.rows, sa.func.length(staged.batch)).where(staged.model == model)
        rows = size = 0
        for number, count, length in connection.execute(query.order_by(staged.id)):
            first, last = number if first is None else first, number
            rows, size = rows + count, size + length
            if rows >= MOST_ROWS or size >= MOST_BYTES:
                break
        if first is None:
            return None
        connection.execute(tables.logs.update().where(of_model).values(first=first, last=last))
    return _Claim(model, first, last)


def _due(connection: sa.Connection, model: str) -> bool:
    query = sa.select(sa.func.sum(staged.rows), sa.func.min(staged.at)).where(staged.model == model)
    rows, oldest = connection.execute(query).one()
    waiting = connection.execute(sa.select(tables.logs.c.waiting).filter_by(model=model)).scalar_one()
    late = oldest is not None and oldest < time.time_ns() // 1000 - LONG
    return bool(rows) and (rows >= MANY_ROWS or waiting >= MANY_BYTES or late)


def _write(database: Database, folder: Path, claim: _Claim, done: Drained) -> None:
    """Write a claim's files, then forget it."""
    with database.read() as connection:  # one statement: all of it, or nothing where another was faster
        batches = _batches(connection, claim)
    read, damaged = _tables(batches)
    written = sum(table.num_rows for _, table in read)
    files = sum(write(folder, claim.model, piece) for piece in _pieces(read))
    with database.write(f"log:{claim.model}") as connection:
        mine = {"model": claim.model, "first": claim.first, "last": claim.last}
        free = tables.logs.update().filter_by(**mine).values(first=None, last=None)
        if not connection.execute(free).rowcount:
            return  # another was faster
        connection.execute(tables.staged.delete().where(claim.rows))
        size = sum(len(batch) for _, batch in batches)
        change(connection, claim.model, waiting=-size, written=written)
        for number, batch, reason in damaged:
            entry = {"at": time.time_ns() // 1000, "kind": "staged", "model": claim.model}
            entry |= {"name": f"staged batch {number}", "reason": reason, "content": batch}
            connection.execute(tables.quarantine.insert().values(entry))
    done.rows += written
    done.files += files
    done.damaged += len(damaged)


def _batches(connection: sa.Connection, claim: _Claim) -> list[tuple[int, bytes]]:
    if connection.dialect.name != "postgresql":
        query = sa.select(staged.id, staged.batch).where(claim.rows).order_by(staged.id)
        return [(number, batch) for number, batch in connection.execute(query)]
    # in the binary protocol, or every byte would be spelled as two hexadecimal digits
    driver: Any = connection.connection.driver_connection
    text = "SELECT id, batch FROM staged WHERE model = %s AND id BETWEEN %s AND %s ORDER BY id"
    found: list[tuple[int, bytes]] = driver.execute(
        text, [claim.model, claim.first, claim.last], binary=True
    ).fetchall()
    return found


def _tables(
    batches: Sequence[tuple[int, bytes]],
) -> tuple[list[tuple[int, Any]], list[tuple[int, bytes, str]]]:
    """The batches as Arrow tables, and those that are damaged."""
    read: list[tuple[int, Any]] = []
    damaged: list[tuple[int, bytes, str]] = []
    for number, batch in batches:
        try:
            with pa.ipc.open_stream(batch) as stream:
                table = stream.read_all()
            table.validate(full=True)
            read.append((number, table))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            log.error("staged batch %s is damaged; it is quarantined: %s", number, error)  # noqa: TRY400
            damaged.append((number, batch, str(error)))
    return read, damaged


def _pieces(read: Sequence[tuple[int, Any]]) -> Iterator[Piece]:
    """Neighbours of the same columns together: a monitor may have changed in between."""
    for _, group in itertools.groupby(read, lambda item: item[1].schema):
        parts = list(group)
        whole = pa.concat_tables([table for _, table in parts]).unify_dictionaries()
        yield Piece(parts[0][0], parts[-1][0], whole)
