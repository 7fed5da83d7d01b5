from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.database import Database
from tests.collector.collecting import fix_shape
from tests.databases import KINDS, created


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with the shape of model `m` fixed."""
    with created(request.param, tmp_path) as made:
        fix_shape(made)
        yield made
