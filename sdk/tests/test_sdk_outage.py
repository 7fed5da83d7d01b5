"""The collector is away: nothing is lost silently, and order holds."""

import time

import pytest

from modelwatch_sdk import Monitor
from modelwatch_sdk.testing import Answer, FakeCollector


def closed_port() -> int:
    collector = FakeCollector()
    collector.close()
    return collector.port


def test_no_loss_over_an_outage() -> None:
    collector = FakeCollector()
    with Monitor("flights", endpoint=collector.url, batch_size=50, flush_interval=0.01) as monitor:
        expected = [monitor.log({}, n) for n in range(500)]
        assert collector.wait(100)
        collector.close()
        expected += [monitor.log({}, n) for n in range(500)]
        time.sleep(0.3)
        with FakeCollector(port=collector.port) as recovered:
            expected += [monitor.log({}, n) for n in range(500)]
            assert monitor.flush(10)
            stats = monitor.stats()
            arrived = [event["id"] for event in collector.events + recovered.events]
    assert list(dict.fromkeys(arrived)) == expected
    assert len(arrived) - len(expected) in (0, 50)  # the fake forgets its keys when it restarts
    assert (stats.accepted, stats.dropped, stats.queued) == (1500, 0, 0)
    assert stats.retries > 0


def test_a_full_queue_drops_the_newest_and_counts(caplog: pytest.LogCaptureFixture) -> None:
    port = closed_port()
    url = f"http://127.0.0.1:{port}"
    with Monitor("flights", endpoint=url, max_queue=100, batch_size=10, flush_interval=0) as monitor:
        logged = [monitor.log({}, n) for n in range(1000)]
        before = monitor.stats()
        assert before.queued + before.dropped == 1000
        assert 100 <= before.queued <= 110  # the queue, and a batch in flight
        with FakeCollector(port=port) as collector:
            assert monitor.flush(10)
            after = monitor.stats()
            logged.append(monitor.log({}, 0))
            assert monitor.flush(10)
    arrived = [event["id"] for event in collector.events]
    assert arrived == sorted(arrived, key=logged.index)
    assert arrived[:100] == logged[:100]
    assert (after.accepted, after.dropped, after.queued) == (before.queued, before.dropped, 0)
    assert collector.requests[-1].headers["Modelwatch-Dropped"] == str(before.dropped)
    full = [record for record in caplog.records if "queue is full" in record.getMessage()]
    assert len(full) == 1


def test_a_hung_collector_is_given_up_and_the_batch_sent_again(collector: FakeCollector) -> None:
    collector.script.append(Answer(delay=1.0))
    with Monitor("flights", endpoint=collector.url, timeout=0.2, flush_interval=0) as monitor:
        ids = [monitor.log({}, n) for n in range(5)]
        assert monitor.flush(5)
    assert [event["id"] for event in collector.events] == ids
    assert collector.requests[0].key == collector.requests[1].key


def test_close_in_an_outage_counts_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(
        "flights", endpoint=f"http://127.0.0.1:{closed_port()}", batch_size=10, flush_interval=0
    )
    for n in range(95):
        monitor.log({}, n)
    assert not monitor.close(0.2)
    stats = monitor.stats()
    assert (stats.dropped, stats.queued) == (95, 0)
    assert "closed with 95 events" in caplog.text


def test_close_tries_once_more_at_once() -> None:
    port = closed_port()
    monitor = Monitor("flights", endpoint=f"http://127.0.0.1:{port}", flush_interval=0)
    monitor.log({}, 1)
    deadline = time.monotonic() + 5
    while monitor.stats().retries < 3 and time.monotonic() < deadline:
        time.sleep(0.01)  # by now it waits for 0.4 to 0.8 seconds
    with FakeCollector(port=port) as collector:
        start = time.monotonic()
        assert monitor.close(5)
        assert time.monotonic() - start < 0.3
    assert len(collector.events) == 1
