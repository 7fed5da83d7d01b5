"""The audit log: whatever is changed in it is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from alerts import audit
from alerts.tables import audit as log
from collector.store.database import Database


@pytest.fixture
def written(database: Database) -> Database:
    with database.write() as connection:
        for number in range(10):
            audit.append(connection, "ann", "approve", f"action {number}", "why", {"n": number, "x": 0.1})
    return database


def broken(database: Database) -> int | None:
    with database.read() as connection:
        return audit.first_broken(connection)


def test_an_untouched_log_holds(written: Database) -> None:
    assert broken(written) is None


def test_an_empty_log_holds(database: Database) -> None:
    assert broken(database) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "bob"),
        ("action", "refuse"),
        ("target", "action 99"),
        ("why", ""),
        ("recorded", 1),
        ("evidence", {"n": 4, "x": 0.2}),
        ("previous", "0" * 64),
        ("hash", "f" * 64),
    ],
)
def test_a_change_of_any_column_is_found(written: Database, column: str, value: object) -> None:
    with written.write() as connection:
        connection.execute(log.update().where(log.c.id == 5).values(**{column: value}))
    assert broken(written) in (5, 6)


@pytest.mark.parametrize("gone", [1, 5, 9])
def test_a_deleted_entry_is_found(written: Database, gone: int) -> None:
    with written.write() as connection:
        connection.execute(log.delete().where(log.c.id == gone))
    assert broken(written) == gone + 1


def swap(connection: sa.Connection) -> None:
    for old, new in ((4, 99), (5, 4), (99, 5)):
        connection.execute(log.update().where(log.c.id == old).values(id=new))


def insert(connection: sa.Connection) -> None:
    row = dict(connection.execute(sa.select(log).where(log.c.id == 3)).one()._mapping)
    connection.execute(log.update().where(log.c.id == 10).values(id=11))
    connection.execute(log.insert().values(row | {"id": 10, "actor": "eve", "hash": "e" * 64}))


def reseal(connection: sa.Connection) -> None:
    """Forge an entry and its own seal, but not the ones after it."""
    row = dict(connection.execute(sa.select(log).where(log.c.id == 5)).one()._mapping)
    row["actor"] = "eve"
    connection.execute(log.update().where(log.c.id == 5).values(actor="eve", hash=audit._seal(row)))


@pytest.mark.parametrize(("forge", "where"), [(swap, 4), (insert, 10), (reseal, 6)])
def test_reordering_inserting_and_resealing_are_found(
    written: Database, forge: Callable[[sa.Connection], None], where: int
) -> None:
    with written.write() as connection:
        forge(connection)
    assert broken(written) == where


def test_an_entry_is_in_the_transaction_of_what_it_is_about(written: Database) -> None:
    def fail() -> None:
        with written.write() as connection:
            audit.append(connection, "ann", "a", "b", "c", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with written.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(log)).scalar() == 10
    assert broken(written) is None
