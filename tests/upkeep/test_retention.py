"""Retention: old windows become days, older days go, and what is still needed stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from alerts import tables as alerting
from collector.log.drain import drain
from collector.store import retention, tables
from collector.store.compaction import compact
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.read import Reader
from modelwatch.monitor import Monitor
from modelwatch.references import LearnedReference, TrailingReference
from modelwatch.trackers import Trackers
from modelwatch.upkeep import Upkeep
from profiles.profile import total
from tests.collector.collecting import HOUR, SCHEMA, SCHEMAS, T0, commit, counted, label, prediction
from tests.log.logging_traffic import logged

DAY = 24 * HOUR
MICRO = 1_000_000
EVENTS = [prediction(n, timestamp=T0 + 1800.0 * n) for n in range(240)]  # five days, two an hour
LABELS = [label(n) | {"timestamp": T0 + 1800.0 * n + 5 * HOUR} for n in range(240)]


def starts(database: Database, role: str) -> list[int]:
    """The starts of a role's windows, in hours since the first."""
    query = sa.select(tables.profiles.c.start).filter_by(role=role).distinct()
    with database.read() as connection:
        found = connection.execute(query.order_by(tables.profiles.c.start)).scalars()
        return [round((start / MICRO - T0) / HOUR) for start in found]


def at(hours: float) -> int:
    return int((T0 + hours * HOUR) * MICRO)


def test_windows_become_days_of_the_same_counts(database: Database) -> None:
    commit(Ledger(database, SCHEMAS), EVENTS + LABELS, "all")
    before = counted(database)
    rolled = retention.roll_up(database, "m", at(60), set())
    assert rolled == sum(key.start < at(48) for key in before)
    assert starts(database, "daily") == [0, 24]
    assert starts(database, "production") == list(range(48, 120))
    with database.read() as connection:
        found = retention.days(connection, "m", at(0), at(120), "region=n")
    for day in (0, 24):
        keys = [key for key in before if at(day) <= key.start < at(day + 24) and key.known == 0]
        whole = total(before[key] for key in keys if key.segment == "region=n")
        assert found[at(day)].same_counts(whole)
        assert found[at(day)].rows == 24


def test_labels_that_come_after_the_roll_up_are_added_to_their_day(database: Database) -> None:
    ledger = Ledger(database, SCHEMAS)
    commit(ledger, EVENTS, "events")
    retention.roll_up(database, "m", at(48), set())
    commit(ledger, LABELS, "labels")
    retention.roll_up(database, "m", at(48), set())
    daily = {"role": "daily", "segment": ""}
    rows = sa.func.sum(tables.profiles.c.rows)
    with database.read() as connection:
        query = sa.select(rows).filter_by(**daily)
        made = connection.execute(query.filter_by(known=0)).scalar_one()
        labelled = connection.execute(query.where(tables.profiles.c.known > 0)).scalar_one()
    assert (made, labelled) == (96, 96)


def test_a_worker_forgets_what_was_rolled_up(database: Database) -> None:
    ledger = Ledger(database, SCHEMAS)
    commit(ledger, EVENTS[:40], "1")
    retention.roll_up(database, "m", at(24), set())
    late = [prediction(1000 + n, timestamp=T0 + 1800.0 * n) for n in range(40)]
    commit(ledger, late, "late")
    compact(database, "m", at(1000))
    retention.roll_up(database, "m", at(24), set())
    with database.read() as connection:
        (day,) = retention.days(connection, "m", at(0), at(24)).values()
    assert day.rows == 80


def test_old_days_are_deleted(database: Database) -> None:
    commit(Ledger(database, SCHEMAS), EVENTS, "all")
    retention.roll_up(database, "m", at(96), set())
    assert retention.delete_days(database, "m", at(48)) > 0
    assert starts(database, "daily") == [48, 72]
    assert starts(database, "production") == list(range(96, 120))


def test_what_a_reference_needs_stays(database: Database) -> None:
    commit(Ledger(database, SCHEMAS), EVENTS, "all")
    past = [(at(hour), hour % 2 == 1) for hour in range(100)]
    with database.read() as connection:
        reader = Reader(connection, "m")
        first = LearnedReference(windows=7).needed(reader, [], [])
        last = TrailingReference(windows=5, at_least=2).needed(reader, past, past[:10])
    assert first == {at(hour) for hour in range(7)}
    assert last == {at(hour) for hour in (90, 92, 94, 96, 98, 0, 2, 4, 6, 8)}
    retention.roll_up(database, "m", at(120), first | last)
    kept = sorted(round((start / MICRO - T0) / HOUR) for start in first | last)
    assert starts(database, "production") == kept


def test_old_letters_and_keys_are_deleted(database: Database) -> None:
    ledger = Ledger(database, SCHEMAS)
    letter = dict.fromkeys(("source", "key", "kind", "field", "value", "reason", "fix", "raw"), "")
    with database.write() as connection:
        for moment in range(100):
            row = letter | {"at": moment, "model": "m" if moment % 2 else "", "row": 0}
            connection.execute(tables.rejected.insert().values(row))
    for moment in range(10):
        commit(ledger, EVENTS[moment : moment + 1], str(moment), moment + 1)
    assert retention.delete_rejected(database, {"m": 50, "": 20}) == 25 + 10
    assert retention.delete_deliveries(database, 5) == 4
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.rejected)).scalar() == 65
        assert connection.execute(sa.select(sa.func.min(tables.deliveries.c.at))).scalar() == 5


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def monitor(**changes: Any) -> Monitor:
    return Monitor.model_validate(
        SCHEMA.model_dump() | {"reference": {"kind": "learned", "windows": 2}} | changes
    )


def progress(database: Database, until: float, pending: list[int]) -> None:
    values = {"model": "m", "judged_until": at(until), "trackers": Trackers(pending=pending).to_json()}
    with database.write() as connection:
        connection.execute(alerting.progress.delete())
        connection.execute(alerting.progress.insert().values(values))


def test_upkeep_does_it_all(database: Database, tmp_path: Path, registry: CollectorRegistry) -> None:
    """A replay: what is old is old by event time."""
    watched = monitor(keep={"windows": "2d", "days": "3d"}, log={"keep": "1d"})
    for number in range(4):
        ledger = Ledger(database, {"m": watched})
        commit(ledger, EVENTS[number * 60 : number * 60 + 60], str(number), at(10_000))
    drain(database, tmp_path, everything=True)
    progress(database, 119, [at(30), at(118)])
    Upkeep(database, [watched], tmp_path, registry).once(lambda: False)
    # the first two windows are the reference, of the 30th labels are awaited; the first day is too old
    assert starts(database, "production") == [0, 1, 30, *range(48, 120)]
    assert starts(database, "daily") == [24]
    hours = {row["timestamp"].timestamp() for row in logged(tmp_path / "model=m")}
    assert min(hours) >= T0 + 95 * HOUR
    for name in ("log_files", "days"):
        what = {"what": name.replace("_", " ")}
        assert (registry.get_sample_value("modelwatch_removed_total", what) or 0) > 0
    assert registry.get_sample_value("modelwatch_profiles_rolled_up_total", {"model": "m"})


def test_windows_that_are_not_judged_yet_stay(
    database: Database, tmp_path: Path, registry: CollectorRegistry
) -> None:
    watched = monitor(keep={"windows": "1d", "days": "10d"})
    commit(Ledger(database, {"m": watched}), EVENTS, "all", at(10_000))
    upkeep = Upkeep(database, [watched], tmp_path, registry)
    upkeep.once(lambda: False)
    assert starts(database, "daily") == []
    progress(database, 30, [])
    upkeep._next["retain"] = 0.0
    upkeep.once(lambda: False)
    assert starts(database, "daily") == [0]
    assert starts(database, "production")[:3] == [0, 1, 24]
