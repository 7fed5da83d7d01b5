"""Bodies that are refused as a whole: a clear 4xx that says what is wrong and what to send."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
import zstandard

from tests.collector.collecting import prediction
from tests.collector.serving import Collector

PATHS = ["/v1/predictions", "/v1/labels", "/v1/deployments", "/v1/events"]
LINES = "application/x-ndjson"


def refusal(response: httpx.Response, status: int) -> dict[str, Any]:
    """The one error of a refused request."""
    assert response.status_code == status, response.text
    (error,) = response.json()["errors"]
    assert error["reason"]
    assert error["fix"]
    return dict(error)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b'{"model": ', "line 1 column 11"),
        (b"[1, 2", "invalid JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"model": "\xc3"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"model": "m", "label": ' + b"9" * 5000 + b"}", "digits"),
        (b'"a text"', "expected an object or an array"),
        (b"17", "expected an object or an array"),
        (b"null", "expected an object or an array"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
)
def test_a_body_that_is_no_json_document_is_refused(
    collector: Collector, path: str, body: bytes, reason: str
) -> None:
    assert reason in refusal(collector.post(path, body), 400)["reason"]


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_ndjson_body_is_refused(collector: Collector, path: str) -> None:
    assert "empty" in refusal(collector.post(path, b"\n \n", LINES), 400)["reason"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/csv"])
def test_another_content_type_is_refused_by_name(collector: Collector, kind: str) -> None:
    error = refusal(collector.post("/v1/predictions", b"{}", kind), 415)
    assert error["field"] == "Content-Type"
    assert kind in error["reason"]
    assert "application/x-ndjson" in error["fix"]


@pytest.mark.parametrize("path", PATHS)
def test_a_number_with_thousands_of_digits_costs_its_row_alone(collector: Collector, path: str) -> None:
    body = b'[{"model": "m", "id": ' + b"9" * 5000 + b"}]"
    answer = collector.post(path, body)
    assert answer.status_code == 422
    assert answer.json()["rejected"] == 1
    assert "digits" in answer.json()["errors"][0]["reason"]


def test_an_unknown_compression_is_refused(collector: Collector) -> None:
    error = refusal(collector.post("/v1/events", [prediction(1)], Content_Encoding="br"), 415)
    assert error["field"] == "Content-Encoding"
    assert "gzip" in error["fix"]
    assert "zstd" in error["fix"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_that_is_not_what_its_encoding_says_is_refused(collector: Collector, encoding: str) -> None:
    error = refusal(collector.post("/v1/events", b"no such thing", Content_Encoding=encoding), 400)
    assert encoding in error["reason"]
    cut = gzip.compress(b"[]" * 1000)[:-9] if encoding == "gzip" else zstandard.compress(b"[]" * 1000)[:-3]
    assert refusal(collector.post("/v1/events", cut, Content_Encoding=encoding), 400)


@pytest.mark.parametrize(("key", "length"), [("", 0), ("k" * 201, 201), ("k" * 4000, 4000)])
def test_an_empty_or_huge_idempotency_key_is_refused(collector: Collector, key: str, length: int) -> None:
    error = refusal(collector.post("/v1/events", [prediction(1)], Idempotency_Key=key), 400)
    assert error["field"] == "Idempotency-Key"
    assert str(length) in error["reason"]


def test_an_envelope_whose_rows_are_no_array_is_refused(collector: Collector) -> None:
    error = refusal(collector.post("/v1/labels", {"model": "m", "labels": {"id": "1"}}), 400)
    assert error["reason"] == "labels: expected an array, got an object"


def test_another_method_or_path_is_no_server_error(collector: Collector) -> None:
    assert collector.client.get("/v1/events").status_code == 405
    assert collector.client.post("/v1/nothing", json=[]).status_code == 404


def test_an_empty_array_is_a_batch_of_nothing(collector: Collector) -> None:
    response = collector.post("/v1/events", [])
    assert response.status_code == 200
    assert response.json()["received"] == 0
