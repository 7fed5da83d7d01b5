"""Never blocks, never raises."""

import logging
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelwatch_sdk import Monitor
from modelwatch_sdk.testing import Answer, FakeCollector


class Evil:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def item(self) -> Any:
        raise RuntimeError("no item")

    def keys(self) -> Iterator[str]:
        raise self.Error

    def __getitem__(self, key: str) -> Any:
        raise self.Error

    class Error(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even that")


def until_dead(monitor: Monitor) -> bool:
    for thread in monitor._core._threads:
        thread.join(0.5)
    return not any(thread.is_alive() for thread in monitor._core._threads)


CIRCULAR: dict[str, Any] = {}
CIRCULAR["self"] = CIRCULAR


@pytest.mark.parametrize(
    "arguments",
    [
        {"features": None},
        {"features": 7},
        {"features": Evil()},
        {"features": {"x": Evil()}},
        {"features": {"x": object()}},
        {"features": {Evil(): 1}},
        {"features": {"x": CIRCULAR}},
        {"features": {}, "prediction": Evil()},
        {"features": {}, "id": Evil()},
        {"features": {}, "tags": 3},
        {"features": {}, "timestamp": "yesterday"},
        {"features": {}, "timestamp": Evil()},
        {"features": {}, "version": Evil()},
    ],
    ids=lambda arguments: "-".join(f"{key}:{type(value).__name__}" for key, value in arguments.items()),
)
def test_bad_arguments_are_counted_and_reported_and_spare_the_others(
    collector: FakeCollector, caplog: pytest.LogCaptureFixture, arguments: dict[str, Any]
) -> None:
    with Monitor("flights", endpoint=collector.url) as monitor:
        monitor.log({}, 1, id="before")
        assert isinstance(monitor.log(**{"prediction": 1, **arguments}), str)
        assert isinstance(monitor.log(**{"prediction": 1, **arguments}), str)
        monitor.log({}, 1, id="after")
        assert monitor.flush(5)
        stats = monitor.stats()
    assert [event["id"] for event in collector.events] == ["before", "after"]
    assert (stats.accepted, stats.dropped, stats.queued) == (2, 2, 0)
    assert stats.last_error
    assert len([record for record in caplog.records if record.name == "modelwatch_sdk"]) == 1


def test_the_other_methods_do_not_raise_either(collector: FakeCollector) -> None:
    odd: Any = Evil()
    none: Any = None
    with Monitor("flights", endpoint=collector.url) as monitor:
        monitor.label(none, 1)
        monitor.label(odd, 1)
        monitor.label("1", odd)
        monitor.deployment(none)
        monitor.deployment(odd)
        monitor.deployment("v2", by=odd)
        assert monitor.flush(odd)
        assert monitor.flush(none)
        assert not monitor.flush(-1) or monitor.flush(float("nan"))
        stats = monitor.stats()
        assert monitor.close(odd)
    assert stats.dropped == 6
    assert collector.events == []


@pytest.mark.parametrize(
    "endpoint",
    ["", "localhost:8700", "ftp://host", "http://", "http://host:port", "http://[::1", "http://a b", None, 7],
)
def test_a_broken_endpoint_is_reported_and_its_events_counted(
    endpoint: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = Monitor("flights", endpoint=endpoint, max_queue=10, flush_interval=0, batch_size=1)
    assert "endpoint" in caplog.text
    for n in range(100):
        monitor.log({}, n)
    assert not monitor.flush(0.05)
    assert not monitor.close(0)
    assert monitor.stats()[:6] == (0, monitor.stats().sent, 0, 0, 0, 100)


def test_bad_options_fall_back_to_the_defaults(
    collector: FakeCollector, caplog: pytest.LogCaptureFixture
) -> None:
    bad: Any = {
        "max_queue": "many",
        "batch_size": 0,
        "flush_interval": -1,
        "timeout": None,
        "spool": 3,
        "token": "ü",
    }
    model: Any = None
    with caplog.at_level(logging.WARNING), Monitor(model, endpoint=collector.url, **bad) as monitor:
        monitor.log({}, 1)
        assert monitor.flush(5)
    assert collector.events[0]["model"] == "unnamed"
    assert "Authorization" not in collector.requests[0].headers


def test_secrets_do_not_show(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(
        "flights", endpoint="http://user:pass-word@127.0.0.1:1", token="top-secret", flush_interval=0
    )
    monitor.log({}, 1)
    monitor.close(0.2)
    shown = caplog.text + repr(monitor) + repr(vars(monitor)) + str(monitor.stats())
    assert "top-secret" not in shown
    assert "pass-word" not in shown


def test_the_apps_log_handlers_may_fail_and_may_log(collector: FakeCollector) -> None:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            monitor.log({"message": record.getMessage()}, None, id="from handler")
            raise RuntimeError("handler")

    handler = Handler()
    logger = logging.getLogger("modelwatch_sdk")
    with Monitor("flights", endpoint=collector.url) as monitor:
        logger.addHandler(handler)
        try:
            bad: Any = None
            monitor.log(bad, 1)
        finally:
            logger.removeHandler(handler)
    assert [event["id"] for event in collector.events] == ["from handler"]


@pytest.mark.parametrize("spool", [False, True])
def test_log_does_not_wait_for_a_hung_collector(
    collector: FakeCollector, tmp_path: Path, spool: bool
) -> None:
    collector.script.append(Answer(delay=1.5))
    monitor = Monitor(
        "flights",
        endpoint=collector.url,
        max_queue=5000,
        flush_interval=0,
        spool=tmp_path if spool else None,
    )
    features = {f"feature_{n}": float(n) for n in range(20)}
    times = []
    for n in range(10_000):
        start = time.perf_counter()
        monitor.log(features, n)
        times.append(time.perf_counter() - start)
    assert statistics.median(times) < 0.001
    assert sorted(times)[9900] < 0.02
    assert monitor.stats().accepted == 0
    start = time.monotonic()
    assert not monitor.flush(0.1)
    assert 0.1 <= time.monotonic() - start < 0.3
    start = time.monotonic()
    assert not monitor.close(0.1)
    assert time.monotonic() - start < (1.0 if spool else 0.6)
    assert until_dead(monitor)
    stats = monitor.stats()
    assert stats.retries == 0  # whatever becomes of that request, its events are accounted for
    assert (stats.dropped == 0 and stats.queued == 10_000) if spool else (stats.dropped == 10_000)


def test_after_close_events_are_counted_as_dropped(collector: FakeCollector) -> None:
    monitor = Monitor("flights", endpoint=collector.url)
    monitor.log({}, 1)
    assert monitor.close(5)
    assert monitor.close(5)
    assert monitor.log({}, 2)
    monitor.label("1", 2)
    assert monitor.flush(1)
    assert len(collector.events) == 1
    assert monitor.stats().dropped == 2
