"""`modelwatch collect`: processes that are ended in every way, alone and together."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

import pytest

from collector.sources.kafka import Kafka
from tests.collector.collecting import balanced, book, counted, label, prediction, same
from tests.databases import KINDS
from tests.kafka.broker import free_port
from tests.kafka.cluster import Cluster
from tests.kafka.processes import Workplace, scraped, workplace
from tests.kafka.working import committed, until


class Stream:
    """A stream of predictions and their labels, of which all but the start is written little by little."""

    def __init__(self, cluster: Cluster, parts: int, size: int, pause: float) -> None:
        self._cluster, self._parts, self._size, self._pause = cluster, parts, size, pause
        self.on = threading.Event()
        self.topics = (cluster.topic(parts), cluster.topic())
        self.thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        predictions, labels = self.topics
        for start in range(0, self._size, 250):
            numbers = range(start, start + 250)
            for part in range(self._parts):
                self._cluster.send(
                    predictions, [prediction(n) for n in numbers if n % self._parts == part], part
                )
            self._cluster.send(labels, [label(n) for n in numbers])
            self.on.wait(60)
            time.sleep(self._pause)

    @property
    def ends(self) -> dict[str, int]:
        """The positions after all of it."""
        share = self._size // self._parts
        return {f"{self.topics[0]}/{n}": share for n in range(self._parts)} | {
            f"{self.topics[1]}/0": self._size
        }

    def check(self, place: Workplace) -> None:
        """All is there, once, as if nothing had happened."""
        events = [prediction(n) for n in range(self._size)] + [label(n) for n in range(self._size)]
        assert book(place.database) == (len(events), len(events), 0, 0)
        assert balanced(place.database)
        assert same(counted(place.database), committed(events))
        assert "Traceback" not in place.log()


def short(cluster: Cluster, stream: Stream) -> Kafka:
    """The stream's source, whose dead workers are soon given up."""
    return cluster.source(*({"topic": topic} for topic in stream.topics), session_seconds=6)


def test_kill_9_and_a_restart_count_everything_once(cluster: Cluster, tmp_path: Path) -> None:
    stream = Stream(cluster, 2, 3000, pause=0.1)
    topics = [{"topic": topic} for topic in stream.topics]
    with workplace("sqlite", tmp_path, cluster.source(*topics, session_seconds=3)) as place:
        first = place.start()
        stream.thread.start()
        until(lambda: place.done() > 0)
        stream.on.set()
        until(lambda: place.done() > 500)
        first.kill()
        assert place.done() < sum(stream.ends.values()), "it was over before the end: write more"
        port = free_port()
        second = place.start("--port", str(port))
        place.reach(stream.ends)
        stream.thread.join()
        assert 'modelwatch_kafka_messages_total{source="kafka:k"' in scraped(port)
        assert scraped(port, "healthz") == '{"status":"ok","ended":[]}'
        assert second.stop() == 0
        stream.check(place)
        assert cluster.offsets(place.source.group) == stream.ends


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_workers_one_of_which_joins_late_and_is_killed(
    cluster: Cluster, tmp_path: Path, kind: str
) -> None:
    cluster.needed()
    stream = Stream(cluster, 4, 20_000, pause=0.2)
    with workplace(kind, tmp_path, short(cluster, stream)) as place:
        first = place.start()
        stream.thread.start()
        until(lambda: place.done() > 0)
        stream.on.set()
        port = free_port()
        second = place.start("--port", str(port))
        until(lambda: "modelwatch_kafka_messages_total{" in scraped(port))  # it has its share
        second.kill()
        place.reach(stream.ends)
        stream.thread.join()
        assert first.stop(signal.SIGINT) == 0
        stream.check(place)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_workers_that_are_killed_again_and_again(cluster: Cluster, tmp_path: Path, kind: str) -> None:
    cluster.needed()
    stream = Stream(cluster, 4, 30_000, pause=0.2)
    dice = random.Random(kind)  # noqa: S311 - no secret
    with workplace(kind, tmp_path, short(cluster, stream)) as place:
        stream.thread.start()
        stream.on.set()
        workers = [place.start(), place.start()]
        for turn in range(6):
            time.sleep(dice.uniform(2.0, 5.0))
            workers[turn % 2].kill()
            workers[turn % 2] = place.start()
        place.reach(stream.ends)
        stream.thread.join()
        assert [worker.stop() for worker in workers] == [0, 0]
        stream.check(place)


@pytest.mark.slow
def test_a_worker_that_slept_through_its_dismissal_is_fenced(cluster: Cluster, tmp_path: Path) -> None:
    cluster.needed()
    stream = Stream(cluster, 2, 20_000, pause=0.2)
    with workplace("sqlite", tmp_path, short(cluster, stream)) as place:
        first = place.start()
        stream.thread.start()
        until(lambda: place.done() > 0)
        stream.on.set()
        first.process.send_signal(signal.SIGSTOP)
        before = place.done()
        place.start()
        until(lambda: place.done() > before + 1000)  # the group has given up the first
        first.process.send_signal(signal.SIGCONT)
        place.reach(stream.ends)
        stream.thread.join()
        assert [one.stop() for one in place.processes] == [0, 0]
        stream.check(place)
