"""SQLite and PostgreSQL: what is stored is the same, whatever comes and whoever writes at a time."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import audit, tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import SCHEMAS, balanced, book, commit, deployment, prediction

ODD: list[dict[str, Any]] = [
    prediction(1, version="v\0"),
    prediction(2, id="a\0b"),
    prediction(3, tags={"region": "n\0"}),
    prediction(4, features={"x": 1.0, "c": "q\0", "e": [1, 2]}),
    deployment("v\0"),
    deployment("v2", by="x\0", reason="r\0"),
]


@pytest.mark.parametrize("event", ODD, ids=range(len(ODD)))
def test_a_nul_in_a_text_stops_nothing(database: Database, event: dict[str, Any]) -> None:
    ledger = Ledger(database, SCHEMAS)
    for number, key in enumerate(("first", "second")):
        commit(ledger, [event, prediction(100 + number, version="v\0")], key, 1)
    received, accepted, duplicate, rejected = book(database)
    assert (received, accepted + duplicate, rejected) == (4, 4, 0)
    assert balanced(database)


def test_the_audit_log_holds_whoever_writes_at_a_time(database: Database) -> None:
    def write(who: str) -> None:
        for number in range(30):
            with database.write() as connection:
                audit.append(connection, who, "do", str(number), "", {})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.audit)).scalar() == 90
        assert audit.first_broken(connection) is None
