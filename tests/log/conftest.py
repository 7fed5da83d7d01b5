from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.database import Database
from tests.databases import KINDS, created


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with created(request.param, tmp_path) as made:
        yield made
