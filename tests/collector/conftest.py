from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import SCHEMAS, fix_shape, open_database
from tests.collector.serving import Collector, collecting


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database in a file, with the shape of model `m` fixed."""
    opened = open_database(tmp_path / "modelwatch.db")
    fix_shape(opened)
    yield opened
    opened.close()


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, SCHEMAS)


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector behind a real HTTP server, one for all tests of a file."""
    opened = open_database(tmp_path_factory.mktemp("data") / "modelwatch.db")
    fix_shape(opened)
    with collecting(opened, SCHEMAS, largest=1_000_000) as served:
        yield served
    opened.close()
