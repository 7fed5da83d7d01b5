"""All models, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from markupsafe import Markup

from collector.schema import Schema
from collector.store import tables
from collector.summarize import EVERYTHING
from dashboards.charts.lines import summary
from dashboards.charts.spark import sparkline
from dashboards.queries.models import ModelState, model_state
from dashboards.queries.series import Span, newest_starts, one_series, worst_drift
from dashboards.web import PageRoute, Site
from detectors.performance.metrics import METRICS

SPARK_WINDOWS = 60
ORDER = ("breach", "insufficient", "learning", "ok")


@dataclass(frozen=True)
class Trend:
    """A value now, its threshold, and a sparkline of how it came there."""

    name: str
    value: float | None = None
    limit: float | None = None
    verdict: str = ""
    picture: Markup | None = None


@dataclass(frozen=True)
class Entry:
    """A model's row."""

    state: ModelState
    performance: Trend
    drift: Trend


def routes(site: Site) -> APIRouter:
    """The route of `/`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/")
    def overview() -> Response:
        with site.database.read() as connection:
            entries = [_entry(connection, schema) for schema in site.schemas.values()]
            entries.sort(key=lambda entry: (ORDER.index(entry.state.health), entry.state.schema.model))
            books = connection.execute(
                sa.select(tables.books).order_by(tables.books.c.model, tables.books.c.source)
            ).all()
            return site.page(
                connection,
                "overview.html",
                "judged traffic",
                entries=entries,
                books=books,
                counts=_counts(entries),
            )

    return router


def _counts(entries: Sequence[Entry]) -> dict[str, int]:
    """How many models there are of each health."""
    every = [entry.state.health.value for entry in entries]
    return {health: every.count(health) for health in ORDER}


def _entry(connection: sa.Connection, schema: Schema) -> Entry:
    state = model_state(connection, schema)
    starts = newest_starts(connection, schema.model, SPARK_WINDOWS)
    if not starts:
        return Entry(state, Trend(main_metric(state)), Trend("drift"))
    return Entry(state, _performance(connection, state, starts), _drift(connection, schema, starts[0]))


def main_metric(state: ModelState) -> str:
    """The task's first metric that this model has values of; its first when it has none."""
    names = list(METRICS[state.schema.task])
    known = {line.signal for line in state.lines if line.value is not None}
    return next((name for name in names if f"performance.{name}" in known), names[0])


def _performance(connection: sa.Connection, state: ModelState, starts: Sequence[int]) -> Trend:
    name = main_metric(state)
    span = Span(starts[0], starts[-1] + 1, state.schema.window.length)
    subject = (f"performance.{name}", "", EVERYTHING)
    lines = one_series(connection, state.schema.model, subject, span)
    judged = [line for line in lines if line.value is not None]
    if not judged:
        return Trend(name)
    values = [line.value if line.verdict != "insufficient" else None for line in lines]
    bad = [line.verdict == "breach" for line in lines]
    picture = sparkline(values, bad, summary(name, lines))
    return Trend(name, judged[-1].value, judged[-1].threshold, judged[-1].verdict, picture)


def _drift(connection: sa.Connection, schema: Schema, since: int) -> Trend:
    """The largest drift relative to its threshold."""
    points: Sequence[Any] = worst_drift(connection, schema.model, since)
    judged = [point for point in points if point.ratio is not None]
    if not judged:
        return Trend("drift")
    bad = [bool(point.breaches) for point in points]
    told = f"largest drift relative to its threshold: {judged[-1].ratio:.2f}"
    told += f"; {sum(bad)} of {len(bad)} windows in breach"
    picture = sparkline([point.ratio for point in points], bad, told, limit=1.0)
    return Trend("drift", judged[-1].ratio, 1.0, "breach" if judged[-1].breaches else "ok", picture)
