"""The dispatcher: carries out what was decided, and persists every step before and after its side effect."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sa

from alerts import audit, tables
from alerts.actions import Order
from alerts.egress import Egress, EgressError
from alerts.messages import clock, note
from alerts.notifiers import Message
from alerts.rules import Alerting
from alerts.secret import SecretError
from collector.database import Database
from collector.tables import models

T = TypeVar("T")
log = logging.getLogger(__name__)
MOST_ATTEMPTS = {"notification": 20, "action": 5}
LONGEST_WAIT = 300_000_000
FIRST_WAIT = 500_000


class Dispatcher:
    """Sends pending messages and executes proposed actions, until stopped.

    A crash between a side effect and its record repeats the side effect with the same id.

    Args:
        database: where the outbox is.
        alerting: each model's alerting, by name.
        egress: what outgoing requests go through.
        url: where the pages are.
    """

    def __init__(
        self, database: Database, alerting: Mapping[str, Alerting], egress: Egress, url: str
    ) -> None:
        self._database, self._alerting, self._egress, self._url = database, alerting, egress, url
        self._stop = threading.Event()

    def run(self, interval: float = 0.2) -> None:
        """Work until `stop`; call it in a thread of its own."""
        while not self._stop.wait(interval):
            try:
                self.once()
            except Exception:
                log.exception("the dispatcher failed; it goes on")

    def stop(self) -> None:
        """Make `run` return."""
        self._stop.set()

    def once(self) -> None:
        """Carry out everything that is due."""
        now = clock()
        with self._database.read() as connection:
            due = sa.select(tables.notifications).where(
                tables.notifications.c.state == "pending", tables.notifications.c.next_try <= now
            )
            messages = connection.execute(due.order_by(tables.notifications.c.id)).all()
            ready = sa.select(tables.actions).where(
                tables.actions.c.state.in_(("proposed", "executing")), tables.actions.c.next_try <= now
            )
            actions = connection.execute(ready).all()
        for row in messages:
            self._notify(row)
        for row in actions:
            self._act(row)

    def _notify(self, row: Any) -> None:
        notifier = (
            self._alerting[row.model].notifiers.get(row.notifier) if row.model in self._alerting else None
        )
        values: dict[str, Any] = {"state": "sent", "error": None, "attempts": row.attempts + 1}
        try:
            _configured(notifier, f"notifier {row.notifier!r}").send(
                Message.model_validate(row.payload), self._egress
            )
        except (EgressError, SecretError) as error:
            values |= _again(row.attempts + 1, "notification") | {"error": str(error)}
            log.warning("notifier %s: %s", row.notifier, error)
        with self._database.write() as connection:
            connection.execute(tables.notifications.update().filter_by(id=row.id).values(**values))

    def _act(self, row: Any) -> None:
        action = self._alerting[row.model].actions.get(row.name) if row.model in self._alerting else None
        with self._database.write() as connection:
            connection.execute(tables.actions.update().filter_by(id=row.id).values(state="executing"))
            evidence = {"incident": row.incident, "attempt": row.attempts + 1}
            why = f"{row.from_version} to {row.to_version}"
            audit.append(connection, "modelwatch", "execute", f"action {row.id}", why, evidence)
        order = Order(
            id=row.id,
            model=row.model,
            from_version=row.from_version,
            to_version=row.to_version,
            incident=row.incident,
            reason=f"incident {row.incident}: {', '.join(row.subjects)[:500]}",
        )
        try:
            answer = _configured(action, f"action {row.name!r}").execute(order, self._egress)
        except (EgressError, SecretError) as error:
            self._record_failure(row, str(error))
        else:
            self._record_success(row, answer)

    def _record_success(self, row: Any, answer: str) -> None:
        with self._database.write() as connection:
            watermark = (
                connection.execute(sa.select(models.c.watermark).filter_by(model=row.model)).scalar() or 0
            )
            values = {"state": "verifying", "executed_at": watermark, "attempts": row.attempts + 1}
            connection.execute(tables.actions.update().filter_by(id=row.id).values(**values))
            text = f"Action {row.name}: executed ({row.from_version} to {row.to_version}); verifying"
            note(connection, row.incident, watermark, "executed", text)
            audit.append(connection, "modelwatch", "executed", f"action {row.id}", answer, {})

    def _record_failure(self, row: Any, error: str) -> None:
        log.warning("action %s: %s", row.name, error)
        values = _again(row.attempts + 1, "action")
        failed = values["state"] == "failed"
        if not failed:
            values["state"] = "executing"
        with self._database.write() as connection:
            values |= {"attempts": row.attempts + 1, "note": error}
            values |= {"finished_at": row.proposed_at} if failed else {}
            connection.execute(tables.actions.update().filter_by(id=row.id).values(**values))
            if failed:
                note(
                    connection, row.incident, row.proposed_at, "failed", f"Action {row.name}: failed: {error}"
                )
                audit.append(connection, "modelwatch", "failed", f"action {row.id}", error, {})


def _again(attempts: int, what: str) -> dict[str, Any]:
    """When to try again, doubling the wait; or that it has failed for good."""
    if attempts >= MOST_ATTEMPTS[what]:
        return {"state": "failed"}
    wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
    return {"state": "pending", "next_try": clock() + wait}


def _configured(item: T | None, name: str) -> T:
    if item is None:
        raise EgressError(f"{name} is no longer configured")
    return item
