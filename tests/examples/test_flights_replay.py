from __future__ import annotations

import json
from typing import Any

import httpx
import pandas as pd
import pytest

from examples.flights import client
from examples.flights.client import ReplayError, send
from examples.flights.replay import Plan, replay

START = pd.Timestamp("2013-01-05", tz="UTC")
RELEASE = pd.Timestamp("2013-01-06 10:00", tz="UTC")
UNTIL = pd.Timestamp("2013-01-07", tz="UTC")


class FakeApp:
    """Remembers what it is sent; answers 503 to the first requests on demand."""

    def __init__(self, busy: int = 0) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.version = "v1"
        self._busy = busy
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://app")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self._busy:
            self._busy -= 1
            return httpx.Response(503)
        body = json.loads(request.content)
        self.sent.append((request.url.path, body))
        if request.url.path == "/deploy":
            self.version = body["version"]
        return httpx.Response(200, json={"version": self.version})

    def all(self, path: str) -> list[Any]:
        return [body for sent, body in self.sent if sent == path]


@pytest.fixture(scope="module")
def app(table: pd.DataFrame) -> FakeApp:
    fake = FakeApp(busy=1)
    plan = Plan(UNTIL, START, RELEASE, speed=1e6)
    told: list[tuple[pd.Timestamp, str]] = []
    count = replay(table, fake.client, plan, lambda hour, version: told.append((hour, version)))
    assert count == len([flight for sent in fake.all("/predict") for flight in sent])
    assert [hour for hour, _ in told] == list(plan.hours())
    assert {version for _, version in told} == {"v1", "v2"}
    return fake


def test_everything_is_sent_once(app: FakeApp, table: pd.DataFrame) -> None:
    expected = table[(table["ts"] >= START) & (table["ts"] < UNTIL)]
    flights = [flight["prediction_id"] for sent in app.all("/predict") for flight in sent]
    assert flights == list(expected["prediction_id"])
    landed = expected[expected["label_ts"] < UNTIL - pd.Timedelta(hours=1)]
    outcomes = [outcome["prediction_id"] for sent in app.all("/outcomes") for outcome in sent]
    assert sorted(outcomes) == sorted(landed["prediction_id"])


def test_it_is_sent_in_the_order_of_event_time(app: FakeApp) -> None:
    now = START
    for path, body in app.sent:
        times = [body["at"]] if path == "/deploy" else [row.get("label_ts", row.get("ts")) for row in body]
        moments = [pd.Timestamp(moment) for moment in times]
        assert moments == sorted(moments)
        assert moments[0] >= now
        now = moments[-1].floor("h")


def test_an_outcome_is_sent_after_its_flight(app: FakeApp) -> None:
    departed: set[str] = set()
    for path, body in app.sent:
        if path == "/predict":
            departed |= {flight["prediction_id"] for flight in body}
        elif path == "/outcomes":
            assert {outcome["prediction_id"] for outcome in body} <= departed


def test_features_carry_no_labels_and_missing_is_null(app: FakeApp) -> None:
    flights = [flight for sent in app.all("/predict") for flight in sent]
    assert not {"label", "label_ts"} & set(flights[0])
    assert any(flight["pressure"] is None for flight in flights)


def test_v2_is_released_at_its_time(app: FakeApp) -> None:
    first, second = app.all("/deploy")
    assert (first["version"], pd.Timestamp(first["at"])) == ("v1", START)
    assert (second["version"], pd.Timestamp(second["at"])) == ("v2", RELEASE)
    place = app.sent.index(("/deploy", second))
    after = next(body for path, body in app.sent[place:] if path == "/predict")
    assert pd.Timestamp(after[0]["ts"]) >= RELEASE


def test_a_refusal_ends_the_replay() -> None:
    refusing = httpx.MockTransport(lambda _: httpx.Response(422, text="no such field"))
    with (
        httpx.Client(transport=refusing, base_url="http://app") as app,
        pytest.raises(ReplayError, match="422: no such field"),
    ):
        send(app, "/predict", "[]")


def test_an_app_that_is_gone_ends_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.2)
    with (
        httpx.Client(base_url="http://127.0.0.1:9") as app,
        pytest.raises(ReplayError, match=r"does not answer at http://127\.0\.0\.1:9"),
    ):
        send(app, "/predict", "[]")
