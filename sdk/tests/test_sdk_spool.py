"""What does not fit into memory in an outage, on disk."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelwatch_sdk import Monitor
from modelwatch_sdk.testing import Answer, FakeCollector

LOGGER = """
import sys, time
from modelwatch_sdk import Monitor
url, spool, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
monitor = Monitor("flights", endpoint=url, max_queue=20, batch_size=10, flush_interval=0, spool=spool)
time.sleep(0.1)
for n in range(first, first + count):
    monitor.log({"n": n}, n)
time.sleep(60)
"""


def until(condition: Callable[[], bool], timeout: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@contextlib.contextmanager
def running(program: str, *arguments: str) -> Iterator[None]:
    """Runs a program until it is killed, without any chance to tidy up."""
    with subprocess.Popen([sys.executable, "-c", program, *arguments]) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)


def on_disk(spool: Path) -> list[int]:
    texts = [path.read_text() for path in sorted(spool.rglob("*.ndjson"))]
    lines = [line for text in texts for line in text.split("\n")[:-1]]  # the last may be half written
    return [int(line.partition('"prediction":')[2].rstrip("}")) for line in lines]


def numbers(*collectors: FakeCollector) -> list[int]:
    return [event["prediction"] for collector in collectors for event in collector.events]


def closed_url() -> tuple[str, int]:
    with FakeCollector() as collector:
        return collector.url, collector.port


def files(spool: Path) -> list[str]:
    return [path.name for path in spool.rglob("*") if path.is_file()]


def test_overflow_takes_the_disk_and_keeps_the_order(tmp_path: Path) -> None:
    url, port = closed_url()
    with Monitor(
        "fl/ights", endpoint=url, max_queue=20, batch_size=10, flush_interval=0, spool=tmp_path
    ) as monitor:
        for n in range(1000):
            monitor.log({}, n)
        assert until(lambda: len(on_disk(tmp_path)) >= 900)
        before = monitor.stats()
        assert (before.queued, before.dropped) == (1000, 0)
        with FakeCollector(port=port) as collector:
            for n in range(1000, 2000):  # these must not overtake those on the disk
                monitor.log({}, n)
            assert monitor.flush(10)
            assert files(tmp_path) in ([], ["lock"])
            for n in range(2000, 2010):
                monitor.log({}, n)
            assert monitor.flush(10)
            assert monitor.stats().dropped == 0
    assert numbers(collector) == list(range(2010))
    assert files(tmp_path) == []


def test_the_order_holds_while_the_collector_comes_and_goes(tmp_path: Path) -> None:
    with FakeCollector() as collector:
        for _ in range(8):
            collector.script.extend([Answer(503, headers={"Retry-After": "0.1"}), *[Answer()] * 5])
        with Monitor(
            "flights", endpoint=collector.url, max_queue=20, batch_size=10, flush_interval=0, spool=tmp_path
        ) as monitor:
            count = 0
            while collector.script:
                monitor.log({}, count)
                count += 1
                time.sleep(0.0002)
            assert monitor.flush(10)
            assert monitor.stats()[:6] == (0, count, count, 0, 0, 0)
            assert monitor.stats().retries == 8
        assert numbers(collector) == list(range(count))


class Slow:
    def item(self) -> int:
        time.sleep(0.3)
        return 1


def test_an_event_on_its_way_to_the_disk_is_not_overtaken(collector: FakeCollector, tmp_path: Path) -> None:
    collector.script.append(Answer(503, headers={"Retry-After": "0.2"}))
    with Monitor(
        "flights", endpoint=collector.url, max_queue=1, batch_size=1, flush_interval=0, spool=tmp_path
    ) as monitor:
        monitor.log({}, 0)
        assert until(lambda: monitor.stats().retries == 1)
        monitor.log({}, 1)
        monitor.log({"slow": Slow()}, 2)  # the queue is full; serialising this outlasts the outage
        assert collector.wait(2)
        monitor.log({}, 3)
        assert monitor.flush(5)
    assert numbers(collector) == [0, 1, 2, 3]


def test_the_limit_holds_and_the_newest_are_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url, port = closed_url()
    with Monitor(
        "flights",
        endpoint=url,
        max_queue=20,
        batch_size=10,
        flush_interval=0,
        spool=tmp_path,
        spool_limit=20_000,
    ) as monitor:
        for n in range(1000):
            monitor.log({}, n)
        assert until(lambda: monitor.stats().dropped > 0 and len(on_disk(tmp_path)) > 100)
        assert until(lambda: monitor.stats().queued + monitor.stats().dropped == 1000)
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.ndjson")) <= 20_000
        with FakeCollector(port=port) as collector:
            assert monitor.flush(10)
            stats = monitor.stats()
            assert numbers(collector) == list(range(stats.accepted))
            assert stats.accepted + stats.dropped == 1000
            assert stats.dropped > 500
            monitor.log({}, 5000)  # there is room again
            assert monitor.flush(10)
            assert numbers(collector)[-1] == 5000
    assert "spool" in caplog.text


def test_a_killed_process_spool_is_replayed_once(tmp_path: Path) -> None:
    url, port = closed_url()
    with running(LOGGER, url, str(tmp_path), "0", "500"):
        assert until(lambda: on_disk(tmp_path)[-1:] == [499])
    spooled = on_disk(tmp_path)
    assert spooled == list(range(500 - len(spooled), 500))
    with FakeCollector(port=port) as collector:
        with Monitor("flights", endpoint=url, batch_size=50, spool=tmp_path) as monitor:
            monitor.log({}, 1000)
            assert monitor.flush(10)
            assert numbers(collector) == [*spooled, 1000]
            stats = monitor.stats()
            assert (stats.accepted, stats.queued) == (len(spooled) + 1, 0)
        with Monitor("flights", endpoint=url, spool=tmp_path) as monitor:
            assert monitor.flush(10)
        assert numbers(collector) == [*spooled, 1000]
    assert files(tmp_path) == []


def test_a_crash_in_mid_replay_sends_the_same_key_again(tmp_path: Path) -> None:
    url, port = closed_url()
    monitor = Monitor("flights", endpoint=url, batch_size=30, spool=tmp_path)
    for n in range(100):
        monitor.log({}, n)
    assert not monitor.close(0)
    assert on_disk(tmp_path) == list(range(100))
    program = (
        f"from modelwatch_sdk import Monitor\nimport time\n"
        f"Monitor('flights', endpoint={url!r}, batch_size=30, spool={str(tmp_path)!r})\ntime.sleep(60)"
    )
    with FakeCollector(port=port) as collector:
        # Two batches are answered, the third is stored, but its answer never comes.
        collector.script.extend([Answer(), Answer(), Answer(delay=1.0)])
        with running(program):
            assert until(lambda: len(collector.requests) == 3)
        with Monitor("flights", endpoint=url, batch_size=30, spool=tmp_path) as again:
            assert again.flush(10)
    assert numbers(collector) == list(range(100))
    assert collector.requests[3].key == collector.requests[2].key
    assert len({request.key for request in collector.requests}) == len(collector.requests) - 1


def test_close_keeps_the_batch_in_flight_with_its_key_and_the_queue_in_order(tmp_path: Path) -> None:
    with FakeCollector() as collector:
        collector.script.append(Answer(drop=True, apply=True))
        collector.script.extend([Answer(503, headers={"Retry-After": "9"})] * 3)
        monitor = Monitor(
            "flights",
            endpoint=collector.url,
            max_queue=50,
            batch_size=10,
            flush_interval=0.05,
            spool=tmp_path,
        )
        for n in range(200):
            monitor.log({}, n)
        assert until(lambda: len(collector.requests) == 2)
        assert not monitor.close(0.1)
        assert monitor.stats().queued == 200
        assert on_disk(tmp_path) == list(range(200))
        collector.script.clear()
        with Monitor("flights", endpoint=collector.url, batch_size=15, spool=tmp_path) as successor:
            assert successor.flush(10)
        assert numbers(collector) == list(range(200))
        assert collector.requests[-1].key != collector.requests[0].key
        keys = [request.key for request in collector.requests]
        assert keys[0] == keys[1]
        assert keys.count(keys[0]) >= 3


def test_a_living_process_spool_is_left_alone(tmp_path: Path) -> None:
    url, _ = closed_url()
    first = Monitor("flights", endpoint=url, max_queue=5, batch_size=1, flush_interval=0, spool=tmp_path)
    for n in range(50):
        first.log({}, n)
    assert until(lambda: len(on_disk(tmp_path)) > 30)
    with FakeCollector() as collector, Monitor("flights", endpoint=collector.url, spool=tmp_path) as second:
        assert second.flush(5)
        assert numbers(collector) == []
        first.close(0)
    with FakeCollector() as collector, Monitor("flights", endpoint=collector.url, spool=tmp_path) as third:
        assert third.flush(5)
        assert numbers(collector) == list(range(50))


def test_models_do_not_replay_each_other(tmp_path: Path) -> None:
    url, _ = closed_url()
    for model in ("a", "a/..", ".."):
        monitor = Monitor(model, endpoint=url, spool=tmp_path)
        monitor.log({}, 1)
        monitor.close(0)
    assert len(list(tmp_path.iterdir())) == 3
    with FakeCollector() as collector, Monitor("a", endpoint=collector.url, spool=tmp_path) as monitor:
        assert monitor.flush(5)
    assert [event["model"] for event in collector.events] == ["a"]


def test_torn_and_unreadable_files_do_not_stop_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, content in enumerate(['{"prediction":1}\n{"prediction":2}\n{"pred', '{"prediction":3}\n']):
        folder = tmp_path / "model=flights" / f"{number:020d}-host-1-abc"
        folder.mkdir(parents=True)
        (folder / "010000.ndjson").write_text(content)
    broken = tmp_path / "model=flights" / f"{0:020d}-host-1-abc" / "000000.ndjson"
    broken.mkdir()  # reading it fails even for root
    with FakeCollector() as collector, Monitor("flights", endpoint=collector.url, spool=tmp_path) as monitor:
        assert monitor.flush(5)
        stats = monitor.stats()
    assert numbers(collector) == [1, 2, 3]
    assert (stats.accepted, stats.dropped) == (3, 1)
    assert "spool file" in caplog.text
    assert broken.with_suffix(".unreadable").exists()
    assert files(tmp_path) == []


def test_a_spool_that_cannot_be_written_counts_and_goes_on(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    url, port = closed_url()
    with Monitor(
        "flights", endpoint=url, max_queue=20, batch_size=10, flush_interval=0, spool=occupied / "spool"
    ) as monitor:
        for n in range(1000):
            monitor.log({}, n)
        assert until(lambda: monitor.stats().dropped > 900)
        assert "spool" in str(monitor.stats().last_error)
        with FakeCollector(port=port) as collector:
            assert monitor.flush(10)
            stats = monitor.stats()
    assert stats.accepted + stats.dropped == 1000
    assert len(collector.events) == stats.accepted > 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs rlimits")
def test_a_full_disk_leaves_no_torn_lines(tmp_path: Path) -> None:
    program = LOGGER.replace(
        "import sys, time",
        "import resource, signal, sys, time\nresource.setrlimit(resource.RLIMIT_FSIZE, (7777, 7777))",
    ).replace("time.sleep(60)", "time.sleep(0.5); print(*monitor.stats()[:6]); import os; os._exit(0)")
    url, _ = closed_url()
    result = subprocess.run(
        [sys.executable, "-c", program, url, str(tmp_path), "0", "500"],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    queued, *_, dropped = map(int, result.stdout.split())
    assert queued + dropped == 500
    assert dropped > 300
    kept = on_disk(tmp_path)
    assert kept == sorted(kept)
    assert len(kept) >= queued - 30
    assert all(path.read_bytes().endswith(b"\n") for path in tmp_path.rglob("*.ndjson"))


FORKING = """
import os, sys, time
from modelwatch_sdk import Monitor
url, spool = sys.argv[1:]
monitor = Monitor("flights", endpoint=url, max_queue=20, batch_size=10, flush_interval=0, spool=spool)
for n in range(100):
    monitor.log({}, n)
time.sleep(0.2)  # its overflow is on disk, and its file open
if os.fork() == 0:
    for n in range(1000, 1100):
        monitor.log({}, n)
    time.sleep(0.2)
    print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_childs_spool_is_its_own_and_does_not_hold_its_parents(tmp_path: Path) -> None:
    url, port = closed_url()
    command = [sys.executable, "-W", "ignore", "-c", FORKING, url, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            assert len(list((tmp_path / "model=flights").iterdir())) == 2
            parent.kill()
            parent.wait()
            with FakeCollector(port=port) as collector:
                with Monitor("flights", endpoint=collector.url, spool=tmp_path) as monitor:
                    assert monitor.flush(5)  # the parent's is free, although its child lives
                assert until(lambda: len(numbers(collector)) >= 170)
                mine = [n for n in numbers(collector) if n < 1000]
                assert mine == list(range(100 - len(mine), 100))
                assert len(mine) >= 70
                assert until(lambda: len(numbers(collector)) == len(mine) + 100)
                childs = [n for n in numbers(collector) if n >= 1000]
                assert childs == list(range(1000, 1100))
        finally:
            os.kill(child, signal.SIGKILL)
            parent.kill()
