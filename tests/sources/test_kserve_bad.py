"""What loggers send that is wrong: told with its field, kept, and no hindrance to the rest."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.sources import waiting
from collector.sources.kserve import KServe
from tests.collector.collecting import balanced, book, rejected
from tests.sources.contract import Place, events
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


BAD: list[tuple[dict[str, str], Any, str, str]] = [
    ({"id": ""}, None, "Ce-Id", "matched by it"),
    ({"type": "org.kubeflow.serving.inference.feedback"}, None, "Ce-Type", "neither"),
    ({"inferenceservicename": "other"}, None, "Ce-Inferenceservicename", "no such service"),
    ({"time": "yesterday"}, None, "timestamp", "not a time"),
    ({}, b"{not json", "request", "invalid JSON"),
    ({}, b"\xff\xfe", "request", "UTF-8"),
    ({}, b"", "request", "empty"),
    ({}, {"instances": []}, "instances", "no rows"),
    ({}, {"instances": [{"x": 1}, {"x": 2}]}, "response", "1 rows for 2"),
    ({}, {"instances": [{"z": 1}]}, "request", "none of the model's features"),
    ({}, {"instances": [{"x": "high"}]}, "features.x", "expected a number"),
    ({}, {"instances": [[1, 2]]}, "instances.0", "2 values for the 4 names"),
]


@pytest.mark.parametrize(("attributes", "data", "field", "reason"), BAD)
def test_what_is_wrong_is_told_and_the_rest_goes_on(
    place: Place, client: httpx.Client, attributes: dict[str, str], data: Any, field: str, reason: str
) -> None:
    request, response = LOGGER.halves(events(1)[0])
    headers = {f"Ce-{name}": value for name, value in (request["attributes"] | attributes).items()}
    given = request["data"] if data is None else data
    body = given if isinstance(given, bytes) else json.dumps(given).encode()
    assert client.post("/v1/kserve", content=body, headers=headers).status_code == 200
    for half in (response, *halves(3)[2:]):
        LOGGER.post(client, half)
    LOGGER.pair(place)
    LOGGER.pair(place, LATER)
    told = rejected(place.database)[0]
    assert told.field == field
    assert reason in told.reason
    assert told.fix
    assert book(place.database)[1] == 2
    assert balanced(place.database)
    assert waits(place) == 0


def test_a_body_that_is_too_large_is_refused_and_on_the_books(place: Place) -> None:
    logger = Logger("small", "v1")
    logger.source = KServe.model_validate({"services": [LAYOUT], "largest_body": 1000})
    request, _ = logger.halves(events(1)[0])
    packed = gzip.compress(b" " * 100_000)
    with logger.serving(place) as client:
        named = {f"Ce-{name}": value for name, value in request["attributes"].items()}
        assert client.post("/v1/kserve", content=b" " * 2000, headers=named).status_code == 413
        zipped = named | {"Content-Encoding": "gzip"}
        assert client.post("/v1/kserve", content=packed, headers=zipped).status_code == 413
        small = gzip.compress(json.dumps(request["data"]).encode())
        assert client.post("/v1/kserve", content=small, headers=zipped).status_code == 200
    logger.pair(place)
    assert [told.field for told in rejected(place.database)] == ["body", "body"]
    assert balanced(place.database)
    assert waits(place) == 1


def test_a_wrong_source_file_is_told() -> None:
    for changes, reason in (
        ({"services": []}, "there is none"),
        ({"services": [LAYOUT, LAYOUT]}, "named twice"),
        ({"services": [LAYOUT | {"service": "a/b/c"}]}, "should match pattern"),
        ({"services": [LAYOUT], "orphan_timeout": "soon"}, "not a duration"),
        ({"services": [LAYOUT], "topic": "x"}, "Extra inputs"),
    ):
        with pytest.raises(ValueError, match=reason):
            KServe.model_validate(changes)
