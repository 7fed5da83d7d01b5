"""Rows of the database as the JSON objects that tools read. Times are ISO 8601, UTC."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alerts import tables as alerting
from alerts.line import Line
from collector.store import tables
from collector.window import iso
from dashboards.queries.models import ModelState
from dashboards.queries.objectives import Standing
from detectors import Verdict
from detectors.burn import show_length

Record = dict[str, Any]
MOST = 1000


def time(moment: int | None) -> str | None:
    """A moment, or None."""
    return None if moment is None else iso(moment)


def model(state: ModelState) -> Record:
    """A model's state."""
    return {
        "model": state.schema.model,
        "task": state.schema.task,
        "health": state.health.value,
        "watermark": time(state.watermark),
        "judged_until": time(state.judged_until),
        "shape": state.shape,
        "versions": state.versions,
        "rows": state.rows,
        "open_incidents": len(state.incidents),
    }


def line(row: Any) -> Record:
    """A verdict as `modelwatch analyze` prints it."""
    values = {name: getattr(row, name) for name in Line.__dataclass_fields__}
    return Line(**values | {"verdict": Verdict(row.verdict)}).public()


def objective(one: Standing) -> Record:
    """An objective, its budget and how fast that burns."""
    bad, events = one.events
    held = one.slo.model_dump(mode="json", exclude_none=True)
    spent_in = one.spent_in
    return held | {
        "signal": one.slo.signal,
        "verdict": None if one.line is None else one.line.verdict,
        "diagnosis": None if one.line is None else one.line.diagnosis,
        "good": events - bad,
        "bad": bad,
        "ratio": one.ratio,
        "interval": one.interval,
        "budget_left": one.left,
        "spent_in_seconds": None if spent_in is None else spent_in.total_seconds(),
        "burn_rates": [
            {
                "window": show_length(rate.limit.length),
                "rate": rate.long,
                "short_rate": rate.short,
                "limit": rate.limit.rate,
                "severity": rate.limit.severity,
            }
            for rate in one.rates
        ],
        "breaches": [
            {
                "from": iso(breach.start),
                "to": iso(breach.last.end),
                "windows": breach.windows,
                "incident_id": breach.incident.id if breach.incident else None,
            }
            for breach in one.breaches
        ],
    }


def incident(row: Any) -> Record:
    """An incident."""
    suspect = row.suspect and row.suspect | {"at": time(row.suspect["at"])}
    names = ("id", "model", "rule", "severity", "status", "title", "resolution", "acknowledged_by")
    times = {"opened_at": time(row.opened_at), "resolved_at": time(row.resolved_at)}
    return (
        {name: getattr(row, name) for name in names}
        | times
        | {
            "suspect": suspect,
            "subjects": list(row.subjects),
        }
    )


def action(row: Any) -> Record:
    """An action."""
    names = ("id", "model", "kind", "name", "state", "from_version", "to_version", "attempts", "note")
    times = {name: time(getattr(row, name)) for name in ("proposed_at", "executed_at", "finished_at")}
    return {name: getattr(row, name) for name in names} | times | {"incident_id": row.incident}


def books(connection: sa.Connection) -> list[Record]:
    """The books of every source and model."""
    query = sa.select(tables.books).order_by(tables.books.c.source, tables.books.c.model)
    return [dict(row) for row in connection.execute(query).mappings()]


def incidents(connection: sa.Connection) -> list[Record]:
    """The newest incidents, oldest first."""
    return [incident(row) for row in _newest(connection, alerting.incidents, alerting.incidents.c.id)]


def actions(connection: sa.Connection) -> list[Record]:
    """The newest actions, oldest first."""
    return [action(row) for row in _newest(connection, alerting.actions, alerting.actions.c.proposed_at)]


def deployments(connection: sa.Connection) -> list[Record]:
    """The newest deployments, oldest first."""
    rows = _newest(connection, tables.deployments, tables.deployments.c.at)
    names = ("model", "version", "by", "reason")
    return [{name: getattr(row, name) for name in names} | {"at": time(row.at)} for row in rows]


def notifications(connection: sa.Connection) -> list[Record]:
    """The newest notifications, oldest first."""
    rows = _newest(connection, alerting.notifications, alerting.notifications.c.id)
    names = ("model", "notifier", "kind", "state", "attempts", "error")
    return [{name: getattr(row, name) for name in names} | {"incident_id": row.incident} for row in rows]


def _newest(connection: sa.Connection, table: sa.Table, order: Any) -> list[Any]:
    rows = connection.execute(sa.select(table).order_by(order.desc()).limit(MOST)).all()
    return list(rows[::-1])
