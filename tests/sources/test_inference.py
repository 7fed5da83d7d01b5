"""Requests posted together with their responses: accepted, told apart, or refused as a whole."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from collector.intake import Intake
from collector.sources.inference import Inference
from collector.store.ledger import Ledger
from tests.collector.collecting import balanced, book, counted, rejected
from tests.collector.serving import served
from tests.databases import KINDS, created
from tests.sources.contract import SCHEMAS, Place, events
from tests.sources.loggers import Logger, Posted

ROW = Posted("row", "v1").row(events(1)[0])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.database.close()


@contextmanager
def posting(place: Place, **settings: Any) -> Iterator[httpx.Client]:
    """A client of a server with the route."""
    intake, app = Intake(Ledger(place.database, SCHEMAS)), FastAPI()
    app.include_router(Inference(**settings).router(intake, place.database, SCHEMAS))
    try:
        with served(app) as address, httpx.Client(base_url=address, timeout=30) as client:
            yield client
    finally:
        intake.close()


def test_one_request_or_many(place: Place) -> None:
    with posting(place) as client:
        for body in (ROW, [ROW | {"id": "b"}], {"model": "m", "inferences": [ROW | {"id": "c"}]}):
            assert client.post("/v1/inference", json=body).json()["accepted"] == 1
        again = client.post("/v1/inference", json=ROW)
        assert again.json()["accepted"] == 1  # what it was answered before
    assert book(place.database) == (4, 3, 1, 0)


def test_what_is_told_beside_the_bodies_may_be_left_out(place: Place) -> None:
    bodies = {"model": "m", "timestamp": time.time(), "request": {"id": "r-1"} | ROW["request"]}
    with posting(place) as client:
        good = bodies | {"response": ROW["response"] | {"model_version": "7"}}
        assert client.post("/v1/inference", json=good).json()["accepted"] == 1
        failed = bodies | {"request": {"id": "r-2"} | ROW["request"]}
        assert client.post("/v1/inference", json=failed).json()["accepted"] == 1
        error = bodies | {"request": {"id": "r-3"} | ROW["request"], "response": {"error": "no memory"}}
        assert client.post("/v1/inference", json=error).json()["accepted"] == 1
    profiles = [(key.version, profile) for key, profile in counted(place.database).items() if not key.segment]
    assert {version for version, _ in profiles} == {"7", "unknown"}
    assert sum(profile.parts["latency"].errors for _, profile in profiles) == 2


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (7, "", "expected an object"),
        (ROW | {"model": "other"}, "model", "no such model"),
        (ROW | {"model": ["m"]}, "model", "no such model"),
        (ROW | {"id": None}, "id", "missing"),
        (ROW | {"timestamp": None}, "timestamp", "missing"),
        (ROW | {"timestamp": time.time() + 9999}, "timestamp", "ahead of the server"),
        (ROW | {"request": None}, "request", "expected an object"),
        (ROW | {"request": {"x": 1}}, "request", "no instances"),
        (ROW | {"response": {"x": 1}}, "response", "no instances"),
        (ROW | {"response": {"predictions": []}}, "predictions", "no rows"),
        (ROW | {"response": {"predictions": [None]}}, "prediction", "missing"),
        (ROW | {"latency_ms": -1}, "latency_ms", "outside"),
    ],
)
def test_a_bad_request_is_told_and_the_others_go_on(place: Place, row: Any, field: str, reason: str) -> None:
    with posting(place) as client:
        answer = client.post("/v1/inference", json=[ROW | {"id": "a"}, row, ROW | {"id": "c"}])
    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["accepted"], receipt["rejected"]) == (2, 1)
    (told,) = receipt["errors"]
    assert (told["row"], told["field"]) == (1, field)
    assert reason in told["reason"]
    assert told["fix"]
    assert [one.field for one in rejected(place.database)] == [field]
    assert balanced(place.database)


def test_bodies_that_are_refused_as_a_whole(place: Place) -> None:
    kind = {"Content-Type": "application/json"}
    with posting(place, largest_body=2000) as client:
        for content, headers, status in (
            (b"{", kind, 400),
            (b"", kind, 400),
            (b"7", kind, 400),
            (b"x" * 3000, kind, 413),
            (b"{}", {"Content-Type": "text/html"}, 415),
            (b"{}", kind | {"Content-Encoding": "br"}, 415),
            (b"{}", kind | {"Idempotency-Key": "k" * 999}, 400),
            (b"[{}]", kind, 422),
        ):
            answer = client.post("/v1/inference", content=content, headers=headers)
            assert answer.status_code == status
            assert answer.json()["errors"][0]["fix"]
        lines = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "k"}
        body = b"\n".join([json.dumps(ROW).encode(), b"{", json.dumps(ROW | {"id": "z"}).encode()])
        assert client.post("/v1/inference", content=body, headers=lines).json()["accepted"] == 2
        assert client.post("/v1/inference", content=b"{}", headers=lines).status_code == 422
    assert balanced(place.database)


@pytest.mark.parametrize("kind", KINDS)
def test_on_every_database(tmp_path: Path, kind: str) -> None:
    with created(kind, tmp_path) as database:
        place = Place.__new__(Place)
        place.folder, place.database = tmp_path, database
        logger = Logger("kserve", "v2")
        with logger.serving(place) as client:
            halves = [half for event in events(20) for half in logger.halves(event)]
            for half in [*halves, *halves[:9]]:
                assert logger.post(client, half).status_code == 200
            assert client.post("/v1/kserve", content=b"").status_code == 200
        assert logger.pair(place) == 41
        assert book(database) == (20, 20, 0, 0)
        assert book(database, "") == (1, 0, 0, 1)
        assert balanced(database)
