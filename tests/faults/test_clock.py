"""The server's clock goes back and forth: nothing is lost, and no window closes for ever."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import HOUR, SCHEMAS, T0, commit, prediction, rejected
from tests.collector.serving import collecting
from tests.faults.clients import Clients
from tests.faults.finding import Undisturbed
from tests.faults.http_path import prepared, serving
from tests.faults.traffic import good_events, traffic

LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
DAY = 24 * HOUR
JUMPS = (0.0, 3600.0, -3600.0, 400 * DAY, -30 * DAY, 0.0)
NEWEST = T0 + 30 * DAY


def watermark(database: Database) -> float:
    """The model's, in seconds."""
    with database.read() as connection:
        query = sa.select(tables.models.c.watermark).filter_by(model="m")
        return float(connection.execute(query).scalar_one()) / 1e6


@pytest.mark.parametrize("jumps", [(0.0, -40 * DAY, 400 * DAY), (400 * DAY, 0.0), (-40 * DAY, 0.0)])
def test_whatever_the_clock_says_every_event_counts(database: Database, jumps: tuple[float, ...]) -> None:
    events = good_events(200)
    ledger = Ledger(database, SCHEMAS)
    for at in range(0, len(events), 50):
        jump = jumps[at // 50 % len(jumps)]
        commit(ledger, events[at : at + 50], str(at), int((NEWEST + jump) * 1e6))
    assert Undisturbed.of(events).found(database).faults(len(events), 0) == []
    newest = max(event["timestamp"] for event in events)
    assert watermark(database) <= newest


def test_the_watermark_never_goes_back_and_catches_up(database: Database) -> None:
    ledger = Ledger(database, SCHEMAS)
    seen = []
    for number, clock in enumerate((NEWEST, NEWEST - DAY, NEWEST + 400 * DAY, NEWEST + 1)):
        event = prediction(number, timestamp=NEWEST - 100 + number)
        commit(ledger, [event], str(number), int(clock * 1e6))
        seen.append(watermark(database))
    assert seen == sorted(seen)
    assert seen[-1] == NEWEST - 97


def test_an_event_that_a_slow_clock_refused_is_kept_with_its_reason(database: Database) -> None:
    with collecting(database, SCHEMAS) as collector:
        answer = collector.post("/v1/events", [prediction(1, timestamp=4_000_000_000)])
    assert answer.status_code == 422
    (row,) = rejected(database)
    assert "ahead of the server" in row.reason
    assert "4000000000" in row.raw


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed")
def test_a_service_whose_clock_jumps(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0", encoding="utf-8")
    environment = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    made = traffic(900, 40, seed=9)
    data = tmp_path / "data"
    with (
        contextlib.closing(prepared(data / "modelwatch.db")) as database,
        serving(data / "modelwatch.db", tmp_path, environment=environment) as (service,),
    ):
        clients = Clients([service.url], seed=9, number=2)
        share = -(-len(made.parcels) // len(JUMPS))
        for number, jump in enumerate(JUMPS):
            clock.write_text(f"{jump:+.0f}", encoding="utf-8")
            clients.send(made.parcels[number * share : (number + 1) * share])
        assert jumped(service.rows("SELECT at FROM deliveries")), "the clock did not jump"
        assert service.stop() == 0
        assert "Traceback" not in service.log.read_text(encoding="utf-8")
        assert Undisturbed.of(made.good).found(database).faults(len(made.good), made.bad) == []
        assert watermark(database) <= max(event["timestamp"] for event in made.good)


def jumped(rows: list[tuple[Any, ...]]) -> bool:
    """Whether the deliveries were stamped over the whole range of the clock."""
    times = [float(row[0]) / 1e6 for row in rows]
    return max(times) - min(times) > 425 * DAY
