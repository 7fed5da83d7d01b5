"""What every source promises, and the sources as cases: `send` brings events in as the source's clients do.

To put a source under the contract, write a `Case` and add it to a list that `test_contract.py` runs over.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.delivery import Delivery
from collector.schema import Schema
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.summarize import Key
from collector.validation.validate import Validator
from profiles import Profile
from tests.collector.collecting import SCHEMA, T0, counted, fix_shape, open_database, prediction
from tests.collector.serving import collecting

Event = dict[str, Any]
MODEL = SCHEMA.model
SCHEMAS: Mapping[str, Schema] = {MODEL: SCHEMA}
EVENTS = 200
BAD = 1.75  # no probability


@dataclass
class Place:
    """A database in a folder."""

    folder: Path
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.database = open_database(self.folder / "modelwatch.db")
        fix_shape(self.database)

    def restart(self) -> None:
        """Forget everything that is not in the file, as a killed process does."""
        self.database.close()
        self.database = Database(self.folder / "modelwatch.db")


class Case(ABC):
    """A source under the contract."""

    name: str
    again = True  # whether what is sent again is received again, or not even read

    @abstractmethod
    def send(self, place: Place, events: list[Event]) -> None:
        """Send predictions; they are committed when it returns."""


def events(count: int = EVENTS) -> list[Event]:
    """Predictions that every source can tell: whole milliseconds, and nothing but the model's columns."""
    made = [prediction(number) for number in range(count)]
    return [event | {"latency_ms": float(round(event["latency_ms"])), "version": "v1"} for event in made]


def spoiled(given: list[Event], at: int) -> list[Event]:
    """The events, one of which has a bad score and an id of its own."""
    bad = given[at] | {"id": "bad", "score": BAD}
    return [*given[:at], bad, *given[at:]]


def direct(folder: Path, given: list[Event]) -> dict[Key, Profile]:
    """The profiles of events that a validator and a ledger were handed."""
    folder.mkdir()
    place = Place(folder)
    batch = Validator(SCHEMAS).batch(given, "prediction", None)
    assert not batch.rejections
    Ledger(place.database, SCHEMAS).commit(Delivery("direct", batch, "k"), 0)
    found = counted(place.database)
    place.database.close()
    return found


def at_time(event: Event) -> float:
    """When an event happened, in seconds."""
    return float(event.get("timestamp", T0))


class Http(Case):
    """The SDK's own route: the pattern for other cases."""

    name = "http"

    def send(self, place: Place, events: list[Event]) -> None:
        with collecting(place.database, SCHEMAS) as collector:
            body = "\n".join(map(json.dumps, events)).encode()
            answer = collector.post(
                "/v1/predictions", body, "application/x-ndjson", Idempotency_Key=str(time.time_ns())
            )
            assert answer.status_code == 200, answer.text
