from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import Alerting
from collector.store.database import Database
from tests.alerts.hooks import Hook, hooked
from tests.alerts.troubles import Trouble
from tests.databases import KINDS, created

Make = Callable[..., Trouble]


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with created(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as served:
        yield served


@pytest.fixture
def make(database: Database) -> Iterator[Make]:
    """Makes a `Trouble` from an `alerts:` section."""
    made = []

    def one(**section: Any) -> Trouble:
        defaults: dict[str, Any] = {"notifiers": {"console": {"kind": "console"}}}
        made.append(Trouble(database, Alerting.model_validate(defaults | section)))
        return made[-1]

    yield one
    for trouble in made:
        trouble.egress.close()
