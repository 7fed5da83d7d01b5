"""Inference loggers: halves find each other once, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from collector.delivery import FencedError
from collector.sources import waiting
from collector.sources.kserve import KServe
from collector.store import tables
from collector.store.ledger import Ledger
from profiles import Profile
from tests.collector.collecting import balanced, book, commit, counted, label, rejected, same
from tests.sources.contract import SCHEMAS, Place, direct, events
from tests.sources.loggers import LAYOUT, Logger

LATER = 3600.0  # every half has waited too long by then
LOGGER = Logger("kserve", "v1")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with LOGGER.serving(place) as made:
        yield made


def halves(count: int) -> list[dict[str, Any]]:
    return [half for event in events(count) for half in LOGGER.halves(event)]


def waits(place: Place) -> int:
    with place.database.read() as connection:
        return waiting.count(connection, "kserve")


def total(place: Place) -> Profile:
    """All rows of all windows."""
    return sum(
        (profile for key, profile in counted(place.database).items() if not key.segment), start=Profile()
    )


def test_halves_wait_for_each_other_across_restarts(tmp_path: Path) -> None:
    wanted = direct(tmp_path / "direct", events(40))
    place = Place(tmp_path)
    for part in (1, 0):  # responses first
        for _ in range(2):  # and everything twice
            with LOGGER.serving(place) as client:
                for half in halves(40)[part::2]:
                    assert LOGGER.post(client, half).json() == {"stored": 1}
            place.restart()
        assert waits(place) == (40 if part else 80)
        assert LOGGER.pair(place) == (0 if part else 80)
    assert waits(place) == 0
    assert same(counted(place.database), wanted)
    assert book(place.database) == (40, 40, 0, 0)
    place.database.close()


def test_many_loggers_at_a_time_share_transactions(place: Place, client: httpx.Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda half: LOGGER.post(client, half), halves(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert LOGGER.pair(place) == 200
    assert book(place.database) == (100, 100, 0, 0)


def test_a_request_without_response_has_failed(place: Place, client: httpx.Client) -> None:
    for number, half in enumerate(halves(10)):
        if number not in (3, 5):  # the responses of the second and the third
            LOGGER.post(client, half)
    assert LOGGER.pair(place) == 16
    assert waits(place) == 2
    assert LOGGER.pair(place, LATER) == 2
    assert book(place.database) == (10, 10, 0, 0)
    latency = total(place).parts["latency"]
    assert (latency.requests, latency.errors) == (10, 2)
    LOGGER.post(client, halves(10)[3])  # too late
    assert LOGGER.pair(place, LATER) == 1
    assert book(place.database) == (11, 10, 0, 1)
    assert balanced(place.database)


def test_a_response_without_request_is_told(place: Place, client: httpx.Client) -> None:
    LOGGER.post(client, halves(1)[1])
    assert LOGGER.pair(place) == 0
    assert LOGGER.pair(place, LATER) == 1
    (told,) = rejected(place.database)
    assert (told.model, told.field, told.value) == ("m", "id", "0")
    assert "no request with this id came within 60 s" in told.reason
    assert book(place.database) == (1, 0, 0, 1)


def test_several_instances_are_several_predictions(place: Place, client: httpx.Client) -> None:
    request, response = LOGGER.halves(events(1)[0])
    request["data"]["instances"] *= 3
    response["data"]["predictions"] *= 3
    for half in (request, response):
        LOGGER.post(client, half)
    LOGGER.pair(place)
    assert book(place.database) == (3, 3, 0, 0)
    known = [label(0, id=f"0/{number}") for number in range(4)]
    receipt = commit(Ledger(place.database, SCHEMAS), known, "labels")
    assert receipt.accepted == 4
    joined = [profile for key, profile in counted(place.database).items() if key.known and not key.segment]
    assert sum(profile.rows for profile in joined) == 3


def test_an_error_body_is_a_failed_request(place: Place, client: httpx.Client) -> None:
    request, response = LOGGER.halves(events(1)[0])
    for half in (request, response | {"data": {"error": "out of memory"}}):
        LOGGER.post(client, half)
    LOGGER.pair(place)
    assert book(place.database) == (1, 1, 0, 0)
    assert total(place).parts["latency"].errors == 1


def test_workers_do_not_settle_a_pair_twice(place: Place, client: httpx.Client) -> None:
    for half in halves(2):
        LOGGER.post(client, half)
    with place.database.read() as connection:
        ((request, response), _) = waiting.pairs(connection, "kserve")
    LOGGER.pair(place)
    with pytest.raises(FencedError), place.database.write() as connection:
        waiting.remove(connection, [request, response])
    assert book(place.database) == (2, 2, 0, 0)


def test_a_batch_of_structured_events(place: Place, client: httpx.Client) -> None:
    sent = [half["attributes"] | {"data": half["data"]} for half in halves(3)]
    kind = {"Content-Type": "application/cloudevents-batch+json"}
    answer = client.post("/v1/kserve", content=json.dumps(sent), headers=kind)
    assert answer.json() == {"stored": 6}
    for body in (b"{", b"[1]", b'{"data_base64": "#"}'):
        assert client.post("/v1/kserve", content=body, headers=kind).status_code == 200
    LOGGER.pair(place)
    assert book(place.database) == (3, 3, 0, 0)
    assert [told.field for told in rejected(place.database)] == ["body"] * 3


def test_where_the_version_comes_from(place: Place) -> None:
    for origin, given, wanted in (
        ("endpoint", {"endpoint": "canary"}, "canary"),
        ("modelid", {"modelid": "classifier"}, "classifier"),
        ("metadata.X-Model", {"metadata": '{"X-Model": ["v7"]}'}, "v7"),
        ("annotations.release", {"annotations": '{"release": "r5"}'}, "r5"),
        ("metadata.X-Model", {"metadata": "[]"}, "unknown"),
        ("endpoint", {"endpoint": ""}, "unknown"),
    ):
        logger = Logger("versions", "v1")
        settings = LAYOUT | {"version": [origin], "latency": False}
        logger.source = KServe.model_validate({"services": [settings]})
        with logger.serving(place) as client:
            for half in logger.halves(events(1)[0] | {"id": f"{origin} {wanted}"}):
                logger.post(client, half | {"attributes": half["attributes"] | given})
        logger.pair(place)
        assert wanted in {key.version for key in counted(place.database)}
    latency = total(place).parts["latency"]
    assert latency.requests
    assert not latency.counts.total


def test_nothing_is_left_in_the_table(place: Place, client: httpx.Client) -> None:
    for half in halves(2):
        LOGGER.post(client, half)
    client.post("/v1/kserve", content=b"")
    LOGGER.pair(place, LATER)
    with place.database.read() as connection:
        assert not connection.execute(sa.select(tables.halves)).all()
    assert set(SCHEMAS) == {"m"}


def test_what_cannot_be_committed_does_not_hold_up_the_rest(place: Place, client: httpx.Client) -> None:
    raised = "SELECT RAISE(ABORT, 'no'); END"
    with place.database.write() as connection:
        when = "BEFORE INSERT ON profiles WHEN NEW.version = 'poison' BEGIN"
        connection.exec_driver_sql(f"CREATE TRIGGER poison {when} {raised}")
    for number, half in enumerate(halves(5)):
        changed = {"endpoint": "poison"} if number in (4, 5) else {}
        LOGGER.post(client, half | {"attributes": half["attributes"] | changed})
    assert LOGGER.pair(place) == 10
    assert waits(place) == 0
    assert book(place.database) == (4, 4, 0, 0)
    assert book(place.database, "") == (1, 0, 0, 1)
    (told,) = rejected(place.database)
    assert (told.field, told.value) == ("request", "shop/fraud/2")
    assert balanced(place.database)
