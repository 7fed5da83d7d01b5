"""Deliveries: the same one counts once, whenever and however often it comes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from collector.store.database import Database
from tests.collector.collecting import SCHEMAS, balanced, book, counted, label, prediction, same
from tests.collector.serving import Collector, collecting


def test_the_same_key_twice_counts_once_and_is_answered_alike(database: Database) -> None:
    events = [prediction(n) for n in range(20)] + [label(n) for n in range(20)] + [prediction(99, id=None)]
    with collecting(database, SCHEMAS) as collector:
        first = collector.post("/v1/events", events, Idempotency_Key="k1")
        before = counted(database)
        again = collector.post("/v1/events", events, Idempotency_Key="k1")
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert same(before, counted(database))
    assert book(database) == (82, 40, 41, 1)


def test_the_same_key_at_the_same_time_counts_once(database: Database) -> None:
    body = json.dumps([prediction(n) for n in range(50)]).encode()
    with collecting(database, SCHEMAS) as collector, ThreadPoolExecutor(16) as pool:
        url = f"{collector.client.base_url}/v1/events"
        headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
        answers = list(
            pool.map(lambda _: httpx.post(url, content=body, headers=headers, timeout=30), range(32))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 31
    assert book(database) == (1600, 50, 1550, 0)
    assert sum(profile.rows for key, profile in counted(database).items() if not key.segment) == 50


def test_the_same_key_after_a_restart_counts_once(tmp_path: Path, database: Database) -> None:
    events = [prediction(n) for n in range(10)]
    for _ in range(2):
        restarted = Database(tmp_path / "modelwatch.db")
        with collecting(restarted, SCHEMAS) as collector:
            assert collector.post("/v1/events", events, Idempotency_Key="k").json()["accepted"] == 10
        restarted.close()
    assert book(database) == (20, 10, 10, 0)


def test_a_key_with_another_body_is_refused_and_loses_nothing(database: Database) -> None:
    with collecting(database, SCHEMAS) as collector:
        collector.post("/v1/events", [prediction(1)], Idempotency_Key="7")
        other = collector.post("/v1/events", [prediction(2)], Idempotency_Key="7")
        assert other.status_code == 422
        assert other.json()["errors"][0]["field"] == "Idempotency-Key"
        assert collector.post("/v1/events", [prediction(2)]).json()["accepted"] == 1


def test_without_a_key_the_body_is_the_key_of_its_route(database: Database) -> None:
    event = {"model": "m", "id": "1", "timestamp": 1714521600.0, "score": 0.5, "label": 1}
    with collecting(database, SCHEMAS) as collector:
        for path in ("/v1/labels", "/v1/predictions"):
            assert collector.post(path, [event]).json()["accepted"] == 1
            assert collector.post(path, [event]).headers["idempotent-replayed"] == "true"


def test_a_body_that_was_refused_for_its_model_counts_once_that_is_monitored(database: Database) -> None:
    events = [prediction(1, model="other")]
    with collecting(database, {"m": SCHEMAS["m"]}) as collector:
        assert collector.post("/v1/events", events).status_code == 422
    with collecting(database, SCHEMAS) as collector:
        assert collector.post("/v1/events", events).json()["accepted"] == 1
    assert balanced(database)


def test_the_same_ids_in_other_batches_are_duplicates(collector: Collector) -> None:
    events = [prediction(n) for n in range(30)]
    collector.post("/v1/predictions", events[:20])
    receipt = collector.post("/v1/predictions", events[10:] + events[:5]).json()
    assert (receipt["received"], receipt["accepted"], receipt["duplicate"]) == (25, 10, 15)


def test_an_id_twice_in_a_batch_counts_once(collector: Collector) -> None:
    receipt = collector.post("/v1/events", [prediction(700)] * 5 + [label(700)] * 3).json()
    assert (receipt["accepted"], receipt["duplicate"]) == (2, 6)


def test_a_deployment_told_twice_counts_once(collector: Collector) -> None:
    event = {"model": "m", "version": "v2", "timestamp": 1714521600}
    receipt = collector.post("/v1/deployments", [event, event]).json()
    assert (receipt["accepted"], receipt["duplicate"]) == (1, 1)
    receipt = collector.post("/v1/deployments", [{**event, "by": "ann"}]).json()
    assert (receipt["accepted"], receipt["duplicate"]) == (0, 1)
