"""A database that cannot be reached for a while: refusals with a time to come back, and nothing lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from collector.store.database import Database
from tests.collector.collecting import SCHEMAS, prediction
from tests.collector.serving import collecting
from tests.faults.clients import Clients
from tests.faults.finding import Undisturbed
from tests.faults.http_path import prepared, serving
from tests.faults.outage import Postgres, away, postgres
from tests.faults.traffic import traffic


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres() as made:
        yield made


def through_an_outage(server: Postgres, folder: Path, seconds: float, size: int) -> None:
    """Stream while the database is stopped; the service is the same afterwards."""
    made = traffic(size, 40, seed=5)
    third = len(made.parcels) // 3
    with (
        contextlib.closing(prepared(server.url)) as database,
        serving(server.url, folder) as (service,),
        ThreadPoolExecutor(1) as pool,
    ):
        clients = Clients([service.url], seed=5)
        assert service.process is not None
        process = service.process.pid
        clients.send(made.parcels[:third], again=0)
        with away(server, seconds):
            streaming = pool.submit(clients.send, made.parcels[third:])
            answers_while_away(service.url, seconds / 2)
        streaming.result()
        assert clients.seen["503"] > 0
        assert set(clients.seen) <= {"200", "422", "429", "503", "replayed"}, clients.seen
        assert service.process.pid == process
        assert service.process.poll() is None
        assert service.stop() == 0
        assert Undisturbed.of(made.good).found(database).faults(len(made.good), made.bad) == []


def answers_while_away(url: str, seconds: float) -> None:
    """It says that it is alive, and refuses at once what it cannot store."""
    event = {"kind": "prediction", "model": "m", "id": "refused", "timestamp": "yesterday"}
    end = time.monotonic() + seconds
    with httpx.Client(timeout=20) as client:
        while time.monotonic() < end:
            assert client.get(f"{url}/healthz").status_code == 200
            answer = client.post(f"{url}/v1/events", json=[event])
            assert answer.status_code in (429, 503), answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["errors"][0]["fix"]
            time.sleep(0.2)


@pytest.mark.timeout(300)
def test_a_database_that_is_stopped_and_started(server: Postgres, tmp_path: Path) -> None:
    through_an_outage(server, tmp_path, 1.0, 200)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_database_that_is_away_for_a_minute(server: Postgres, tmp_path: Path) -> None:
    through_an_outage(server, tmp_path, 60.0, 3000)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_database_that_answers_nothing_for_a_while(server: Postgres, tmp_path: Path) -> None:
    made = traffic(600, 40, seed=6)
    third = len(made.parcels) // 3
    database = prepared(server.url)
    with serving(server.url, tmp_path) as (service,), ThreadPoolExecutor(1) as pool:
        clients = Clients([service.url], seed=6)
        clients.send(made.parcels[:third], again=0)
        with away(server, 15.0, frozen=True):
            streaming = pool.submit(clients.send, made.parcels[third:])
            time.sleep(1)
            assert httpx.get(f"{service.url}/healthz", timeout=5).status_code == 200
        streaming.result()
        assert service.stop() == 0
    assert Undisturbed.of(made.good).found(database).faults(len(made.good), made.bad) == []
    database.close()


@pytest.mark.slow
def test_a_connection_that_the_server_has_closed_is_replaced(server: Postgres) -> None:
    database = Database(server.url)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    with away(server, 0.0):
        pass
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()


def settled(url: str, value: str) -> None:
    """Set whether the database takes writes, and close every connection to it, as a failover does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER DATABASE postgres SET default_transaction_read_only = {value}".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def test_a_database_that_takes_no_writes(server: Postgres) -> None:
    events = [prediction(n) for n in range(50)]
    with (
        contextlib.closing(prepared(server.url)) as database,
        collecting(database, SCHEMAS) as collector,
    ):
        settled(server.url, "on")
        for _ in range(12):  # whatever connections the pool has
            refused = collector.post("/v1/events", events)
            assert refused.status_code == 503, refused.text
            assert int(refused.headers["Retry-After"]) > 0
        settled(server.url, "off")
        answers = [collector.post("/v1/events", events) for _ in range(12)]
        assert answers[-1].status_code == 200
        assert Undisturbed.of(events).found(database).faults(len(events), 0) == []
