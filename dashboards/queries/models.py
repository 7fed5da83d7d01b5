"""How a model is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from alerts import tables as alerting
from collector.schema import Schema
from collector.store import tables
from collector.summarize import AT_PREDICTION, EVERYTHING
from dashboards.queries.newest import newest_lines, of_now

SILENT_SIGNAL = "quality.freshness"  # that nothing came on time says nothing of how good the model is


class Health(StrEnum):
    """A model's state in a word."""

    OK = "ok"
    BREACH = "breach"
    INSUFFICIENT = "insufficient"
    LEARNING = "learning"


@dataclass(frozen=True)
class ModelState:
    """A model now.

    Attributes:
        schema: its schema.
        watermark: the latest event time in microseconds; None before the first event.
        shape: the digest of its profiles' shape, or None.
        judged_until: the end of the newest judged window, or None.
        start: the start of the newest window with predictions, or None.
        versions: the versions that served in that window, with their rows.
        lines: the newest line of every signal.
        incidents: the open ones, oldest first.
        action: the newest, or None.
    """

    schema: Schema
    watermark: int | None = None
    shape: str | None = None
    judged_until: int | None = None
    start: int | None = None
    versions: dict[str, int] = field(default_factory=dict)
    lines: Sequence[Any] = ()
    incidents: Sequence[Any] = ()
    action: Any = None

    @property
    def rows(self) -> int:
        """The predictions of the newest window that has any."""
        return sum(self.versions.values())

    @property
    def health(self) -> Health:
        """From open incidents and the newest judged windows."""
        lines = of_now(self.lines)
        if self.incidents or any(line.verdict == "breach" for line in lines):
            return Health.BREACH
        whole = [line for line in lines if line.segment == EVERYTHING and line.signal != SILENT_SIGNAL]
        learning = any((line.diagnosis or "").startswith("learning") for line in whole)
        if learning or (self.start is not None and not self.lines):
            return Health.LEARNING
        return Health.OK if any(line.verdict == "ok" for line in whole) else Health.INSUFFICIENT


def model_state(connection: sa.Connection, schema: Schema) -> ModelState:
    """Read a model's state."""
    model = schema.model
    row = connection.execute(sa.select(tables.models).filter_by(model=model)).one_or_none()
    if row is None:
        return ModelState(schema)
    start, versions = _serving(connection, model)
    incidents = alerting.incidents
    unresolved = sa.select(incidents).where(incidents.c.model == model, incidents.c.status != "resolved")
    newest = sa.select(alerting.actions).filter_by(model=model)
    newest = newest.order_by(alerting.actions.c.proposed_at.desc(), alerting.actions.c.incident.desc())
    return ModelState(
        schema=schema,
        watermark=row.watermark or None,
        shape=row.shape,
        judged_until=connection.execute(
            sa.select(alerting.progress.c.judged_until).filter_by(model=model)
        ).scalar(),
        start=start,
        versions=versions,
        lines=newest_lines(connection, schema),
        incidents=connection.execute(unresolved.order_by(incidents.c.id)).all(),
        action=connection.execute(newest.limit(1)).one_or_none(),
    )


def _serving(connection: sa.Connection, model: str) -> tuple[int | None, dict[str, int]]:
    """The newest window with predictions, and the rows of each version in it."""
    held = tables.profiles.c
    newest = sa.select(sa.func.max(held.start)).where(held.model == model, held.role == "production")
    start = connection.execute(newest).scalar()
    if start is None:
        return None, {}
    query = sa.select(held.version, held.rows).where(
        held.model == model,
        held.role == "production",
        held.start == start,
        held.known == AT_PREDICTION,
        held.segment == EVERYTHING,
    )
    found = connection.execute(query.order_by(held.rows.desc()))
    return int(start), {version: int(rows) for version, rows in found}
