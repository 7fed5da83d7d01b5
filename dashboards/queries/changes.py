"""Has anything changed? Answered from ends of indexes and small tables, so that pages can ask every 2 s."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa

from alerts import tables as alerting
from collector.store import tables


def fingerprints(connection: sa.Connection) -> dict[str, str]:
    """Two texts that change when something committed changes.

    `judged` follows verdicts, incidents, notifications, actions, audit and deployments; `traffic` follows
    every delivery.
    """
    pending = sa.select(
        sa.func.count(),
        sa.func.sum(alerting.notifications.c.attempts),
    ).where(alerting.notifications.c.state == "pending")
    judged: list[Any] = [
        *(
            sa.select(sa.func.max(table.c.id))
            for table in (alerting.verdicts, alerting.timeline, alerting.notifications, alerting.audit)
        ),
        pending,
        sa.select(sa.func.count()).select_from(tables.deployments),
        sa.select(sa.func.sum(alerting.progress.c.judged_until)),
    ]
    traffic = [
        sa.select(sa.func.sum(tables.books.c.received)),
        sa.select(sa.func.sum(tables.models.c.watermark)),
        sa.select(sa.func.max(tables.rejected.c.id)),
    ]
    return {"judged": _digest(connection, judged), "traffic": _digest(connection, traffic)}


def _digest(connection: sa.Connection, queries: list[Any]) -> str:
    found = [tuple(connection.execute(query).one()) for query in queries]
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]
