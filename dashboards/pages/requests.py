"""A model's requests: throughput, latency and errors, by version and segment, and what they changed with."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from collector.schema import Schema
from collector.store.read import Reader
from collector.store.requests import RequestReader, newest_windows, windows_since
from collector.summarize import EVERYTHING
from collector.window import iso
from dashboards.api import moment_asked
from dashboards.charts.marks import Marks
from dashboards.charts.requests import errors_chart, latency_chart, throughput_chart
from dashboards.pages.model import RANGES, windows_asked
from dashboards.queries.incidents import deployments_of, incident_list
from dashboards.queries.models import model_state
from dashboards.queries.requests import History, total
from dashboards.queries.series import WINDOWS, Span
from dashboards.request_changes import Account, Deployed
from dashboards.request_figures import LEVELS, Figures
from dashboards.web import DataRoute, PageRoute, ProblemError, Site
from detectors.diagnosis.request_measures import ErrorShare, LatencyLevel

MEASURES = (LatencyLevel(50), LatencyLevel(99), ErrorShare())
MOST_WINDOWS = 2000


class Choice(NamedTuple):
    """Which requests are shown: a segment or "", a version or "", and where the windows begin or how many."""

    segment: str
    version: str
    since: int | None = None
    last: int = WINDOWS


def routes(site: Site) -> APIRouter:
    """The routes of `/models/{model}/requests` and of its JSON."""
    router, reader = APIRouter(), RequestReader()
    pages = APIRouter(route_class=PageRoute, include_in_schema=False)
    data = APIRouter(route_class=DataRoute, tags=["state"])

    @pages.get("/models/{model}/requests")
    def page(
        model: str,
        segment: str = EVERYTHING,
        version: str = "",
        last: Annotated[str, Query()] = str(WINDOWS),
    ) -> Response:
        schema = site.schema(model)
        most = windows_asked(last)
        with site.database.read() as connection:
            choice = Choice(segment, version, last=most)
            return _page(site, connection, schema, history(connection, reader, schema, choice), choice)

    @data.get("/v1/models/{model}/requests")
    def requests(model: str, since: str = "", segment: str = EVERYTHING, version: str = "") -> dict[str, Any]:
        """Requests by window, version and segment: the first windows from `since` on, or the newest."""
        schema = site.schema(model)
        choice = Choice(segment, version, moment_asked(since) if since else None)
        with site.database.read() as connection:
            found = history(connection, reader, schema, choice)
            return {"model": model} | _record(found, told(connection, found))

    router.include_router(pages)
    router.include_router(data)
    return router


def history(connection: sa.Connection, reader: RequestReader, schema: Schema, choice: Choice) -> History:
    """What was chosen.

    Raises:
        ProblemError: the model has no such segment.
    """
    column = choice.segment.partition("=")[0]
    if choice.segment != EVERYTHING and column not in schema.segments:
        known = ", ".join(schema.segments) or "none"
        raise ProblemError(
            404, f"{schema.model} has no segment {choice.segment!r}.", f"Its segments are by: {known}."
        )
    shape = Reader(connection, schema.model).shape
    if choice.since is None:
        starts = newest_windows(connection, schema.model, shape, choice.last)
    else:
        starts = windows_since(connection, schema.model, shape, choice.since, MOST_WINDOWS)
    return History(
        connection,
        reader,
        schema.model,
        shape,
        starts,
        schema.window.length,
        choice.segment,
        choice.version or None,
    )


def told(connection: sa.Connection, found: History) -> list[str]:
    """What changed in the windows, and with what."""
    if not found.starts:
        return []
    low, high = found.starts[0] - 2 * found.length, found.starts[-1] + found.length
    rows = deployments_of(connection, found.model, low, high)
    account = Account([Deployed(row.at, row.version) for row in rows], found.length)
    return account.told(found.series().changes(MEASURES))


def _record(found: History, changes: list[str]) -> dict[str, Any]:
    length, windows = found.length, found.windows()
    count, segments = found.by_segment()
    return {
        "windows": [
            {"start": iso(start), "end": iso(start + length)} | Figures.of(one, length).record()
            for start, one in windows.items()
        ],
        "versions": [
            {"version": name} | Figures.of(one, len(found.starts) * length).record()
            for name, one in found.by_version().items()
        ],
        "segments": [
            {"segment": name, "windows": count} | Figures.of(one, count * length).record()
            for name, one in segments.items()
        ],
        "changes": changes,
    }


def _page(site: Site, connection: sa.Connection, schema: Schema, found: History, choice: Choice) -> Response:
    state = model_state(connection, schema)
    windows, length, count = found.windows(), found.length, len(found.starts)
    low, high = (found.starts[0], found.starts[-1] + length) if found.starts else (0, length)
    incidents = incident_list(connection, schema.model, since=low)
    marks = Marks(Span(low, high, length), deployments_of(connection, schema.model, low, high), incidents)
    shown = [choice.version] if choice.version else found.versions
    drawn = [
        throughput_chart({name: found.windows(name) for name in shown}, marks),
        latency_chart(windows, marks),
        errors_chart(windows, marks),
    ]
    newest, segments = found.by_segment()
    return site.page(
        connection,
        "requests.html",
        watch="traffic",
        state=state,
        choice=choice,
        charts=[one for one in drawn if one is not None],
        events=marks.keys(),
        changes=told(connection, found),
        whole=Figures.of(total(windows.values()), count * length),
        by_version={name: Figures.of(one, count * length) for name, one in found.by_version().items()},
        by_segment={name: Figures.of(one, newest * length) for name, one in segments.items()},
        known_versions=found.versions,
        known_segments=sorted({*segments, *([choice.segment] if choice.segment else [])}),
        newest=newest,
        count=count,
        ranges=RANGES,
        levels=LEVELS,
    )
