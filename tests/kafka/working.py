"""A source at work in this process, and what became of its events."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from collector.schema import Schema
from collector.sources.kafka import Kafka
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.positions import positions
from collector.summarize import Key
from profiles import Profile
from tests.collector.collecting import SCHEMAS, commit, counted, fix_shape, open_database

PATIENCE = 80.0


def until(true: Callable[[], bool], what: str = "") -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what or "it did not happen"
        time.sleep(0.02)


@dataclass
class Worker:
    """A source that runs on a thread."""

    source: Kafka
    database: Database
    registry: CollectorRegistry

    def reach(self, places: Mapping[str, int]) -> None:
        """Wait until the positions in the database are these, neither less nor more."""

        def there() -> bool:
            return all(self.positions().get(part, 0) >= place for part, place in places.items())

        until(there, f"{places} was not reached")
        assert self.positions() == places

    def positions(self) -> dict[str, int]:
        """The positions in the database."""
        return positions(self.database, self.source.source)

    def metric(self, name: str, **labels: str) -> float | None:
        """A metric's value."""
        return self.registry.get_sample_value(name, {"source": self.source.source, **labels})


@contextlib.contextmanager
def working(
    source: Kafka,
    database: Database,
    schemas: Mapping[str, Schema] | None = None,
    *,
    registry: CollectorRegistry | None = None,
) -> Iterator[Worker]:
    """Run a source until the end of the block."""
    stop, registry = threading.Event(), registry or CollectorRegistry()
    arguments = (database, schemas or SCHEMAS, stop, registry)
    thread = threading.Thread(target=source.run, args=arguments, name="worker")
    thread.start()
    try:
        yield Worker(source, database, registry)
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def committed(events: list[Any]) -> dict[Key, Profile]:
    """The profiles of events that are committed at once, without Kafka."""
    database = open_database(None)
    fix_shape(database)
    commit(Ledger(database, SCHEMAS), events, "all")
    found = counted(database)
    database.close()
    return found
