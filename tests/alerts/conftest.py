from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import Alerting
from collector.store.database import Database
from modelwatch import schema
from tests.alerts.hooks import Hook, hooked
from tests.alerts.troubles import Trouble

Make = Callable[..., Trouble]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "modelwatch.db")
    schema.create(opened)
    yield opened
    opened.close()


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
