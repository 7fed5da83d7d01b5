from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from collector.store.database import Database
from dashboards.app import router
from tests.dashboards.page import Client
from tests.dashboards.world import SCHEMAS, build
from tests.databases import KINDS, copied, location


@pytest.fixture(scope="session", params=KINDS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | str]:
    """A database that tests copy."""
    with location(request.param, tmp_path_factory.mktemp("dashboards")) as where:
        database = Database(where)
        build(database)
        database.close()
        yield where


@pytest.fixture
def database(built: Path | str, tmp_path: Path) -> Iterator[Database]:
    with copied(built, tmp_path) as opened:
        yield opened


@pytest.fixture
def application(database: Database) -> FastAPI:
    app = FastAPI()
    app.include_router(router(database, SCHEMAS))
    return app


@pytest.fixture
def client(application: FastAPI) -> Client:
    return Client(application)
