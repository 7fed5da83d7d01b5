"""One model over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from collector.schema import Schema
from collector.summarize import EVERYTHING
from collector.window import iso
from dashboards.charts.figure import Chart
from dashboards.charts.heat import heat_chart
from dashboards.charts.lines import lines_chart, signal_chart
from dashboards.charts.marks import Marks
from dashboards.charts.volume import volume_chart
from dashboards.queries.incidents import deployments_of, incident_list
from dashboards.queries.models import ModelState, model_state
from dashboards.queries.series import (
    WINDOWS,
    Series,
    Span,
    newest_breaches,
    newest_starts,
    series,
)
from dashboards.queries.traffic import traffic
from dashboards.web import PageRoute, ProblemError, Site
from detectors.performance.metrics import METRICS

RANGES = (50, 100, WINDOWS, 2000)
BREACHES_SHOWN = 40
OUTPUT = {"drift.prediction": "(prediction)", "drift.multivariate": "(all features)"}


def windows_asked(last: str) -> int:
    """How many windows to show: one of `RANGES`; what is no such number is the usual one."""
    return int(last) if last.isdecimal() and int(last) in RANGES else WINDOWS


def routes(site: Site) -> APIRouter:
    """The route of `/models/{model}`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/models/{model}")
    def model(
        model: str, segment: str = EVERYTHING, last: Annotated[str, Query()] = str(WINDOWS)
    ) -> Response:
        schema = site.schema(model)
        most = windows_asked(last)
        with site.database.read() as connection:
            return _page(site, connection, schema, segment, most)

    return router


def _page(site: Site, connection: sa.Connection, schema: Schema, segment: str, most: int) -> Response:
    state = model_state(connection, schema)
    span = span_of(connection, state, most)
    offered = sorted({line.segment for line in state.lines} - {EVERYTHING})
    if segment != EVERYTHING and segment not in offered:
        raise ProblemError(
            404, f"{schema.model} has no segment {segment!r}.", "Choose one on the model's page."
        )
    marks = Marks(
        span,
        deployments_of(connection, schema.model, span.low, span.high),
        incident_list(connection, schema.model, since=span.low),
    )
    found = series(connection, schema.model, span, segment)
    charts = signal_charts(schema, found, marks)
    if state.start is not None:
        volume = traffic(connection, schema.model, state.shape, span, segment)
        charts.append(volume_chart(volume, marks))
    return site.page(
        connection,
        "model.html",
        state=state,
        charts=charts,
        events=marks.keys(),
        segment=segment,
        segments=offered,
        last=most,
        ranges=RANGES,
        features=feature_rows(schema, state, segment),
        deployments=deployments_of(connection, schema.model)[::-1],
        link=feature_link,
        breaches=newest_breaches(connection, schema.model, span, BREACHES_SHOWN),
    )


def span_of(connection: sa.Connection, state: ModelState, most: int) -> Span:
    """The time that the newest judged windows cover, up to the newest event."""
    window = state.schema.window
    starts = newest_starts(connection, state.schema.model, most)
    ends = [state.judged_until or 0, (state.start or 0) + window.length]
    low = starts[0] if starts else state.start or 0
    return Span(low, max(ends), window.length)


def signal_charts(schema: Schema, found: Series, marks: Marks) -> list[Chart]:
    """Performance, drift, latency and objectives, as far as there are any."""
    metrics = [name for name in METRICS[schema.task] if (f"performance.{name}", "") in found]
    charts = [
        signal_chart(
            f"performance-{name}", f"Performance: {name}", found[f"performance.{name}", ""], marks, height
        )
        for name, height in zip(metrics, (280, 180, 180), strict=False)
    ]
    drift = _drift(schema, found)
    if drift:
        links = {name: feature_link(schema.model, name) for name in schema.features}
        charts.append(heat_chart(drift, links, marks))
    latency = _named(found, "latency.")
    if latency:
        charts.append(lines_chart("latency", "Latency (ms)", latency, marks))
    for name, lines in _named(found, "slo.").items():
        good = all(line.lower is None for line in lines)  # an objective on a metric has an interval
        charts.append(signal_chart(f"slo-{name}", f"Objective: {name}", lines, marks, 180, share=good))
    return charts


def _drift(schema: Schema, found: Series) -> dict[str, Sequence[Any]]:
    """Drift by feature in the schema's order, then of what the model says, then of whole rows."""
    rows = {
        name: found[signal, name]
        for name in schema.features
        for signal in ("drift.univariate", "drift.multivariate")
        if (signal, name) in found
    }
    return rows | {shown: found[signal, ""] for signal, shown in OUTPUT.items() if (signal, "") in found}


def _named(found: Series, family: str) -> dict[str, Sequence[Any]]:
    """The series of a family that have a subject of their own, by the rest of their name."""
    names = sorted(signal for signal, subject in found if signal.startswith(family) and not subject)
    return {signal.removeprefix(family): found[signal, ""] for signal in names}


def feature_link(model: str, feature: str, line: Any = None) -> str:
    """The address of a feature's page; at the window and segment of a line."""
    address = f"/models/{model}/features/{quote(feature, safe='')}"
    if line is None:
        return address
    query = {"from": iso(line.start), "to": iso(line.start)}
    return f"{address}?{urlencode(query | ({'segment': line.segment} if line.segment else {}))}"


def feature_rows(schema: Schema, state: ModelState, segment: str) -> list[Mapping[str, Any]]:
    """Each feature with its newest drift and missing values, in the schema's order."""
    newest = {(line.signal, line.subject): line for line in state.lines if line.segment == segment}
    return [
        {
            "name": name,
            "kind": spec.kind,
            "link": feature_link(schema.model, name),
            "drift": newest.get(("drift.univariate", name)) or newest.get(("drift.multivariate", name)),
            "missing": newest.get(("quality.missing", name)),
            "breaches": [
                line.signal
                for (_, subject), line in newest.items()
                if subject == name and line.verdict == "breach"
            ],
        }
        for name, spec in schema.features.items()
    ]
