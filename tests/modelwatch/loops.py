"""A monitored model in a real database, whose clock the test turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from collector.delivery import Delivery
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from modelwatch import schema
from modelwatch.analyze import stored_lines
from modelwatch.evaluation import Evaluation
from modelwatch.monitor import Monitor
from modelwatch.references.install import install_file
from tests.collector.collecting import commit
from tests.modelwatch.flows import HOUR, Workplace, events_of, traffic


class Loop:
    """A monitored model in a real database, and a clock that the test turns."""

    def __init__(self, workplace: Workplace, table: pd.DataFrame, **changes: Any) -> None:
        path = workplace.file("reference", table)
        given = {"kind": "file", "path": str(path)}
        self.monitor: Monitor = workplace.monitor(**({"reference": given} | changes))
        self.path: Path = workplace.folder / "modelwatch.db"
        self.database = Database(self.path)
        schema.create(self.database)
        if self.monitor.reference.file:
            install_file(self.database, self.monitor, self.monitor.reference.file)
        self.start()
        self.batches = 0

    def start(self) -> None:
        """Start anew, as after a crash."""
        self.ledger = Ledger(self.database, {self.monitor.model: self.monitor})
        self.evaluation = Evaluation(self.database, self.monitor, "")

    def take(self, events: list[dict[str, Any]], now: float = 0) -> None:
        """Commit events at a time of the clock."""
        self.batches += 1
        commit(self.ledger, events, str(self.batches), int(now * 1e6))

    def send(self, events: list[Any], key: str = "sent") -> None:
        """Commit events, some of which may be wrong."""
        batch = Validator({self.monitor.model: self.monitor}).batch(events, None, None)
        self.ledger.commit(Delivery("test", batch, key), 0)

    def advance(self, now: float | None = None, *, flush: bool = False) -> list[dict[str, Any]]:
        """Judge what has closed, and return all lines so far."""
        self.evaluation.advance(None if now is None else int(now * 1e6), flush=flush)
        with self.database.read() as connection:
            return [line.public() for line in stored_lines(connection, "m")]

    def judged(self, signal: str = "quality.freshness") -> list[str]:
        """The verdicts of a signal so far."""
        with self.database.read() as connection:
            return [line.verdict.value for line in stored_lines(connection, "m") if line.signal == signal]


def predictions(hours: int, **changes: Any) -> list[dict[str, Any]]:
    return [event for event in events_of(traffic(hours, **changes)) if event["kind"] == "prediction"]


def late_labels(hours: int, delay: int) -> list[dict[str, Any]]:
    """Events of some hours, whose labels come some hours later, in their order."""
    events = events_of(traffic(hours))
    for event in events:
        event["timestamp"] += delay * HOUR if event["kind"] == "label" else 0
    return sorted(events, key=lambda event: event["timestamp"])
