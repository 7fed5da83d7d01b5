"""Outages of either end: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from collector.store.database import Database
from modelwatch import schema
from tests.collector.collecting import book, counted, fix_shape, prediction, same
from tests.databases import postgres_url
from tests.kafka.broker import Broker, jars, running
from tests.kafka.cluster import Cluster
from tests.kafka.working import committed, until, working

# kafka-python leaves sockets that could not connect to the garbage collector; see `_quiet`
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let go of what the client logs, which would keep its sockets for the rest of the run."""
    caplog.set_level(logging.CRITICAL + 1, logger="kafka")
    yield
    gc.collect()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own, to break."""
    if jars() is None:
        pytest.skip("no Apache Kafka")
    with running(tmp_path / "broker") as broker:
        cluster = Cluster(broker.address, broker=broker)
        yield cluster
        cluster.close()


def interrupt(url: str, seconds: float) -> None:
    """Let nobody into a PostgreSQL database for a while, whoever is in included."""
    name = sa.make_url(url).database or ""
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
        allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        time.sleep(seconds)
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def test_a_database_that_goes_away_and_comes_back(cluster: Cluster) -> None:
    topic = cluster.topic(2)
    source = cluster.source({"topic": topic, "event": "prediction"})
    with postgres_url() as url:
        database = Database(url)
        schema.create(database)
        fix_shape(database)
        with working(source, database) as worker:
            outage = threading.Thread(target=interrupt, args=(url, 1.5))
            for start in range(0, 4000, 100):
                for part in (0, 1):
                    cluster.send(topic, [prediction(n) for n in range(start + part, start + 100, 2)], part)
                if start == 500:
                    until(lambda: worker.metric("modelwatch_kafka_messages_total", topic=topic) is not None)
                    outage.start()
            outage.join()
            worker.reach({f"{topic}/0": 2000, f"{topic}/1": 2000})
            assert (worker.metric("modelwatch_kafka_failures_total", of="database") or 0) >= 1
        assert book(database) == (4000, 4000, 0, 0)
        assert same(counted(database), committed([prediction(n) for n in range(4000)]))
        database.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_broker_that_goes_away_and_comes_back(own: Cluster, database: Database, number: int) -> None:
    topic = own.topic(2)
    source = own.source({"topic": topic, "event": "prediction"})
    assert isinstance(own.broker, Broker)
    with working(source, database) as worker:
        for turn in range(3):
            for part in (0, 1):
                start = 1000 * turn
                own.send(topic, [prediction(n) for n in range(start + part, start + 1000, 2)], part)
            if turn == 1:
                until(lambda: sum(worker.positions().values()) > 1000)
            if turn < 2:
                own.broker.stop(number)
                time.sleep(3)
                own.broker.start()
        worker.reach({f"{topic}/0": 1500, f"{topic}/1": 1500})
    assert book(database) == (3000, 3000, 0, 0)
    assert same(counted(database), committed([prediction(n) for n in range(3000)]))


@pytest.mark.parametrize("version", [pytest.param(None, marks=pytest.mark.slow), "4.1"])
def test_without_a_broker_it_waits_and_ends_when_told(database: Database, version: str | None) -> None:
    source = Cluster("127.0.0.1:9").source({"topic": "t"}, api_version=version)
    with working(source, database) as worker:
        if version is None:  # it is asked for, and nobody answers
            until(lambda: (worker.metric("modelwatch_kafka_failures_total", of="kafka") or 0) >= 1)
        time.sleep(0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 12
