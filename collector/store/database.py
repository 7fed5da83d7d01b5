"""The database, SQLite or PostgreSQL: one writer at a time for each lock, readers that never wait."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

BUSY_SECONDS = 30
NUL, REPLACEMENT = "\x00", "\ufffd"
DESK = "desk"  # the lock of verdicts, incidents, actions and audit


class Database:
    """A SQLite database in a file or in memory, or a PostgreSQL database.

    Args:
        location: a file, a URL such as `postgresql://user@host/name`, or None for a SQLite database in
            memory, which lives as long as this object.

    Raises:
        ValueError: the URL is of another kind of database.
    """

    def __init__(self, location: Path | str | None) -> None:
        self._lock = threading.Lock()
        self.url = url_of(location)
        self.postgres = self.url.get_backend_name() == "postgresql"
        if self.postgres:
            self.engine = sa.create_engine(
                self.url, pool_pre_ping=True, pool_size=10, connect_args={"connect_timeout": 10}
            )
            sa.event.listen(self.engine, "before_cursor_execute", _without_nul, retval=True)
            return
        if location is None:
            self.engine = sa.create_engine(
                self.url, poolclass=StaticPool, connect_args={"check_same_thread": False}
            )
        else:
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(self.url, connect_args={"timeout": BUSY_SECONDS})
        sa.event.listen(self.engine, "connect", _configure)
        sa.event.listen(self.engine, "begin", _begin)

    @contextmanager
    def write(self, *locks: str) -> Iterator[sa.Connection]:
        """A transaction that may write: committed at the end, rolled back on an exception.

        Args:
            locks: what no other transaction may write meanwhile; `DESK` when none is named. SQLite has but
                one lock, which covers all of them.
        """
        if not self.postgres:
            with self._lock, self.engine.begin() as connection:
                yield connection
            return
        with self.engine.begin() as connection:
            for lock in sorted({*locks} or {DESK}):  # in one order, or two transactions would wait for ever
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_number(lock))))
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading, each statement on the latest committed state."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def url_of(location: Path | str | None) -> sa.URL:
    """The URL of a database, with the driver that is used here.

    >>> str(url_of("postgresql://localhost/watch"))
    'postgresql+psycopg://localhost/watch'

    Raises:
        ValueError: it is no URL, or of another kind of database.
    """
    if not isinstance(location, str):
        return sa.URL.create("sqlite", database=None if location is None else str(location))
    try:
        url = sa.make_url(location)
    except sa.exc.ArgumentError:
        raise ValueError("the database is no URL; write postgresql://user@host/name") from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise ValueError(f"{url.drivername} is not supported; use postgresql:// or sqlite:///")
    return url


def lock_number(name: str) -> int:
    """The 63-bit number of an advisory lock."""
    digest = hashlib.sha256(f"modelwatch:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _without_nul(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """PostgreSQL's texts hold no NUL, and what comes from outside may: it is stored as U+FFFD."""
    if isinstance(parameters, Mapping):
        return statement, _clean(parameters)
    return statement, [_clean(one) if isinstance(one, Mapping) else one for one in parameters]


def _clean(values: Mapping[str, Any]) -> Mapping[str, Any]:
    bad = {
        name: value.replace(NUL, REPLACEMENT)
        for name, value in values.items()
        if isinstance(value, str) and NUL in value
    }
    return {**values, **bad} if bad else values


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are ours to begin: see `_begin`
    cursor = connection.cursor()
    cursor.execute("PRAGMA page_size=8192")  # of a new file: what is written comes in large pieces
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA wal_autocheckpoint=4000")  # pages
    cursor.execute("PRAGMA synchronous=FULL")  # acknowledged means durable, also when the power fails
    cursor.execute("PRAGMA cache_size=-8192")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        # a writer that began by reading could not upgrade while another writes
        connection.exec_driver_sql("BEGIN IMMEDIATE")
