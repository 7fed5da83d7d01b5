"""The worst slice from stored samples: labels that came with the rows, later, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from collector.delivery import Delivery
from collector.schema import Schema
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.tables import metadata
from collector.validation.validate import Validator
from dashboards.queries.series import Span
from dashboards.queries.worst_slice import worst_slice_of
from tests.databases import KINDS, location

START, HOUR, ROWS = 1_709_251_200, 3600, 300
SPAN = Span(START * 10**6, (START + 10 * HOUR) * 10**6, HOUR * 10**6)


def schema(task: str) -> Schema:
    features = {"x": "numeric", "c": "categorical"}
    return Schema.model_validate({"model": "m", "task": task, "features": features, "segments": ["region"]})


def rows(task: str, hour: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Predictions and labels of an hour; where x > 1 most are wrong, and only in the north."""
    rng = np.random.default_rng(hour)
    x, right = rng.normal(size=ROWS), rng.random(ROWS)
    made, labels = [], []
    for row in range(ROWS):
        region = "north" if row % 2 else "south"
        wrong = right[row] < (0.8 if x[row] > 1 and region == "north" else 0.05)
        label: Any = int(rng.random() < 0.5)
        prediction: Any = 1 - label if wrong else label
        if task == "multiclass":
            label, prediction = f"k{label}", f"k{prediction}"
        if task == "regression":
            label, prediction = 100.0, 100.0 + (20.0 if wrong else 1.0)
        if task == "ranking":  # the relevant item came first, or was not shown
            label, prediction = int(not wrong), 10
        event = {"model": "m", "id": f"{hour}-{row}", "timestamp": START + hour * HOUR + row}
        features = {"x": float(x[row]), "c": "ab"[row % 2]}
        more = {"version": "v1", "features": features, "tags": {"region": region}, "prediction": prediction}
        made.append(event | more | {"kind": "prediction"})
        labels.append(event | {"kind": "label", "label": label, "timestamp": START + (hour + 20) * HOUR})
    return made, labels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "ranking"])
def test_labels_that_came_later_are_looked_up(tmp_path: Path, kind: str, task: str) -> None:
    held = schema(task)
    with location(kind, tmp_path) as where:
        database = Database(where)
        metadata.create_all(database.engine)
        ledger = Ledger(database, {"m": held})
        every = [rows(task, hour) for hour in range(10)]

        def commit(name: str, events: list[dict[str, Any]]) -> None:
            batch = Validator({"m": held}).batch(events, None, None)
            ledger.commit(Delivery("http", batch, name), (START + 40 * HOUR) * 10**6)

        for hour, (made, _) in enumerate(every):
            commit(f"made-{hour}", made)
        with database.read() as connection:
            assert worst_slice_of(connection, held, SPAN) is None  # no label has come
        for hour, (_, labels) in enumerate(every):
            commit(f"labels-{hour}", labels)
        with database.read() as connection:
            found = worst_slice_of(connection, held, SPAN, "region=north", "v1")
            south = worst_slice_of(connection, held, SPAN, "region=south")
            nobody = worst_slice_of(connection, held, SPAN, "", "v2")
        database.close()
    assert found is not None
    assert found.clear
    assert found.words.startswith("x > ")
    assert found.of == ROWS * 10 // 4
    wrong, fine = (0.8, 0.05) if task != "regression" else (1 + 0.8 * 19, 1 + 0.05 * 19)
    assert found.loss == pytest.approx(wrong, rel=0.25)
    assert found.rest == pytest.approx(fine, rel=0.6)
    assert south is None or not south.clear
    assert nobody is None
