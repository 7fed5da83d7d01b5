"""Opens the database that a command works on."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from alerts import audit
from alerts.secret import SecretError, is_named, secret
from collector.store import quarantine
from collector.store.database import Database, url_of
from modelwatch import schema
from modelwatch.recovery import recover

VARIABLE = "MODELWATCH_DATABASE"


class OpeningError(ValueError):
    """The database cannot be opened; the message says which, why, and what to do."""


def location(data: Path, url: str | None) -> Path | str:
    """Where the database is: the URL, the variable MODELWATCH_DATABASE(_FILE), or a file in the data folder.

    Raises:
        OpeningError: the URL is wrong, or holds a password, which belongs in the variable.
    """
    try:
        if url is None:
            return secret(VARIABLE) if is_named(VARIABLE) else data / "modelwatch.db"
        if url_of(url).password is not None:
            raise OpeningError(
                f"--database holds a password, which other users of the machine can read; set {VARIABLE}, "
                f"or {VARIABLE}_FILE, to the URL instead"
            )
    except (SecretError, ValueError) as error:
        raise OpeningError(str(error)) from None
    return url


def open_database(data: Path, url: str | None = None) -> Database:
    """Open the database, and bring it to the schema of this version.

    Raises:
        OpeningError: it cannot be opened.
    """
    where = location(data, url)
    try:
        put_aside = recover(where) if isinstance(where, Path) else None
        database = Database(where)
    except (OSError, ValueError) as error:
        raise OpeningError(str(error)) from None
    try:
        schema.upgrade(database)
        if put_aside is not None:
            _tell(database, *put_aside)
    except sa.exc.DBAPIError as error:
        database.close()
        raise OpeningError(f"{database.url.render_as_string()}: cannot be opened: {error.orig}") from None
    return database


def _tell(database: Database, aside: Path, reason: str) -> None:
    """Write into the new database what became of the old one."""
    with database.write() as connection:
        quarantine.keep(connection, "database", "", aside.name, reason)
        why = f"{reason}; what it held is no longer known, a new database was begun"
        audit.append(connection, "modelwatch", "quarantine", aside.name, why, {})
