"""Upkeep of samples: pieces are merged when their window has closed, and old ones go but for the needed."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from alerts import tables as alerting
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from modelwatch.monitor import Monitor
from modelwatch.trackers import Trackers
from modelwatch.upkeep import Upkeep
from tests.collector.collecting import HOUR, SCHEMA, T0, commit, prediction

EVENTS = [prediction(n, timestamp=T0 + 1800.0 * n) for n in range(240)]  # five days, two an hour


def held(database: Database) -> dict[int, list[tuple[int, int]]]:
    """The shard and piece of each row, by the hour of its window."""
    query = sa.select(tables.samples).order_by(tables.samples.c.start)
    found: dict[int, list[tuple[int, int]]] = {}
    with database.read() as connection:
        for row in connection.execute(query):
            found.setdefault(round((row.start / 1e6 - T0) / HOUR), []).append((row.shard, row.piece))
    return found


def test_upkeep_merges_and_deletes_samples(database: Database, tmp_path: Path) -> None:
    watched = Monitor.model_validate(
        SCHEMA.model_dump() | {"sample": {"keep": "2d"}, "reference": {"kind": "learned", "windows": 2}}
    )
    for number in range(8):
        commit(Ledger(database, {"m": watched}), EVENTS[number::8], str(number), int((T0 + 1e6) * 1e6))
    upkeep = Upkeep(database, [watched], tmp_path, CollectorRegistry())
    upkeep.once(lambda: False)
    found = held(database)
    assert list(found) == list(range(120)), "nothing is judged yet"
    assert all(found[hour] == [(0, 0)] for hour in range(118))
    assert len(found[119]) == 2, "the last is open"
    values = {"model": "m", "judged_until": int((T0 + 100 * HOUR) * 1e6)}
    values |= {"trackers": Trackers(pending=[int((T0 + 30 * HOUR) * 1e6)]).to_json()}
    with database.write() as connection:
        connection.execute(alerting.progress.insert().values(values))
    upkeep._next["retain"] = 0.0
    upkeep.once(lambda: False)
    # the first two are the reference, of the 30th labels are awaited
    assert list(held(database)) == [0, 1, 30, *range(72, 120)]
