"""Connections that end in the middle of a body: nothing of it counts, and others are served."""

from __future__ import annotations

import json
import random
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from collector.store.database import Database
from tests.collector.collecting import SCHEMAS, balanced, book, prediction
from tests.collector.serving import Collector, collecting
from tests.faults.finding import Undisturbed

EVENTS = [prediction(n) for n in range(200)]
BODY = "\n".join(map(json.dumps, EVENTS)).encode()
HEAD = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n{}\r\n\r\n"


def opened(collector: Collector, declared: str) -> socket.socket:
    """A connection on which a request has begun."""
    address = urlsplit(str(collector.client.base_url))
    connection = socket.create_connection((address.hostname or "", address.port or 0), 10)
    connection.sendall(HEAD.format(declared).encode())
    return connection


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def cut_off(collector: Collector, size: int, *, chunked: bool, reset: bool) -> None:
    """Send so many bytes of the body, and close."""
    part = BODY[:size]
    declared = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(BODY)}"
    with opened(collector, declared) as connection:
        connection.sendall(chunk(part) if chunked else part)
        if reset:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
def test_a_body_that_ends_early_does_not_count(
    database: Database, caplog: pytest.LogCaptureFixture, chunked: bool, reset: bool
) -> None:
    dice = random.Random(8)  # noqa: S311 - no secret
    ends = [BODY.index(b"\n", dice.randrange(len(BODY) // 2)) + 1 for _ in range(10)]  # whole lines
    with collecting(database, SCHEMAS) as collector:
        for size in (1, len(BODY) - 1, *ends):
            cut_off(collector, size, chunked=chunked, reset=reset)
        time.sleep(0.2)
        assert book(database) == (0, 0, 0, 0)
        answer = collector.post("/v1/events", BODY, "application/x-ndjson")
        assert answer.json()["accepted"] == len(EVENTS)
    assert Undisturbed.of(EVENTS).found(database).faults(len(EVENTS), 0) == []
    assert "Traceback" not in caplog.text


def test_bodies_that_never_end_keep_nobody_waiting(database: Database) -> None:
    with collecting(database, SCHEMAS) as collector:
        declared = f"Content-Length: {len(BODY)}"
        stuck = [opened(collector, declared) for _ in range(100)]
        for one in stuck:
            one.sendall(BODY[:1000])
        url = f"{collector.client.base_url}/v1/events"
        answer = httpx.post(url, json=[prediction(1000)], timeout=10)
        assert answer.json()["accepted"] == 1
        for one in stuck:
            one.close()
    assert book(database) == (1, 1, 0, 0)
    assert balanced(database)
