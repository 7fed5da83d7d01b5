"""The database: one writer at a time, readers that never wait for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

BUSY_SECONDS = 30


class Database:
    """A SQLite database, in a file or in memory.

    Args:
        path: the file; None for a database in memory, which lives as long as this object.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        if path is None:
            self.engine = sa.create_engine(
                "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
            )
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})
        sa.event.listen(self.engine, "connect", _configure)
        sa.event.listen(self.engine, "begin", _begin)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that may write: committed at the end, rolled back on an exception."""
        with self._lock, self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading, each statement on the latest committed state."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are ours to begin: see `_begin`
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # acknowledged means durable, also when the power fails
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        # a writer that began by reading could not upgrade while another writes
        connection.exec_driver_sql("BEGIN IMMEDIATE")
