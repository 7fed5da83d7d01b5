"""What is damaged on disk is put aside and told: the service starts, evaluates, and takes events."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from alerts import tables as alerting
from collector.store import tables
from collector.store.compaction import compact
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.read import Reader
from modelwatch import schema
from modelwatch.leader import FileLeader
from modelwatch.recovery import recover
from modelwatch.service import Service, Settings
from modelwatch.upkeep import Upkeep
from tests.collector.collecting import HOUR, SCHEMAS, T0, commit, counted, prediction
from tests.collector.serving import served
from tests.modelwatch.flows import Workplace, events_of, traffic

EVENTS = [prediction(n) for n in range(100)]


def filled(folder: Path) -> Path:
    """A database file with events."""
    database = Database(folder / "modelwatch.db")
    schema.upgrade(database)
    commit(Ledger(database, SCHEMAS), EVENTS, "1")
    database.close()
    return folder / "modelwatch.db"


def scramble(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "no database":
        path.write_bytes(b"this is no database, and never was one" * 200)
    elif how == "cut off":
        path.write_bytes(content[: len(content) // 2])
    else:
        third = len(content) // 3
        path.write_bytes(
            content[:third] + bytes(255 - byte for byte in content[third : 2 * third]) + content[2 * third :]
        )


@pytest.mark.parametrize("how", ["no database", "cut off", "scrambled"])
def test_a_damaged_file_is_put_aside_and_the_service_starts(tmp_path: Path, how: str) -> None:
    workplace = Workplace(tmp_path)
    monitor = workplace.monitor()
    (tmp_path / "data").mkdir()
    path = filled(tmp_path / "data")
    scramble(path, how)
    damaged = path.read_bytes()
    with served(Service(Settings(tmp_path / "data", "http://pages"), [monitor]).app) as url:
        events = events_of(traffic(1))[:5]
        assert httpx.post(f"{url}/v1/events", json=events).json()["accepted"] == 5
        assert "modelwatch_quarantined" in httpx.get(f"{url}/metrics").text
    (aside,) = (tmp_path / "data").glob("modelwatch.db.corrupt-*")
    assert aside.read_bytes() == damaged
    database = Database(path)
    with database.read() as connection:
        entry = connection.execute(sa.select(alerting.audit).filter_by(action="quarantine")).one()
        assert entry.target == aside.name
        assert connection.execute(sa.select(tables.quarantine.c.kind)).scalars().all() == ["database"]
    database.close()


def test_a_sound_file_stays(tmp_path: Path) -> None:
    path = filled(tmp_path)
    assert recover(path) is None
    assert recover(tmp_path / "none.db") is None
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT sum(accepted) FROM books").fetchone() == (100,)
    connection.close()


def test_a_file_that_another_process_leads_on_is_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path)
    scramble(path, "cut off")
    leader = FileLeader(tmp_path)
    assert leader.lead()
    assert recover(path) is None
    leader.close()
    assert recover(path) is not None
    assert not path.exists()


def damage_first(database: Database) -> int:
    """Scramble the profile of all rows of the first window; returns its start."""
    start = int(T0 * 1e6)
    where = {"start": start, "segment": "", "role": "production"}
    with database.write() as connection:
        connection.execute(tables.profiles.update().filter_by(**where).values(profile=b"\x01scrambled"))
    return start


def quarantined(database: Database) -> list[bytes]:
    with database.read() as connection:
        return list(connection.execute(sa.select(tables.quarantine.c.content)).scalars())


def test_a_damaged_profile_is_passed_over_and_quarantined(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    commit(Ledger(database, SCHEMAS), EVENTS, "1")
    start = damage_first(database)
    following, third = (start + round(n * HOUR * 1e6) for n in (1, 2))
    with caplog.at_level(logging.ERROR), database.read() as connection:
        found = Reader(connection, "m").traffic("production", [start, following])
    assert list(found) == [following]
    assert "damaged" in caplog.text
    Upkeep(database, [], tmp_path, CollectorRegistry())._quarantine()
    assert quarantined(database) == [b"\x01scrambled"]
    assert {key.start for key in counted(database) if not key.segment} == {following, third}


def test_a_damaged_profile_does_not_stop_ingest(database: Database) -> None:
    commit(Ledger(database, SCHEMAS), EVENTS[:10], "1")
    ledger = Ledger(database, SCHEMAS)
    commit(ledger, EVENTS[10:20], "2")
    damage_first(database)
    ledger.memory.clear()
    commit(ledger, EVENTS[20:30], "3")
    assert quarantined(database) == [b"\x01scrambled"]
    compact(database, "m", int((T0 + 100 * HOUR) * 1e6))
    assert len(quarantined(database)) == 2
    (rows,) = (profile.rows for key, profile in counted(database).items() if not key.segment)
    assert rows == 10
