from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.database import Database
from tests.collector.collecting import fix_shape
from tests.databases import KINDS, created, location
from tests.faults.http_path import prepared
from tests.kafka.broker import jars, running
from tests.kafka.cluster import Cluster


@pytest.fixture(params=KINDS)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where a database is that has the shape of model `m` fixed, of either kind."""
    (tmp_path / "data").mkdir()
    with location(request.param, tmp_path / "data") as found:
        prepared(found).close()
        yield found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A SQLite database in a file, with the shape of model `m` fixed."""
    with created("sqlite", tmp_path) as made:
        fix_shape(made)
        yield made


@pytest.fixture
def own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Cluster]:
    """A Kafka cluster of the test's own, to break."""
    if jars() is None:
        pytest.skip("no Apache Kafka: it needs java, and mvn to fetch it")
    # what the client logs would keep the sockets that it leaves behind for the rest of the run
    caplog.set_level(logging.CRITICAL + 1, logger="kafka")
    with running(tmp_path / "broker") as broker:
        cluster = Cluster(broker.address, broker=broker)
        yield cluster
        cluster.close()
    gc.collect()
