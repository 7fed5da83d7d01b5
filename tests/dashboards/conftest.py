from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from collector.store.database import Database
from dashboards.app import router
from tests.dashboards.page import Client
from tests.dashboards.world import SCHEMAS, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that tests copy."""
    path = tmp_path_factory.mktemp("dashboards") / "built.db"
    database = Database(path)
    build(database)
    database.close()
    return path


@pytest.fixture
def database(built: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(built, tmp_path / "modelwatch.db")
    opened = Database(tmp_path / "modelwatch.db")
    yield opened
    opened.close()


@pytest.fixture
def application(database: Database) -> FastAPI:
    app = FastAPI()
    app.include_router(router(database, SCHEMAS))
    return app


@pytest.fixture
def client(application: FastAPI) -> Client:
    return Client(application)
