"""A monitor file that changes between two starts: the service goes on, and counts on a new shape."""

from __future__ import annotations

from typing import Any

import pytest

from collector.schema import Schema
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import HOUR, SCHEMA, T0, balanced, commit, counted, label, prediction

BASE: dict[str, Any] = {
    "model": "m",
    "task": "binary",
    "features": {"x": "numeric", "c": "categorical"},
    "window": "1h",
}
CHANGES: dict[str, dict[str, Any]] = {
    "a segment more": {"segments": ["region"]},
    "a feature more": {"features": {"x": "numeric", "c": "categorical", "y": "numeric"}},
    "a feature less": {"features": {"x": "numeric"}},
    "a feature of another kind": {"features": {"x": "categorical", "c": "categorical"}},
    "multiclass": {"task": "multiclass"},
    "regression": {"task": "regression"},
    "ranking": {"task": "ranking"},
}


def events(first: int) -> list[dict[str, Any]]:
    numbers = range(first, first + 40)
    made = [prediction(n, score=None, prediction=n % 2, features={"x": 1.0, "c": "a"}) for n in numbers]
    return made + [label(n) for n in numbers]


@pytest.mark.parametrize(
    "first", [{}, {"task": "multiclass"}, {"task": "regression"}], ids=["binary", "multiclass", "regression"]
)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_service_goes_on(database: Database, first: dict[str, Any], change: dict[str, Any]) -> None:
    old, new = (Schema.model_validate(BASE | part) for part in (first, change))
    for number in range(0, 400, 40):  # enough for blocks of both kinds to be merged
        commit(Ledger(database, {"m": old}), events(number), str(number))
    for number in range(400, 800, 40):
        commit(Ledger(database, {"m": new}), events(number), str(number))
    assert commit(Ledger(database, {"m": new}), events(760), "again").accepted == 0
    assert balanced(database)
    noon = (T0 + 12 * HOUR) * 1e6  # the windows from here on have seen nothing of the old monitor
    found = [
        one.rows
        for key, one in counted(database).items()
        if key.known and key.start >= noon and not key.segment
    ]
    assert sum(found) == sum(100 * n >= 12 * HOUR for n in range(800))


def test_an_unchanged_monitor_keeps_its_shape(database: Database) -> None:
    commit(Ledger(database, {"m": SCHEMA}), events(0), "a")
    commit(Ledger(database, {"m": SCHEMA}), events(40), "b")
    assert sum(one.rows for key, one in counted(database).items() if not key.known and not key.segment) == 80
