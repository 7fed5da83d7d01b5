"""One batch after another, whatever the collector answers."""

import json
import logging
import socket
import threading
import time

import pytest

from modelwatch_sdk import Monitor
from modelwatch_sdk.testing import Answer, FakeCollector

RECEIPT = {"received": 3, "accepted": 0, "duplicate": 1, "rejected": 2}
ERRORS = [{"row": 1, "field": "id", "value": "", "reason": "empty", "fix": "give each prediction an id"}]


def fill(monitor: Monitor, count: int) -> list[str]:
    return [monitor.log({"n": n}, n, id=f"{n}") for n in range(count)]


def ids(collector: FakeCollector) -> list[str]:
    return [event["id"] for event in collector.events]


def test_order_headers_and_one_connection(collector: FakeCollector) -> None:
    with Monitor("flights", endpoint=collector.url + "/team/", token=" secret\n", batch_size=100) as monitor:
        expected = fill(monitor, 1050)
        assert monitor.flush(5)
        stats = monitor.stats()
    assert ids(collector) == expected
    assert len({request.key for request in collector.requests}) == len(collector.requests) >= 11
    assert collector.connections == 1
    producers = set()
    for request in collector.requests:
        assert request.path == "/team/v1/events"
        assert request.headers["Content-Type"] == "application/x-ndjson"
        assert request.headers["Authorization"] == "Bearer secret"
        assert request.headers["Modelwatch-Dropped"] == "0"
        assert len(request.key) == 32
        assert len(request.rows) <= 100
        producers.add(request.headers["Modelwatch-Producer"])
    assert len(producers) == 1
    assert stats._replace(last_error=None) == (0, 1050, 1050, 0, 0, 0, 0, None)


def test_the_token_comes_from_the_environment(
    collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWATCH_TOKEN", "from-env")
    with Monitor("flights", endpoint=collector.url) as monitor:
        fill(monitor, 1)
    assert collector.requests[0].headers["Authorization"] == "Bearer from-env"


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(500),
        Answer(503, headers={"Retry-After": "0.1"}),
        Answer(429, headers={"Retry-After": "0.1"}),
        Answer(408),
        Answer(502, body=b"<html>bad gateway</html>"),
        Answer(drop=True),
        Answer(drop=True, apply=True),  # stored, but the answer is lost
        Answer(500, apply=True),
        Answer(200, body=b"<html>welcome</html>"),
        Answer(302, headers={"Location": "/login"}),
        Answer(200, headers={"Content-Length": "99999"}, body=b"{"),
    ],
    ids=str,
)
def test_retries_with_the_same_key_and_in_order(collector: FakeCollector, trouble: Answer) -> None:
    collector.script.extend([Answer(), trouble])
    with Monitor("flights", endpoint=collector.url, batch_size=10, timeout=0.3) as monitor:
        expected = fill(monitor, 40)
        assert monitor.flush(5)
        stats = monitor.stats()
    keys = [request.key for request in collector.requests]
    assert ids(collector) == expected
    assert keys[1] == keys[2]
    assert len(set(keys)) == len(keys) - 1
    assert collector.requests[1].rows == collector.requests[2].rows
    assert (stats.accepted, stats.sent, stats.retries, stats.queued) == (40, 40, 1, 0)


def test_retry_after_is_honoured(collector: FakeCollector) -> None:
    collector.script.append(Answer(503, headers={"Retry-After": "1"}))
    with Monitor("flights", endpoint=collector.url, flush_interval=0) as monitor:
        start = time.monotonic()
        fill(monitor, 1)
        assert monitor.flush(5)
        assert 1.0 <= time.monotonic() - start < 2.0


def test_the_backoff_grows(collector: FakeCollector) -> None:
    collector.script.extend([Answer(500)] * 3)
    with Monitor("flights", endpoint=collector.url, flush_interval=0) as monitor:
        start = time.monotonic()
        fill(monitor, 1)
        assert monitor.flush(10)
        assert 0.7 <= time.monotonic() - start < 2.5  # 0.2 + 0.4 + 0.8, between half and all of it
        assert monitor.stats().retries == 3


def test_an_idle_connection_that_was_closed_costs_no_backoff(collector: FakeCollector) -> None:
    with Monitor("flights", endpoint=collector.url, flush_interval=0) as monitor:
        fill(monitor, 1)
        assert monitor.flush(5)
        collector.cut()
        start = time.monotonic()
        monitor.log({}, 1)
        assert monitor.flush(5)
        assert time.monotonic() - start < 0.1
    assert len(collector.events) == 2


def test_too_large_batches_are_split_with_keys_of_their_own(collector: FakeCollector) -> None:
    collector.most_rows = 30
    with Monitor("flights", endpoint=collector.url, batch_size=100) as monitor:
        expected = fill(monitor, 200)
        assert monitor.flush(5)
        stats = monitor.stats()
    assert ids(collector) == expected
    assert len({request.key for request in collector.requests}) == len(collector.requests)
    assert (stats.accepted, stats.sent, stats.dropped, stats.retries) == (200, 200, 0, 0)
    # 100, 50 and 50; it learns from these: the second hundred goes out small at once.
    assert sum(len(request.rows) > 30 for request in collector.requests) == 3


def test_one_event_that_is_too_large_is_dropped_alone(collector: FakeCollector) -> None:
    collector.most_bytes = 5000
    with Monitor("flights", endpoint=collector.url) as monitor:
        fill(monitor, 10)
        monitor.log({"text": "x" * 6000}, 1, id="large")
        fill(monitor, 10)
        assert monitor.flush(5)
        stats = monitor.stats()
    assert ids(collector) == [f"{n}" for n in range(10)] * 2
    assert (stats.accepted, stats.dropped, stats.queued) == (20, 1, 0)
    assert "too large" in str(stats.last_error)


@pytest.mark.parametrize("status", [200, 422])
def test_rejected_rows_are_final_and_reported(
    collector: FakeCollector, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({**RECEIPT, "errors": ERRORS}).encode()
    collector.script.extend([Answer(status, body=body)] * 3)
    with Monitor("flights", endpoint=collector.url, batch_size=3) as monitor:
        fill(monitor, 9)
        assert monitor.flush(5)
        stats = monitor.stats()
    assert len(collector.requests) == 3
    assert (stats.duplicate, stats.rejected, stats.accepted, stats.queued) == (3, 6, 0, 0)
    lines = [record.getMessage() for record in caplog.records if record.name == "modelwatch_sdk"]
    assert len(lines) == 1
    assert "give each prediction an id" in lines[0]


def test_an_answer_that_does_not_add_up_counts_against_acceptance(collector: FakeCollector) -> None:
    collector.script.append(Answer(body=b'{"received": 3, "accepted": 1, "duplicate": 0, "rejected": 0}'))
    with Monitor("flights", endpoint=collector.url, batch_size=3) as monitor:
        fill(monitor, 3)
        assert monitor.flush(5)
        stats = monitor.stats()
    assert (stats.accepted, stats.rejected, stats.queued) == (1, 2, 0)


@pytest.mark.parametrize(
    ("status", "hint"), [(400, "400"), (401, "MODELWATCH_TOKEN"), (404, "404"), (422, "422")]
)
def test_other_refusals_are_final(
    collector: FakeCollector, status: int, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    collector.script.append(Answer(status))
    with (
        caplog.at_level(logging.WARNING),
        Monitor("flights", endpoint=collector.url, batch_size=5) as monitor,
    ):
        fill(monitor, 10)
        assert monitor.flush(5)
        stats = monitor.stats()
    assert ids(collector) == [f"{n}" for n in range(5, 10)]
    assert (stats.accepted, stats.rejected, stats.retries) == (5, 5, 0)
    assert hint in caplog.text


def test_an_answer_to_a_body_that_nobody_reads_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(
                    b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                )
                connection.shutdown(socket.SHUT_WR)

        refusing = threading.Thread(target=refuse)
        refusing.start()
        with Monitor("flights", endpoint=f"http://127.0.0.1:{server.getsockname()[1]}") as monitor:
            monitor.log({"text": "x" * 7_000_000}, 1)
            assert monitor.flush(5)
            stats = monitor.stats()
        refusing.join()
    assert (stats.dropped, stats.retries) == (1, 0)


def test_flush_does_not_wait_for_the_interval(collector: FakeCollector) -> None:
    with Monitor("flights", endpoint=collector.url, flush_interval=60) as monitor:
        fill(monitor, 1)
        time.sleep(0.05)
        start = time.monotonic()
        assert monitor.flush(5)
        assert time.monotonic() - start < 0.5
        fill(monitor, 1)
        assert not collector.wait(2, timeout=0.1)  # nobody waits, so it does
