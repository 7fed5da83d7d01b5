"""The objectives of one model, and what is left of their error budgets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response

from collector.schema import Schema
from collector.window import MICROSECOND
from dashboards.charts.budget import budget_chart
from dashboards.charts.figure import Chart
from dashboards.charts.marks import Marks
from dashboards.queries.incidents import deployments_of, incident_list
from dashboards.queries.models import model_state
from dashboards.queries.objectives import Standing, standings
from dashboards.queries.series import Span
from dashboards.records import objective
from dashboards.web import DataRoute, PageRoute, Site
from detectors.burn import show_length


def routes(site: Site) -> APIRouter:
    """The routes of `/models/{model}/objectives` and its JSON."""
    router = APIRouter()
    pages = APIRouter(route_class=PageRoute, include_in_schema=False)
    data = APIRouter(route_class=DataRoute, tags=["state"])

    @pages.get("/models/{model}/objectives")
    def page(model: str) -> Response:
        schema = site.schema(model)
        with site.database.read() as connection:
            return _page(site, connection, schema)

    @data.get("/v1/models/{model}/objectives")
    def objectives(model: str) -> dict[str, Any]:
        """Objectives with their error budgets and burn rates; shares and rates are plain numbers."""
        schema = site.schema(model)
        with site.database.read() as connection:
            found = [objective(one) for one in standings(connection, schema)]
        return {"model": model, "objectives": found}

    router.include_router(pages)
    router.include_router(data)
    return router


def _page(site: Site, connection: sa.Connection, schema: Schema) -> Response:
    found = standings(connection, schema)
    return site.page(
        connection,
        "objectives.html",
        state=model_state(connection, schema),
        standings=[(one, _chart(connection, schema, one)) for one in found],
        told=show_length,
    )


def _chart(connection: sa.Connection, schema: Schema, one: Standing) -> Chart | None:
    """What was left of the budget over the period; None where there is no budget, or nothing in it."""
    if not one.slo.budgeted or not one.events[1]:
        return None
    window = schema.window.length
    end = one.budget.bins[-1][0] + window
    low = max(end - one.slo.period // MICROSECOND, one.budget.bins[0][0])
    span = Span(low, end, window)
    marks = Marks(
        span,
        deployments_of(connection, schema.model, low, end),
        [
            row
            for row in incident_list(connection, schema.model, since=low)
            if f"{one.slo.signal}||{one.slo.segment}" in row.subjects
        ],
    )
    return budget_chart(one.slo.name, one.course(), marks)
