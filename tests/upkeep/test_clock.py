"""A clock that jumps ahead deletes nothing before its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from collector.delivery import Delivery
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from modelwatch.monitor import Monitor
from modelwatch.upkeep import Upkeep
from tests.collector.collecting import SCHEMA, counted, fix_shape, prediction
from tests.databases import created

MONITOR = Monitor.model_validate({**SCHEMA.model_dump(), "log": {"keep": "7d"}})
YEAR = 365 * 86_400


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with created("sqlite", tmp_path) as made:
        fix_shape(made)
        yield made


def held(database: Database) -> tuple[int, int, int]:
    """Rows in profiles, dead letters, and keys."""
    with database.read() as connection:
        letters, keys = (
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (tables.rejected, tables.deliveries)
        )
    return sum(p.rows for key, p in counted(database).items() if not key.segment), letters, keys


@pytest.mark.parametrize("restarted", [False, True])
def test_nothing_is_deleted_by_a_clock_that_is_a_year_ahead(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    now = time.time()
    events = [prediction(n, timestamp=now - 600 + n) for n in range(50)] + [prediction(99, score=7)]
    batch = Validator({"m": MONITOR}).batch(events, None, now)
    Ledger(database, {"m": MONITOR}).commit(Delivery("http", batch, "k"), int(now * 1e6))
    early = Upkeep(database, [MONITOR], tmp_path / "log", CollectorRegistry())
    early.finish()
    before = held(database)
    assert before == (50, 1, 1)
    real = time.time_ns
    monkeypatch.setattr("modelwatch.upkeep.time.time_ns", lambda: real() + YEAR * 10**9)
    late = Upkeep(database, [MONITOR], tmp_path / "log", CollectorRegistry()) if restarted else early
    late.once(lambda: False)
    assert held(database) == before
    assert sorted((tmp_path / "log").rglob("*.parquet"))
