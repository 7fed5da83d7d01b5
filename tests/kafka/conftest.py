from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.database import Database
from tests.collector.collecting import fix_shape
from tests.databases import created
from tests.kafka.broker import jars
from tests.kafka.cluster import Cluster, pretended, shared


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Cluster]:
    """A real Kafka, one for all tests of a run; where it cannot be had, a stand-in."""
    if os.environ.get("MODELWATCH_TEST_KAFKA") == "mock" or jars() is None:
        with pretended() as made:
            yield made
        return
    root = tmp_path_factory.getbasetemp()
    with shared((root if worker_id == "master" else root.parent) / "kafka") as made:
        yield made


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database in a file, with the shape of model `m` fixed."""
    with created("sqlite", tmp_path) as made:
        fix_shape(made)
        yield made
