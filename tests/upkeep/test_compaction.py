"""Compaction: fewer rows, the same counts to the bit, whoever writes meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from collector.store import tables
from collector.store.compaction import compact
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import (
    HOUR,
    SCHEMAS,
    T0,
    balanced,
    book,
    commit,
    counted,
    fix_shape,
    label,
    open_database,
    prediction,
    same,
)

LATER = int((T0 + 1000 * HOUR) * 1e6)
EVENTS = [prediction(n) for n in range(400)] + [label(n) for n in range(400)]


def stored(database: Database) -> list[int]:
    """The shards of all rows."""
    with database.read() as connection:
        return list(connection.execute(sa.select(tables.profiles.c.shard)).scalars())


def alone(folder: Path) -> Database:
    """What one worker counts, undisturbed."""
    folder.mkdir()
    database = open_database(folder / "alone.db")
    fix_shape(database)
    commit(Ledger(database, SCHEMAS), EVENTS, "all")
    return database


def test_shares_become_one_row_of_the_same_counts(database: Database, tmp_path: Path) -> None:
    ledgers = [Ledger(database, SCHEMAS) for _ in range(3)]
    for place in range(0, len(EVENTS), 50):
        commit(ledgers[place // 50 % 3], EVENTS[place : place + 50], str(place))
    before, rows = counted(database), len(stored(database))
    folded = compact(database, "m", LATER)
    assert len(stored(database)) == rows - folded == len(before)
    assert set(stored(database)) == {0}
    assert same(counted(database), before)
    reference = alone(tmp_path / "alone")
    assert same(counted(database), counted(reference))
    reference.close()
    assert compact(database, "m", LATER) == 0


def test_open_windows_stay(database: Database) -> None:
    for number, ledger in enumerate([Ledger(database, SCHEMAS), Ledger(database, SCHEMAS)]):
        commit(ledger, EVENTS[number * 72 : number * 72 + 72], str(number))
        commit(ledger, EVENTS[300 + number : 301 + number], f"also-{number}")
    compact(database, "m", int((T0 + 2 * HOUR) * 1e6))
    with database.read() as connection:
        query = sa.select(tables.profiles.c.start, tables.profiles.c.shard).distinct()
        rows = connection.execute(query).all()
    closed = {row.shard for row in rows if row.start < (T0 + 2 * HOUR) * 1e6}
    assert closed == {0}
    assert 0 not in {row.shard for row in rows if row.start >= (T0 + 2 * HOUR) * 1e6}


def test_a_worker_forgets_its_share_once_it_is_folded(database: Database, tmp_path: Path) -> None:
    """Its copy in memory would otherwise be written again, and count everything twice."""
    one, other = Ledger(database, SCHEMAS), Ledger(database, SCHEMAS)
    for number, place in enumerate(range(0, len(EVENTS), 40)):
        commit((one, other)[number % 2], EVENTS[place : place + 40], str(place))
        if number % 3 == 2:
            compact(database, "m", LATER)
    reference = alone(tmp_path / "alone")
    assert same(counted(database), counted(reference))
    reference.close()


def test_two_workers_and_a_compaction_at_a_time(database: Database, tmp_path: Path) -> None:
    over = threading.Event()
    failures: list[BaseException] = []

    def work(mine: int) -> None:
        ledger = Ledger(database, SCHEMAS)
        try:
            for place in range(mine * 10, len(EVENTS), 20):
                commit(ledger, EVENTS[place : place + 10], str(place))
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            failures.append(error)

    folds = []

    def fold() -> None:
        while not over.is_set():
            folds.append(compact(database, "m", LATER))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(2)]
    folder = threading.Thread(target=fold)
    for thread in (*threads, folder):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    folder.join()
    assert failures == []
    assert sum(folds) > 0
    compact(database, "m", LATER)
    assert set(stored(database)) == {0}
    assert book(database) == (800, 800, 0, 0)
    assert balanced(database)
    reference = alone(tmp_path / "alone")
    assert same(counted(database), counted(reference))
    reference.close()
