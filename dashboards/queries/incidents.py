"""Incidents, and everything that belongs to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from alerts import tables
from collector.store.tables import deployments


@dataclass(frozen=True)
class Dossier:
    """An incident with its evidence, timeline, notifications and actions."""

    row: Any
    evidence: Sequence[Any]
    timeline: Sequence[Any]
    notifications: Sequence[Any]
    actions: Sequence[Any]


def incident_list(
    connection: sa.Connection, model: str | None = None, most: int = 200, since: int | None = None
) -> Sequence[Any]:
    """Incidents, the unresolved first, then the newest first; of one model, and open after a moment."""
    held = tables.incidents.c
    query = sa.select(tables.incidents).order_by(held.status == "resolved", held.id.desc())
    query = query if model is None else query.where(held.model == model)
    if since is not None:
        query = query.where(sa.or_(held.resolved_at.is_(None), held.resolved_at >= since))
    return connection.execute(query.limit(most)).all()


def open_count(connection: sa.Connection) -> int:
    """How many incidents are not resolved."""
    query = sa.select(sa.func.count()).select_from(tables.incidents)
    return int(connection.execute(query.where(tables.incidents.c.status != "resolved")).scalar_one())


def dossier(connection: sa.Connection, number: int) -> Dossier | None:
    """Everything about an incident; None when there is none with this number."""
    row = connection.execute(sa.select(tables.incidents).filter_by(id=number)).one_or_none()
    if row is None:
        return None

    def belonging(table: sa.Table, *order: Any) -> Sequence[Any]:
        return connection.execute(sa.select(table).filter_by(incident=number).order_by(*order)).all()

    return Dossier(
        row,
        _evidence(connection, row),
        belonging(tables.timeline, tables.timeline.c.id),
        belonging(tables.notifications, tables.notifications.c.id),
        belonging(tables.actions, tables.actions.c.proposed_at, tables.actions.c.id),
    )


def _evidence(connection: sa.Connection, row: Any) -> list[Any]:
    """The lines that opened the incident: breaches of its subjects, judged at that moment."""
    since = min((held.get("since", row.opened_at) for held in row.subjects.values()), default=row.opened_at)
    held = tables.verdicts.c
    query = (
        sa.select(tables.verdicts)
        .where(held.model == row.model, held.start >= since, held.start < row.opened_at)
        .where(held.known_at == row.opened_at, held.verdict == "breach")
        .order_by(held.alert.desc(), held.signal, held.subject, held.segment)
    )
    lines = connection.execute(query).all()
    return [line for line in lines if f"{line.signal}|{line.subject}|{line.segment}" in row.subjects]


def deployments_of(
    connection: sa.Connection, model: str, low: int | None = None, high: int | None = None
) -> Sequence[Any]:
    """A model's deployments, oldest first, in a span of event time."""
    query = sa.select(deployments).filter_by(model=model).order_by(deployments.c.at)
    query = query if low is None else query.where(deployments.c.at >= low)
    query = query if high is None else query.where(deployments.c.at < high)
    return connection.execute(query).all()
