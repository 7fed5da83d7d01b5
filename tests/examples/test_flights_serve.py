from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from fastapi import FastAPI
from modelwatch_sdk import Monitor, Stats
from modelwatch_sdk.testing import FakeCollector

from examples.flights import serving
from examples.flights.model import Model
from examples.flights.replay import FLIGHT, HOUR, hourly
from examples.flights.serve import create_app
from examples.flights.serving import Serving

JSON = {"Content-Type": "application/json"}
RELEASE = "2013-01-13T10:00:00Z"
ORDER = {
    "action": "rollback",
    "id": "a1",
    "model": "flights",
    "from_version": "v2",
    "to_version": "v1",
    "incident": 7,
    "reason": "incident 7: wind_speed",
}
SIGNED = {"Authorization": "Bearer secret", "Idempotency-Key": "a1"}


class Client:
    """Asks the app without a network."""

    def __init__(self, application: FastAPI) -> None:
        self._transport = httpx.ASGITransport(application)

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._ask("GET", path))

    def post(self, path: str, **content: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, **content))

    async def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://app") as client:
            return await client.request(method, path, **content)


class App:
    def __init__(self, client: Client, serving: Serving, collector: FakeCollector) -> None:
        self.client, self.serving, self.collector = client, serving, collector

    def events(self, kind: str) -> list[dict[str, Any]]:
        assert self.serving.monitor.flush(10)
        return [event for event in self.collector.events if event["kind"] == kind]

    def deploy(self, version: str) -> Any:
        return self.client.post("/deploy", json={"version": version, "at": RELEASE, "reason": "try"})

    def roll_back(self, headers: dict[str, str] | None = None, **changed: Any) -> Any:
        return self.client.post(
            "/rollback", json=ORDER | changed, headers=SIGNED if headers is None else headers
        )


@pytest.fixture
def app(models: Path) -> Iterator[App]:
    with FakeCollector() as collector:
        loaded = {version: Model.load(models, version) for version in ("v1", "v2")}
        served = Serving(loaded, Monitor("flights", "v1", collector.url, flush_interval=0.01), "v1")
        yield App(Client(create_app(served, "secret")), served, collector)
        served.monitor.close()


@pytest.fixture(scope="module")
def body(table: pd.DataFrame) -> str:
    hour = pd.Timestamp("2013-01-13 12:00", tz="UTC")
    hours = pd.date_range(hour, hour + HOUR, freq=HOUR, inclusive="left")
    return next(hourly(table[FLIGHT], "ts", hours))


def test_predictions_are_logged_as_they_were_made(app: App, body: str, table: pd.DataFrame) -> None:
    answer = app.client.post("/predict", content=body, headers=JSON).json()
    logged = app.events("prediction")
    assert answer["version"] == "v1"
    assert [event["score"] for event in logged] == answer["scores"]
    first = table.set_index("prediction_id").loc[logged[0]["id"]]
    assert logged[0]["timestamp"] == first["ts"].timestamp()
    assert logged[0]["features"]["wind_speed"] == pytest.approx(first["wind_speed"])
    assert all(event["latency_ms"] > 0 for event in logged)
    threshold = app.serving.models["v1"].threshold
    assert all(event["prediction"] == (event["score"] >= threshold) for event in logged)


def test_v2_logs_the_features_that_it_fed(app: App, body: str, table: pd.DataFrame) -> None:
    assert app.deploy("v2").json() == {"version": "v2"}
    app.client.post("/predict", content=body, headers=JSON)
    event = app.events("prediction")[0]
    first = table.set_index("prediction_id").loc[event["id"]]
    assert event["version"] == "v2"
    assert event["features"]["wind_speed"] == pytest.approx(first["wind_speed"] * 1.609344)
    assert event["features"]["temp"] == pytest.approx((first["temp"] - 32) / 1.8)
    (deployed,) = app.events("deployment")
    assert deployed["by"] == "release pipeline"
    assert deployed["timestamp"] == pd.Timestamp(RELEASE).timestamp()


def test_outcomes_become_labels(app: App) -> None:
    landed = [{"prediction_id": "x", "label": 1, "label_ts": RELEASE}]
    assert app.client.post("/outcomes", json=landed).json() == {"taken": 1}
    (event,) = app.events("label")
    assert (event["id"], event["label"]) == ("x", 1)
    assert event["timestamp"] == pd.Timestamp(RELEASE).timestamp()


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}]
)
def test_the_hook_needs_the_token(app: App, headers: dict[str, str]) -> None:
    app.deploy("v2")
    assert app.roll_back(headers | {"Idempotency-Key": "a1"}).status_code == 401
    assert app.client.get("/version").json()["version"] == "v2"


def test_a_rollback_serves_the_old_version_and_is_logged_in_event_time(app: App, body: str) -> None:
    app.deploy("v2")
    app.client.post("/predict", content=body, headers=JSON)
    assert app.roll_back().json() == {"version": "v1"}
    assert app.client.get("/version").json()["version"] == "v1"
    last = app.events("deployment")[-1]
    assert (last["version"], last["by"], last["reason"]) == ("v1", "modelwatch", ORDER["reason"])
    assert last["timestamp"] == max(event["timestamp"] for event in app.events("prediction"))


def test_the_same_key_is_obeyed_once(app: App) -> None:
    app.deploy("v2")
    first = app.roll_back().json()
    app.deploy("v2")
    assert app.roll_back().json() == first
    assert app.serving.version == "v2"
    assert len([event for event in app.events("deployment") if event["by"] == "modelwatch"]) == 1
    assert app.roll_back(SIGNED | {"Idempotency-Key": "a2"}).json() == {"version": "v1"}
    assert app.serving.version == "v1"


def test_an_order_for_the_version_that_serves_already_changes_nothing(app: App) -> None:
    assert app.roll_back().json() == {"version": "v1"}
    assert app.events("deployment") == []


def test_a_hook_without_a_key_is_refused(app: App) -> None:
    assert app.roll_back({"Authorization": "Bearer secret"}).status_code == 422


def test_unknown_versions_and_models_are_refused(app: App) -> None:
    app.deploy("v2")
    assert app.deploy("v9").status_code == 404
    assert app.roll_back(to_version="v0").status_code == 404
    assert app.roll_back(model="fares").status_code == 404
    assert app.serving.version == "v2"


def test_an_order_about_a_version_that_no_longer_serves_is_refused(app: App) -> None:
    app.deploy("v2")
    answer = app.roll_back(from_version="v1", to_version="v0")
    assert answer.status_code == 409
    assert app.serving.version == "v2"


def test_the_app_refuses_while_the_sdks_queue_is_full(
    app: App, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "PATIENCE", 0.05)
    with monkeypatch.context() as patched:
        patched.setattr(app.serving.monitor, "stats", lambda: Stats(queued=serving.FULL + 1))
        answer = app.client.post("/predict", content=body, headers=JSON)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert app.client.post("/outcomes", json=[]).status_code == 503
    assert app.events("prediction") == []
    assert app.client.post("/predict", content=body, headers=JSON).is_success


def test_bad_flights_are_refused(app: App) -> None:
    assert app.client.post("/predict", json=[{"prediction_id": "x"}]).status_code == 422
    assert app.client.get("/healthz").json() == {"status": "ok"}
