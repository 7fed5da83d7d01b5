"""The gate, as Argo Rollouts, Flagger and pipelines ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from alerts import audit, tables
from collector.delivery import Delivery
from collector.schema import Schema
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from dashboards.app import router
from modelwatch import schema as migrations
from tests.dashboards.page import Client
from tests.dashboards.versions_world import CANARY, ROWS, SCHEMA, START, WINDOWS, build
from tests.databases import copied

GATE, FLAGGER = "/v1/models/fraud/gate", "/v1/gate/flagger"
WORLDS = {"worse": {"worse": True}, "equal": {"worse": False}, "unlabelled": {"worse": True, "labels": False}}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, how in WORLDS.items():
        found[name] = tmp_path_factory.mktemp(name) / "modelwatch.db"
        database = Database(found[name])
        build(database, **how)
        database.close()
    return found


@pytest.fixture
def database(request: pytest.FixtureRequest, worlds: dict[str, Path], tmp_path: Path) -> Iterator[Database]:
    with copied(worlds[getattr(request, "param", "worse")], tmp_path) as opened:
        yield opened


@pytest.fixture
def gate(database: Database) -> Client:
    application = FastAPI()
    application.include_router(router(database, {"fraud": SCHEMA}))
    return Client(application)


def of_world(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("database", [name], indirect=True)


def asked(gate: Client, **query: str) -> dict[str, Any]:
    answer = gate.get(GATE, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def hook(**metadata: str) -> dict[str, Any]:
    """What Flagger sends."""
    return {
        "name": "fraud-serving",
        "namespace": "prod",
        "phase": "Progressing",
        "checksum": "85d557f47b",
        "metadata": metadata,
    }


def test_a_worse_canary_fails(gate: Client) -> None:
    found = asked(gate, baseline="v1", candidate="v2", metrics="roc_auc,error_rate", margin="0.01")
    held = {name: found[name] for name in ("verdict", "result", "pass", "code", "alpha", "any_time")}
    assert held == {
        "verdict": "worse", "result": "fail", "pass": False, "code": -1, "alpha": 0.05, "any_time": True
    }  # fmt: skip
    assert found["reason"].startswith("v2 against v1: roc_auc worse (-0.2")
    shared = WINDOWS - CANARY
    assert found["windows"] == {
        "count": shared, "first": "2024-05-01T08:00:00Z", "last": "2024-05-01T23:00:00Z"
    }  # fmt: skip
    auc, errors = found["metrics"]
    assert (auc["metric"], auc["verdict"], auc["not_worse"], auc["margin"]) == (
        "roc_auc",
        "worse",
        False,
        0.01,
    )
    assert auc["lower"] < auc["difference"] < auc["upper"] < -0.01
    assert errors["difference"] == pytest.approx(0.1)
    assert (errors["rows_are"], errors["candidate"]["rows"]) == ("requests", shared * ROWS // 2)
    assert auc["candidate"]["lower"] < auc["candidate"]["value"] < auc["baseline"]["value"]
    assert 0 < found["prediction_distance"] < 1


def test_a_segment(gate: Client) -> None:
    found = {part: asked(gate, segment=f"region={part}", metrics="error_rate") for part in ("north", "south")}
    assert {part: one["result"] for part, one in found.items()} == {"north": "fail", "south": "wait"}
    assert found["north"]["segment"] == "region=north"
    assert found["north"]["metrics"][0]["candidate"]["rows"] == (WINDOWS - CANARY) * ROWS // 4
    none = asked(gate, segment="region=west", metrics="error_rate")
    assert none["metrics"][0]["missing"] == "the baseline has 0 requests, fewer than 50"
    assert gate.post(FLAGGER, json=hook(model="fraud", segment="north")).status_code == 400


def test_a_better_one_passes(gate: Client) -> None:
    found = asked(gate, baseline="v2", candidate="v1", metrics="roc_auc,error_rate")
    assert (found["verdict"], found["result"], found["pass"], found["code"]) == ("better", "pass", True, 1)


@of_world("equal")
def test_an_equal_one_passes_by_a_margin_and_waits_without(gate: Client) -> None:
    strict = asked(gate, metrics="accuracy,error_rate")
    assert (strict["verdict"], strict["result"], strict["pass"], strict["code"]) == (
        "no difference yet", "wait", None, 0
    )  # fmt: skip
    lenient = asked(gate, metrics="accuracy,error_rate", margin="0.08")
    assert (lenient["verdict"], lenient["result"]) == ("no difference yet", "pass")
    assert [row["not_worse"] for row in lenient["metrics"]] == [True, True]


@of_world("unlabelled")
def test_without_labels_it_waits_unless_requests_tell(gate: Client) -> None:
    found = asked(gate, metrics="roc_auc")
    assert (found["verdict"], found["result"]) == ("insufficient", "wait")
    assert found["metrics"][0]["missing"] == "the baseline has 0 labels, fewer than 50"
    assert found["metrics"][0]["lower"] is None
    assert found["metrics"][0]["baseline"]["value"] is None
    assert asked(gate)["result"] == "fail"  # of the usual measures, errors are enough


def test_a_canary_without_traffic_waits(gate: Client) -> None:
    found = asked(gate, baseline="v1", candidate="v3")
    assert (found["verdict"], found["result"]) == ("insufficient", "wait")
    assert found["reason"] == "no window in which both v1 and v3 serve"


@pytest.mark.parametrize(
    ("query", "status", "reason", "fix"),
    [
        ("baseline=v1&candidate=v1", 400, "both 'v1'", "name two versions"),
        ("metrics=auc", 400, "auc is no metric", "roc_auc"),
        ("margin=a", 400, "margin='a'", "0.01"),
        ("since=soon", 400, "since='soon'", "6h"),
        ("metric=roc_auc", 422, "metric", "/docs"),
    ],
)
def test_wrong_questions(gate: Client, query: str, status: int, reason: str, fix: str) -> None:
    answer = gate.get(f"{GATE}?{query}")
    assert answer.status_code == status
    assert reason in answer.json()["reason"]
    assert fix in answer.json()["fix"]


def test_an_unknown_model(gate: Client) -> None:
    assert gate.get("/v1/models/nope/gate").status_code == 404
    assert gate.post(FLAGGER, json=hook(model="nope")).status_code == 404


def test_flagger_is_halted_and_told_to_roll_back(gate: Client, database: Database) -> None:
    question = {"model": "fraud", "baseline": "v1", "candidate": "v2", "metrics": "error_rate"}
    halted = gate.post(FLAGGER, json=hook(**question))
    assert halted.status_code == 412
    assert halted.json()["reason"].startswith("v2 against v1: error_rate worse")
    assert gate.post(f"{FLAGGER}/rollback", json=hook(**question)).status_code == 200
    with database.read() as connection:
        rows = connection.execute(sa.select(tables.audit).order_by(tables.audit.c.id)).all()
        assert audit.first_broken(connection) is None
    assert [(row.actor, row.action, row.target) for row in rows] == [
        ("flagger", "halt", "fraud v2"),
        ("flagger", "roll back", "fraud v2"),
    ]
    assert rows[0].evidence["canary"] == "prod/fraud-serving"
    assert "error_rate worse" in rows[1].why


@of_world("equal")
def test_flagger_proceeds_and_is_not_told_to_roll_back(gate: Client, database: Database) -> None:
    question = {"model": "fraud", "metrics": "error_rate", "margin": "0.05"}
    assert gate.post(FLAGGER, json=hook(**question)).status_code == 200
    assert gate.post(f"{FLAGGER}/rollback", json=hook(**question)).status_code == 412
    with database.read() as connection:
        assert connection.execute(sa.select(tables.audit)).first() is None


@of_world("equal")
def test_flagger_says_whether_to_wait(gate: Client) -> None:
    question = {"model": "fraud", "metrics": "error_rate"}
    assert gate.post(FLAGGER, json=hook(**question)).status_code == 412
    assert gate.post(FLAGGER, json=hook(**question, wait="halt")).status_code == 412
    assert gate.post(FLAGGER, json=hook(**question, wait="proceed")).status_code == 200
    wrong = gate.post(FLAGGER, json=hook(**question, wait="yes"))
    assert (wrong.status_code, wrong.json()["fix"]) == (400, "write halt or proceed")


@pytest.mark.parametrize("body", [{}, {"metadata": None}, hook(), hook(model="")])
@pytest.mark.parametrize("address", [FLAGGER, f"{FLAGGER}/rollback"])
def test_a_hook_that_names_no_model(gate: Client, address: str, body: dict[str, Any]) -> None:
    answer = gate.post(address, json=body)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "metadata.model is missing"


@pytest.mark.parametrize("address", [FLAGGER, f"{FLAGGER}/rollback"])
def test_hooks_are_json_alone(gate: Client, address: str) -> None:
    form = gate.post(address, content=b"{}", headers={"content-type": "text/plain"})
    assert form.status_code == 415
    assert gate.post(address, json=[1]).status_code == 422
    assert gate.post(address, content=b"{", headers={"content-type": "application/json"}).status_code == 422


@pytest.mark.parametrize(
    ("task", "metrics"),
    [("regression", ["mae", "rmse", "latency_p99"]), ("multiclass", ["accuracy", "macro_f1", "latency_p99"])],
)
def test_other_tasks_have_their_own_metrics(task: str, metrics: list[str], tmp_path: Path) -> None:
    """v2 is off by more; no request has a status, so there is no error rate to compare."""
    schema = Schema.model_validate({"model": task, "task": task, "features": {"x": "numeric"}, "log": "none"})
    schemas, random, events = {task: schema}, np.random.default_rng(12), []
    for row in range(1600):
        version, truth = f"v{1 + row % 2}", random.normal(0, 2)
        said = truth + random.normal(0, 0.3 + 3 * (row % 2))
        told, known = (said, truth) if task == "regression" else ("abc"[round(n) % 3] for n in (said, truth))
        common = {"model": task, "id": str(row), "timestamp": START + row * 18.0}
        made = {"version": version, "features": {"x": 1.0}, "latency_ms": 5.0}
        events += [
            common | made | {"kind": "prediction", "prediction": told},
            common | {"kind": "label", "label": known},
        ]
    opened = Database(tmp_path / "modelwatch.db")
    migrations.upgrade(opened)
    Ledger(opened, schemas).commit(Delivery("http", Validator(schemas).batch(events, None, None), "all"), 0)
    application = FastAPI()
    application.include_router(router(opened, schemas))
    found = Client(application).get(f"/v1/models/{task}/gate?baseline=v1&candidate=v2").json()
    assert [one["metric"] for one in found["metrics"]] == metrics
    assert [one["verdict"] for one in found["metrics"]] == ["worse", "worse", "insufficient"]
    assert found["result"] == "fail"
    assert found["windows"]["count"] == 8
    page = Client(application).page(f"/models/{task}/versions?baseline=v1&candidate=v2")
    assert page.row(metrics[0])[-1] == "worse"
    opened.close()
