"""History into the service's database: files, committed exactly once, in event time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from collector.batch import Batch
from collector.delivery import Advance, Delivery
from collector.sources.files import FileError
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger, Receipt
from modelwatch.monitor import Monitor
from modelwatch.references.install import install_file

Advanced = Callable[[int, int], None]
BYTES_AT_ONCE = 1 << 20


class History(Protocol):
    """A file whose rows can be read from any row on."""

    path: Path

    @property
    def rows(self) -> int:
        """How many rows it has, about."""
        ...

    def since(self, row: int) -> Iterator[tuple[int, Batch]]:
        """Batches from a row on, each with the number of the row that follows it."""
        ...


@dataclass(frozen=True)
class Done:
    """What became of a file: the row that it was resumed from, and the counts of this run."""

    began: int
    receipt: Receipt


class Backfill:
    """Commits files into a database that the service may be using.

    Args:
        database: where to.
        monitor: the model's.
    """

    def __init__(self, database: Database, monitor: Monitor) -> None:
        self._database, self._monitor = database, monitor
        self._ledger = Ledger(database, {monitor.model: monitor}, forgets=False)
        if monitor.reference.file is not None:  # as the service does: it fixes the grids
            install_file(database, monitor, monitor.reference.file)

    def run(self, kind: str, file: History, advanced: Advanced) -> Done:
        """Commit what of a file is not committed yet.

        Args:
            kind: what it is read as; the same file read as something else is something else.
            file: the file.
            advanced: told how many rows are done, and of how many.

        Raises:
            FileError: it cannot be read.
            FencedError: another process commits the same file at the same time.
        """
        source = f"file:{file.path.name}"
        partition = f"{self._monitor.model}:{kind}:{digest(file.path)}"
        began = self._position(source, partition)
        at, sums = began, Receipt()
        for following, batch in file.since(began or 0):
            advance = Advance(partition, at, following)
            receipt, _ = self._ledger.commit(Delivery(source, batch, advances=(advance,)), 0)
            sums, at = _sum(sums, receipt), following
            advanced(following, max(file.rows, following))
        return Done(began or 0, sums)

    def _position(self, source: str, partition: str) -> int | None:
        query = sa.select(tables.positions.c.following).filter_by(source=source, partition=partition)
        with self._database.read() as connection:
            found: int | None = connection.execute(query).scalar()
        return found


def digest(path: Path) -> str:
    """What a file holds, in short: the same wherever it lies.

    Raises:
        FileError: it cannot be read.
    """
    sums = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BYTES_AT_ONCE):
                sums.update(block)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    return sums.hexdigest()


def _sum(one: Receipt, other: Receipt) -> Receipt:
    return Receipt(
        one.received + other.received,
        one.accepted + other.accepted,
        one.duplicate + other.duplicate,
        one.rejected + other.rejected,
        (one.errors + other.errors)[:1],
    )
