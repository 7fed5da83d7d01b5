"""Threads, forks and the end of processes."""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from modelwatch_sdk import Monitor
from modelwatch_sdk.testing import Answer, FakeCollector

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
# Python 3.12 and later warn of every fork of a process with threads; that case is the subject here.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def test_eight_threads_log_exactly_once_each_in_its_order(collector: FakeCollector) -> None:
    with Monitor("flights", endpoint=collector.url) as monitor:

        def work(thread: int) -> None:
            for n in range(10_000):
                monitor.log({"thread": thread, "n": n}, n, id=f"{thread}-{n}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert monitor.flush(20)
        stats = monitor.stats()
    counts = Counter(event["id"] for event in collector.events)
    assert len(counts) == 80_000
    assert set(counts.values()) == {1}
    for thread in range(8):
        mine = [event["features"]["n"] for event in collector.events if event["features"]["thread"] == thread]
        assert mine == list(range(10_000))
    assert stats._replace(last_error=None) == (0, 80_000, 80_000, 0, 0, 0, 0, None)


@needs_fork
def test_a_forked_child_sends_its_own_events_and_not_its_parents(collector: FakeCollector) -> None:
    collector.script.append(Answer(503, headers={"Retry-After": "0.3"}))  # the parent's queue is not empty
    monitor = Monitor("flights", endpoint=collector.url, version="v1", flush_interval=0)
    monitor.deployment("v2")
    for n in range(100):
        monitor.log({}, n, id=f"parent-{n}")
    child = os.fork()
    if child == 0:
        monitor.log({}, 0, id="child")
        fine = monitor.flush(5) and monitor.stats().accepted == 1 and monitor.close(5)
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert monitor.close(5)
    assert monitor.stats().accepted == 101
    ids = [event["id"] for event in collector.events if event["kind"] == "prediction"]
    assert sorted(ids) == sorted(["child", *(f"parent-{n}" for n in range(100))])
    assert {event["version"] for event in collector.events} == {"v2"}
    producers = {request.headers["Modelwatch-Producer"] for request in collector.requests}
    assert len(producers) == 2


@needs_fork
def test_forking_in_the_middle_of_everything(collector: FakeCollector) -> None:
    """Forks while other threads log and the sender reads an answer: no child may hang."""
    stop = threading.Event()
    monitor = Monitor("flights", endpoint=collector.url, batch_size=10, flush_interval=0)

    def work() -> None:
        n = 0
        while not stop.wait(0.0001):
            monitor.log({"parent": True}, n)
            n += 1

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    children = []
    for number in range(20):
        child = os.fork()
        if child == 0:
            monitor.log({"child": number}, number)
            os._exit(0 if monitor.close(10) else 1)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    stop.set()
    for each in threads:
        each.join()
    assert monitor.close(10)
    assert statuses == [0] * 20
    seen = [event["features"]["child"] for event in collector.events if "child" in event["features"]]
    assert sorted(seen) == list(range(20))
    assert len({event["id"] for event in collector.events}) == len(collector.events)


def multiprocessing_child(monitor: Monitor) -> None:
    monitor.log({}, 1, id="child")


@needs_fork
def test_a_multiprocessing_child_sends_before_it_ends(collector: FakeCollector) -> None:
    monitor = Monitor("flights", endpoint=collector.url, flush_interval=10)
    process = multiprocessing.get_context("fork").Process(target=multiprocessing_child, args=(monitor,))
    process.start()
    process.join(10)
    assert process.exitcode == 0
    assert monitor.close(5)
    assert [event["id"] for event in collector.events] == ["child"]


def test_the_end_of_a_program_sends_what_is_left(collector: FakeCollector) -> None:
    program = (
        "from modelwatch_sdk import Monitor\n"
        f"monitor = Monitor('flights', endpoint={collector.url!r}, flush_interval=60)\n"
        "for n in range(2500): monitor.log({'n': n}, n)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=30)
    assert [event["prediction"] for event in collector.events] == list(range(2500))


@pytest.mark.skipif(sys.version_info < (3, 10), reason="needs sys.stdlib_module_names")
def test_importing_costs_no_foreign_packages() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "import modelwatch_sdk\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "new -= set(sys.stdlib_module_names)\n"
        "assert new == {'modelwatch_sdk'}, new"
    )
    subprocess.run([sys.executable, "-S", "-c", program], check=True, cwd=Path(__file__).parent.parent)
