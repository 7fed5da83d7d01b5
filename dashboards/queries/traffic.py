"""How many predictions came, by window and version, and how many of them have a label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from collector.store import tables
from collector.summarize import AT_PREDICTION
from dashboards.queries.series import Span


@dataclass(frozen=True)
class Traffic:
    """Rows by version and window start, and labels by window start."""

    versions: Mapping[str, Mapping[int, int]]
    labels: Mapping[int, int]

    @property
    def starts(self) -> list[int]:
        """The windows with predictions, ascending."""
        return sorted({start for rows in self.versions.values() for start in rows})


def traffic(connection: sa.Connection, model: str, shape: str | None, span: Span, segment: str) -> Traffic:
    """Count what came in a span of time; `shape` is that of the model's profiles."""
    held = tables.profiles.c
    # a literal: PostgreSQL takes two parameters for two expressions, and then misses one in GROUP BY
    made = (held.known == sa.literal_column(str(AT_PREDICTION))).label("made")
    query = (
        sa.select(held.version, held.start, made, sa.func.sum(held.rows))
        .where(held.model == model, held.role == "production", held.shape == shape, held.segment == segment)
        .where(held.start >= span.low, held.start < span.high)
        .group_by(held.version, held.start, made)
        .order_by(held.start)
    )
    versions: dict[str, dict[int, int]] = {}
    labels: dict[int, int] = {}
    for version, start, made_now, rows in connection.execute(query):
        if made_now:
            versions.setdefault(version, {})[start] = int(rows)
        else:
            labels[start] = labels.get(start, 0) + int(rows)
    return Traffic(versions, labels)
