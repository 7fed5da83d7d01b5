"""A commit that fails changes nothing, in memory or in the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import (
    SCHEMAS,
    book,
    commit,
    counted,
    deployment,
    fix_shape,
    label,
    open_database,
    prediction,
    same,
)

FIRST = [prediction(n) for n in range(30)] + [label(n) for n in range(10)]
SECOND = [prediction(n) for n in range(20, 60)] + [label(n) for n in range(5, 60)] + [deployment("v2")]


def undisturbed(path: Path) -> Any:
    database = open_database(path)
    fix_shape(database)
    ledger = Ledger(database, SCHEMAS)
    commit(ledger, FIRST, "1")
    commit(ledger, SECOND, "2")
    found = counted(database)
    database.close()
    return found


@pytest.mark.parametrize("table", ["profiles", "blocks", "books", "deliveries", "deployments", "models"])
def test_a_commit_that_fails_half_way_can_be_repeated(
    database: Database, ledger: Ledger, tmp_path: Path, table: str
) -> None:
    commit(ledger, FIRST, "1")
    before, pages = counted(database), book(database)
    trigger = f"CREATE TRIGGER broken BEFORE %s ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
    for verb in ("INSERT", "UPDATE"):
        with sqlite3.connect(tmp_path / "modelwatch.db") as other:
            other.execute(trigger % verb)
        other.close()
        failed = True
        try:
            commit(ledger, SECOND, "2")
            failed = False
        except sa.exc.DatabaseError:
            assert same(before, counted(database))
            assert book(database) == pages
        with sqlite3.connect(tmp_path / "modelwatch.db") as other:
            other.execute("DROP TRIGGER broken")
        other.close()
        if not failed:
            break
    commit(ledger, SECOND, "2")
    assert same(counted(database), undisturbed(tmp_path / "undisturbed.db"))


def test_a_deferred_failure_of_the_commit_itself_changes_nothing(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    commit(ledger, FIRST, "1")
    before = counted(database)

    def fail(_connection: Any) -> None:
        raise RuntimeError("the disk is gone")

    sa.event.listen(database.engine, "commit", fail)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        commit(ledger, SECOND, "2")
    sa.event.remove(database.engine, "commit", fail)
    assert same(before, counted(database))
    commit(ledger, SECOND, "2")
    assert same(counted(database), undisturbed(tmp_path / "undisturbed.db"))


def test_readers_see_a_delivery_whole_or_not_at_all(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    commit(ledger, FIRST, "1")
    seen = []
    other = Database(tmp_path / "modelwatch.db")

    def look(_connection: Any) -> None:
        seen.append(book(other))

    sa.event.listen(database.engine, "commit", look)
    commit(ledger, SECOND, "2")
    assert seen == [(40, 40, 0, 0)]
    assert book(other) == (136, 121, 15, 0)
    other.close()
