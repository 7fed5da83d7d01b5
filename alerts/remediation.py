"""Remediation: a small state machine for each action, persisted before each side effect.

proposed -> executing -> verifying -> succeeded | failed | escalated. An action that needs approval waits in
`awaiting`; one that a guard-rail stops ends in `refused`, and a dry run in `dry-run`.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from alerts import audit, tables
from alerts.actions import Action
from alerts.deployments import OURS, Change, live_again, newest, version_before
from alerts.line import describe
from alerts.messages import Outbox, note
from alerts.rules import Alerting, Rule
from collector.window import MICROSECOND

IN_FLIGHT = ("awaiting", "proposed", "executing", "verifying")
NEVER_RAN = ("refused", "dry-run")


class Remediation:
    """Proposes the actions of one model's incidents, and verifies that they helped."""

    def __init__(self, model: str, alerting: Alerting, outbox: Outbox) -> None:
        self._model, self._alerting, self._outbox = model, alerting, outbox

    def propose(
        self, connection: sa.Connection, incident: Any, rule: Rule, suspect: Change | None, at: int
    ) -> None:
        """Propose the rule's actions, each within its guard-rails. Nothing is executed here."""
        for name in rule.actions:
            action = self._alerting.actions[name]
            target = version_before(connection, self._model, suspect) if suspect else None
            refusal = self._refusal(connection, name, action, suspect, target, at)
            state = "refused" if refusal else "awaiting" if action.approval else "proposed"
            state = "dry-run" if action.dry_run and not refusal else state
            ends = refusal is not None or action.dry_run
            why = refusal or f"roll back {suspect.version if suspect else ''} to {target}"
            connection.execute(
                tables.actions.insert().values(
                    id=str(uuid.uuid4()),
                    incident=incident.id,
                    model=self._model,
                    name=name,
                    kind=action.kind,
                    state=state,
                    from_version=suspect.version if suspect else "",
                    to_version=target or "",
                    subjects=list(incident.subjects),
                    proposed_at=at,
                    deadline=at + action.verify.within // MICROSECOND,
                    finished_at=at if ends else None,
                    attempts=0,
                    next_try=0,
                    note=refusal,
                )
            )
            note(connection, incident.id, at, state, f"Action {name}: {state}: {why}")
            evidence = {"subjects": list(incident.subjects), "incident": incident.id}
            audit.append(connection, OURS, state, f"action {name} on {self._model}", why, evidence)

    def _refusal(
        self,
        connection: sa.Connection,
        name: str,
        action: Action,
        suspect: Change | None,
        target: str | None,
        at: int,
    ) -> str | None:
        """Why the guard-rails stop an action; None when they do not."""
        if suspect is None:
            return "no deployment to roll back"
        if suspect.by == OURS:
            return f"the latest deployment, of {suspect.version}, was itself a rollback by Modelwatch"
        serving = newest(connection, self._model)
        if serving is not None and serving.version != suspect.version:
            return f"{suspect.version} no longer serves: {serving.version} was deployed since"
        if target is None:
            return f"no good version is known from before {suspect.version}"
        recent = sa.select(tables.actions.c.proposed_at).where(
            tables.actions.c.model == self._model,
            tables.actions.c.name == name,
            tables.actions.c.state.not_in(NEVER_RAN),
            tables.actions.c.proposed_at > at - action.cooldown // MICROSECOND,
        )
        if connection.execute(recent).first() is not None:
            return f"cooldown: it ran less than {_days(action.cooldown)} ago"
        return None

    def verify(self, connection: sa.Connection, at: int) -> None:
        """Finish the actions whose signals have recovered, and escalate those whose time is up."""
        query = sa.select(tables.actions).filter_by(model=self._model, state="verifying")
        for row in connection.execute(query).all():
            action = self._alerting.actions.get(row.name)
            if action is None:
                self._finish(connection, row, "escalated", at, "the action is no longer configured")
                continue
            since = (
                live_again(connection, self._model, row.to_version, row.proposed_at - 1) or row.executed_at
            )
            lagging = [
                key
                for key in row.subjects
                if not self._recovered(connection, key, since, action.verify.windows)
            ]
            if not lagging:
                windows = f"{action.verify.windows} windows since {row.to_version} serves again"
                self._finish(connection, row, "succeeded", at, f"every signal was ok for {windows}")
            elif at > row.deadline:
                names = ", ".join(describe(key) for key in lagging)
                self._finish(connection, row, "escalated", at, f"did not recover in time: {names}")

    def _recovered(self, connection: sa.Connection, key: str, since: int, windows: int) -> bool:
        signal, subject, segment = key.split("|", 2)
        query = (
            sa.select(tables.verdicts.c.verdict)
            .filter_by(model=self._model, signal=signal, subject=subject, segment=segment)
            .where(tables.verdicts.c.start >= since, tables.verdicts.c.verdict != "insufficient")
            .order_by(tables.verdicts.c.start.desc())
            .limit(windows)
        )
        found = connection.execute(query).scalars().all()
        return len(found) == windows and set(found) == {"ok"}

    def _finish(self, connection: sa.Connection, row: Any, state: str, at: int, why: str) -> None:
        values = {"state": state, "finished_at": at, "note": why}
        connection.execute(tables.actions.update().filter_by(id=row.id).values(**values))
        text = f"Action {row.name}: {state}: {why}"
        audit.append(connection, OURS, state, f"action {row.id}", why, {"incident": row.incident})
        if state == "escalated":
            incident = connection.execute(sa.select(tables.incidents).filter_by(id=row.incident)).one()
            rule = next((rule for rule in self._alerting.rules if rule.name == incident.rule), None)
            self._outbox.tell(connection, "escalated", incident, rule, at, text)
        else:
            note(connection, row.incident, at, state, text)

    def withdraw(self, connection: sa.Connection, incident: int, at: int) -> None:
        """Refuse what still waits for approval: the trouble is over without it."""
        query = sa.select(tables.actions).filter_by(incident=incident, state="awaiting")
        for row in connection.execute(query).all():
            self._finish(connection, row, "refused", at, "every signal was ok again before it was approved")

    def in_flight(self, connection: sa.Connection, incident: int) -> bool:
        """Whether an action of the incident is under way."""
        query = sa.select(tables.actions.c.id).where(
            tables.actions.c.incident == incident, tables.actions.c.state.in_(IN_FLIGHT)
        )
        return connection.execute(query).first() is not None

    def credit(self, connection: sa.Connection, incident: int) -> str | None:
        """What resolved the incident, if it was an action."""
        row = connection.execute(
            sa.select(tables.actions).filter_by(incident=incident, state="succeeded")
        ).first()
        return f"Rolled back {row.from_version} to {row.to_version}, verified" if row else None


def approve(connection: sa.Connection, action: str, by: str) -> bool:
    """Let an action that waits for approval go ahead; returns whether there was one."""
    query = tables.actions.update().filter_by(id=action, state="awaiting").values(state="proposed")
    if not connection.execute(query).rowcount:
        return False
    row = connection.execute(sa.select(tables.actions).filter_by(id=action)).one()
    note(connection, row.incident, row.proposed_at, "approved", f"Action {row.name} approved by {by}")
    audit.append(connection, by, "approve", f"action {action}", "", {"incident": row.incident})
    return True


def _days(length: timedelta) -> str:
    return f"{length / timedelta(days=1):g} days"
