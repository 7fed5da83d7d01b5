"""Two versions of a model side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from collector.schema import Schema
from collector.store.read import Reader
from dashboards.charts.difference import difference_chart
from dashboards.charts.figure import Chart
from dashboards.charts.marks import Marks
from dashboards.charts.volume import volume_chart
from dashboards.comparing import Question, QuestionError, answered
from dashboards.pages.model import span_of
from dashboards.queries.incidents import deployments_of
from dashboards.queries.models import model_state
from dashboards.queries.series import WINDOWS, Span
from dashboards.queries.traffic import Traffic, traffic
from dashboards.queries.versions import Comparison, served
from dashboards.web import PageRoute, Site
from dashboards.words import path

DEPLOYMENTS_SHOWN = 20
NEWEST = 24  # windows that segments are looked up in


class Asked(Question):
    """A question, and the measure whose difference is drawn."""

    chart: str = ""


def routes(site: Site) -> APIRouter:
    """The route of `/models/{model}/versions`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/models/{model}/versions")
    def versions(model: str, asked: Annotated[Asked, Query()]) -> Response:
        schema = site.schema(model)
        with site.database.read() as connection:
            return _page(site, connection, schema, asked)

    return router


def _page(site: Site, connection: sa.Connection, schema: Schema, asked: Asked) -> Response:
    found: Comparison | None = None
    problem = ""
    try:
        found = answered(connection, schema, asked)
    except QuestionError as error:
        problem = str(error)
    charts = _charts(connection, schema, found, asked.chart)
    return site.page(
        connection,
        "versions.html",
        schema=schema,
        asked=asked,
        known=served(connection, schema.model),
        found=found,
        problem=problem,
        charts=charts,
        segments=_segments(connection, schema, found),
        gate=_gate(schema.model, asked, found),
        deployments=deployments_of(connection, schema.model)[::-1][:DEPLOYMENTS_SHOWN],
    )


def _gate(model: str, asked: Asked, found: Comparison | None) -> str:
    """The address of the same comparison for a delivery tool."""
    pair = {"baseline": found.choice.baseline, "candidate": found.choice.candidate} if found else {}
    given = asked.model_dump(exclude={"chart"}) | pair
    return f"/v1/models/{path(model)}/gate?{urlencode({k: v for k, v in given.items() if v})}"


def _segments(connection: sa.Connection, schema: Schema, found: Comparison | None) -> list[str]:
    """The segments of the newest windows that both serve in."""
    if found is None or not schema.segments:
        return []
    return [
        one for one in Reader(connection, schema.model).segments("production", found.windows[-NEWEST:]) if one
    ]


def _charts(connection: sa.Connection, schema: Schema, found: Comparison | None, drawn: str) -> list[Chart]:
    """The difference by the chosen measure, and who served how much."""
    span = span_of(connection, model_state(connection, schema), WINDOWS)
    if found is not None and found.windows:
        low, high = found.windows[0], found.windows[-1] + span.length
        margin = max((high - low) // 10 // span.length, 1) * span.length
        span = Span(low - margin, high + margin, span.length)
    marks = Marks(span, deployments_of(connection, schema.model, span.low, span.high))
    charts: list[Chart] = []
    looked = [one for one in found.differences if one.looks] if found else []
    if found is not None and looked:
        one = next((one for one in looked if one.measure.name == drawn), looked[0])
        starts = found.starts[one.measure.name]
        ends = [starts[look.windows - 1] + span.length for look in one.looks]
        charts.append(difference_chart(one, ends, marks))
    shape = Reader(connection, schema.model).shape
    if shape is not None:
        charts.append(
            _share(
                traffic(connection, schema.model, shape.digest, span, found.choice.segment if found else ""),
                marks,
            )
        )
    return charts


def _share(rows: Traffic, marks: Marks) -> Chart:
    """Traffic by version, each window as a whole."""
    chart = volume_chart(Traffic(rows.versions, {}), marks)
    axis = {"range": [0, 100], "ticksuffix": " %"}
    return replace(
        chart, title="Share of traffic", layout=chart.layout | {"barnorm": "percent", "yaxis": axis}
    )
