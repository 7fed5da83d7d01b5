"""The dispatcher: carries out what was decided, and persists every step before and after its side effect."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from alerts import audit, tables
from alerts.actions import Order
from alerts.egress import Egress, EgressError
from alerts.line import describe
from alerts.messages import Outbox, clock, note
from alerts.notifiers import Message
from alerts.rules import Alerting
from alerts.secret import SecretError
from collector.store.database import Database
from collector.store.tables import models
from collector.window import MICROSECOND

T = TypeVar("T")
log = logging.getLogger(__name__)
MOST_ATTEMPTS = {"notification": 20, "action": 8}  # an action: about a minute
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
        leads: asked before each side effect whether this process, of several, is the one to have it.
    """

    def __init__(
        self,
        database: Database,
        alerting: Mapping[str, Alerting],
        egress: Egress,
        url: str,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._leads = leads
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
        """Carry out everything that is due: actions first, for a notifier may take its time to fail."""
        for row in self._due(tables.actions, ("proposed", "executing"), tables.actions.c.proposed_at):
            if self._leads():
                self._act(row)
        for row in self._due(tables.notifications, ("pending",), tables.notifications.c.id):
            if self._leads():
                self._notify(row)

    def _due(self, table: sa.Table, states: tuple[str, ...], order: Any) -> Sequence[Any]:
        """What is to be done now; nothing where another process leads."""
        if not self._leads():
            return ()
        query = sa.select(table).where(table.c.state.in_(states), table.c.next_try <= clock())
        with self._database.read() as connection:
            return connection.execute(query.order_by(order)).all()

    def _notify(self, row: Any) -> None:
        alerting = self._alerting.get(row.model)
        notifier = alerting.notifiers.get(row.notifier) if alerting else None

        def send() -> str:
            message = Message.model_validate(row.payload)
            _configured(notifier, f"notifier {row.notifier!r}").send(message, self._egress)
            return ""

        _, error = _attempt(send)
        values: dict[str, Any] = {"state": "sent", "error": None, "attempts": row.attempts + 1}
        if error is not None:
            values |= _again(row.attempts + 1, "notification") | {"error": error}
            log.warning("notifier %s: %s", row.notifier, error)
        with self._database.write() as connection:
            connection.execute(tables.notifications.update().filter_by(id=row.id).values(**values))

    def _act(self, row: Any) -> None:
        alerting = self._alerting.get(row.model)
        action = alerting.actions.get(row.name) if alerting else None
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
            reason=f"incident {row.incident}: {', '.join(map(describe, row.subjects))[:500]}",
        )
        answer, error = _attempt(
            lambda: _configured(action, f"action {row.name!r}").execute(order, self._egress)
        )
        if error is not None or action is None:
            self._record_failure(row, error or "")
        else:
            self._record_success(row, answer, action.verify.within // MICROSECOND)

    def _record_success(self, row: Any, answer: str, within: int) -> None:
        with self._database.write() as connection:
            at = _watermark(connection, row.model)
            values = {"state": "verifying", "executed_at": at, "deadline": at + within}
            values |= {"attempts": row.attempts + 1}
            connection.execute(tables.actions.update().filter_by(id=row.id).values(**values))
            text = f"Action {row.name}: executed ({row.from_version} to {row.to_version}); verifying"
            note(connection, row.incident, at, "executed", text)
            audit.append(connection, "modelwatch", "executed", f"action {row.id}", answer, {})

    def _record_failure(self, row: Any, error: str) -> None:
        log.warning("action %s: %s", row.name, error)
        values = _again(row.attempts + 1, "action")
        failed = values["state"] == "failed"
        if not failed:
            values["state"] = "executing"
        with self._database.write() as connection:
            at = _watermark(connection, row.model)
            values |= {"attempts": row.attempts + 1, "note": error}
            values |= {"finished_at": at} if failed else {}
            connection.execute(tables.actions.update().filter_by(id=row.id).values(**values))
            if failed:
                self._escalate(connection, row, at, f"Action {row.name}: failed: {error}")
                audit.append(connection, "modelwatch", "failed", f"action {row.id}", error, {})

    def _escalate(self, connection: sa.Connection, row: Any, at: int, text: str) -> None:
        """Tell people that they have to act themselves."""
        alerting = self._alerting.get(row.model, Alerting())
        incident = connection.execute(sa.select(tables.incidents).filter_by(id=row.incident)).one()
        rule = next((rule for rule in alerting.rules if rule.name == incident.rule), None)
        outbox = Outbox(row.model, list(alerting.notifiers), self._url)
        outbox.tell(connection, "escalated", incident, rule, at, text)


def _attempt(work: Callable[[], str]) -> tuple[str, str | None]:
    """What was answered, and what went wrong; whatever it is, the other messages and actions go on."""
    try:
        return work(), None
    except (EgressError, SecretError) as error:
        return "", str(error)
    except Exception as error:
        log.exception("a side effect failed in an unexpected way")
        return "", f"{type(error).__name__}; see the service's log"


def _watermark(connection: sa.Connection, model: str) -> int:
    """How far event time has come."""
    return connection.execute(sa.select(models.c.watermark).filter_by(model=model)).scalar() or 0


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
