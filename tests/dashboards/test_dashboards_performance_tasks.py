"""The performance page of multi-class and regression models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from sklearn import metrics

from collector.delivery import Delivery
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.tables import metadata
from collector.validation.validate import Validator
from dashboards.app import router
from tests.dashboards.page import Client
from tests.dashboards.test_dashboards_worst_slice import HOUR, START, rows, schema

HOURS = 4


@pytest.fixture(params=["multiclass", "regression"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(tmp_path: Path, task: str) -> Iterator[Client]:
    database, schemas = Database(tmp_path / "modelwatch.db"), {"m": schema(task)}
    metadata.create_all(database.engine)
    ledger = Ledger(database, schemas)
    for number, events in enumerate(part for hour in range(HOURS) for part in rows(task, hour)):
        batch = Validator(schemas).batch(events, None, None)
        ledger.commit(Delivery("http", batch, str(number)), (START + 40 * HOUR) * 10**6)
    app = FastAPI()
    app.include_router(router(database, schemas))
    yield Client(app)
    database.close()


@pytest.fixture
def raw(task: str) -> tuple[Any, Any]:
    """Labels and predictions."""
    made = [rows(task, hour) for hour in range(HOURS)]
    return (
        np.array([event["label"] for _, labels in made for event in labels]),
        np.array([event["prediction"] for predictions, _ in made for event in predictions]),
    )


def test_figures_are_those_of_the_rows(client: Client, task: str, raw: tuple[Any, Any]) -> None:
    """Nothing has been judged yet, and still all windows count."""
    found = client.get("/v1/models/m/performance").json()
    page = client.page("/models/m/performance")
    assert found["labels"] == raw[0].size
    if task == "multiclass":
        assert found["confusion"] == {
            "classes": ["k0", "k1"],
            "counts": metrics.confusion_matrix(*raw).tolist(),
        }
        assert found["metrics"]["macro_f1"]["value"] == pytest.approx(metrics.f1_score(*raw, average="macro"))
        told = next(row for row in page.rows if row[0] == "k0")
        assert [cell.split()[0] for cell in told[1:]] == [str(one) for one in found["confusion"]["counts"][0]]
        assert not any(row[0] == "roc_auc" for row in page.rows if row), "there are no scores"
    else:
        assert found["metrics"]["mae"]["value"] == pytest.approx(metrics.mean_absolute_error(*raw))
        assert found["confusion"] is None
        (bars,) = page.charts["residuals"]["data"]
        shares = {share for _, _, share in bars["customdata"]}
        assert max(shares) == pytest.approx(np.mean(raw[1] - raw[0] == 1), abs=1e-6)
    assert found["calibration"] == []


def test_worst_slices_are_told_in_the_tasks_unit(client: Client, task: str) -> None:
    page = client.page("/models/m/performance?slice=worst&segment=region%3Dnorth")
    unit = "error rate" if task == "multiclass" else "mean absolute error"
    assert f": {unit} " in page.text
    assert "x > " in page.text
