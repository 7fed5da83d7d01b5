"""Leadership: of all processes on one database, one evaluates and acts; another takes over when it dies."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from collector.store.database import Database, lock_number

log = logging.getLogger(__name__)
LOCK = "leader"
# a leader whose machine is gone is noticed by the server within half a minute, and by itself
ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
OURS = sa.text(
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :pid AND objsubid = 1"
    " AND classid = :high AND objid = :low"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class NotLeadingError(Exception):
    """This process does not lead, or no longer: what it was about to do is another's to do."""


class Leader(ABC):
    """One process's candidacy."""

    leading = False

    @abstractmethod
    def lead(self) -> bool:
        """Whether this process leads; where nobody does, it begins to."""

    @abstractmethod
    def confirm(self, connection: sa.Connection) -> None:
        """Make sure, in a transaction, that this process leads.

        Who takes over waits for the transaction's lock, so what was confirmed holds until it commits.

        Raises:
            NotLeadingError: it does not.
        """

    @abstractmethod
    def close(self) -> None:
        """Resign."""


class FileLeader(Leader):
    """Leads by an exclusive lock on a file, which the system releases when the process dies.

    Args:
        folder: the data folder, on a file system of this machine.
        name: the file's.
    """

    def __init__(self, folder: Path, name: str = "owner.lock") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / name
        self._held: sqlite3.Connection | None = None

    def lead(self) -> bool:
        """Whether this process has the lock."""
        if self._held is None:
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                connection.close()
            except sqlite3.DatabaseError:
                connection.close()
                # it is noise, and held nothing; another file in its place would be another lock
                os.truncate(self._path, 0)
                return self.lead()
            else:
                self._held = connection
        self.leading = self._held is not None
        return self.leading

    def confirm(self, connection: sa.Connection) -> None:  # noqa: ARG002 - a lock on a file is not lost
        """Make sure that this process has the lock."""
        if not self.leading:
            raise NotLeadingError

    def close(self) -> None:
        """Release the lock."""
        self.leading = False
        if self._held is not None:
            self._held.close()
            self._held = None


class SessionLeader(Leader):
    """Leads by a PostgreSQL advisory lock, which the server releases when the connection is lost.

    Args:
        url: the database's, past any pooler that shares connections.
    """

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(
            url,
            poolclass=NullPool,
            connect_args={"connect_timeout": 5, **ALIVE},
            isolation_level="AUTOCOMMIT",
        )
        self._connection: sa.Connection | None = None
        self._process = 0
        self._lock = threading.Lock()

    def lead(self) -> bool:
        """Whether this process has the lock, by a look at its connection."""
        with self._lock:
            try:
                self.leading = self._look()
            except sa.exc.DBAPIError as error:
                if self.leading:
                    log.warning("leadership is lost: %s", error.orig)
                self._drop()
            return self.leading

    def _look(self) -> bool:
        if self._connection is None:
            self._connection = self._engine.connect()
        if self.leading:
            self._connection.execute(sa.text("SELECT 1"))
            return True
        taken = self._connection.execute(sa.select(sa.func.pg_try_advisory_lock(lock_number(LOCK)))).scalar()
        self._process = self._connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one()
        return bool(taken)

    def _drop(self) -> None:
        self.leading = False
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def confirm(self, connection: sa.Connection) -> None:
        """Make sure that the server still holds the lock for this process's connection."""
        number = lock_number(LOCK)
        place = {"pid": self._process, "high": number >> 32, "low": number & 0xFFFFFFFF}
        if not self.leading or connection.execute(OURS, place).first() is None:
            self.leading = False
            raise NotLeadingError

    def close(self) -> None:
        """Release the lock with the connection."""
        with self._lock:
            self._drop()
            self._engine.dispose()


def leader_of(database: Database, folder: Path) -> Leader:
    """The candidacy of this process for a database; of a SQLite file, in its folder."""
    return SessionLeader(database.url) if database.postgres else FileLeader(folder)


class Fenced(Database):
    """A database in which only the leader writes: every transaction begins by making sure that it leads."""

    def __init__(self, database: Database, leader: Leader) -> None:  # super().__init__ would open another
        self.__dict__.update(database.__dict__)
        self._leader = leader

    @contextmanager
    def write(self, *locks: str) -> Iterator[sa.Connection]:
        """A transaction that may write.

        Raises:
            NotLeadingError: this process does not lead.
        """
        with super().write(*locks) as connection:
            self._leader.confirm(connection)
            yield connection

    def led(self) -> bool:
        """Whether this process leads: asked before what no transaction can take back."""
        try:
            with self.read() as connection:
                self._leader.confirm(connection)
        except NotLeadingError:
            return False
        return True
