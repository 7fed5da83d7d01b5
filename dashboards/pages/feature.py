"""One column of a model: its distribution beside the reference's, and its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from alerts.tables import verdicts
from collector.schema import Schema
from collector.store.read import Reader
from collector.summarize import EVERYTHING
from collector.window import iso
from dashboards.charts.distribution import distribution_chart
from dashboards.charts.figure import Chart
from dashboards.charts.lines import signal_chart
from dashboards.charts.marks import Marks
from dashboards.pages.columns import facts
from dashboards.pages.model import span_of
from dashboards.queries.feature import Column, Compared, columns, compare, reference_of, window_starts
from dashboards.queries.incidents import deployments_of, incident_list
from dashboards.queries.models import model_state
from dashboards.queries.series import WINDOWS, Series, series
from dashboards.web import PageRoute, ProblemError, Site

HISTORY = 30
EVENTS_OF = ("drift.", "quality.")


@dataclass(frozen=True)
class Choice:
    """What to show: windows from one start to another, of a segment."""

    low: str = ""
    high: str = ""
    segment: str = EVERYTHING

    def windows(self, starts: Sequence[int], judged_until: int | None) -> list[int]:
        """The chosen windows; the newest judged one where nothing that exists is chosen."""
        known = {iso(start): start for start in starts}
        complete = [start for start in starts if start < (judged_until or 0)] or starts
        high = known.get(self.high, complete[-1] if complete else 0)
        low = min(known.get(self.low, high), high)
        return [start for start in starts if low <= start <= high]


def routes(site: Site) -> APIRouter:
    """The route of `/models/{model}/features/{feature}`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/models/{model}/features/{feature:path}")
    def feature(
        model: str,
        feature: str,
        low: Annotated[str, Query(alias="from")] = "",
        high: Annotated[str, Query(alias="to")] = "",
        segment: str = EVERYTHING,
    ) -> Response:
        schema = site.schema(model)
        with site.database.read() as connection:
            return _page(site, connection, schema, feature, Choice(low, high, segment))

    return router


def _column(reader: Reader, schema: Schema, name: str) -> Column | None:
    """The column of a name; None before the model's first event.

    Raises:
        ProblemError: the model has no such column.
    """
    found = columns(reader, schema)
    column = next((one for one in found if one.name == name), None)
    if column is None and (found or name not in schema.features):
        known = ", ".join(one.name for one in found) or ", ".join(schema.features)
        raise ProblemError(404, f"{schema.model} has no feature {name!r}.", f"It has: {known}.")
    return column


def _page(site: Site, connection: sa.Connection, schema: Schema, name: str, choice: Choice) -> Response:
    reader = Reader(connection, schema.model)
    column = _column(reader, schema, name)
    state = model_state(connection, schema)
    offered = sorted({line.segment for line in state.lines} - {EVERYTHING})
    if choice.segment and choice.segment not in offered:
        raise ProblemError(
            404, f"{schema.model} has no segment {choice.segment!r}.", "Choose one on its page."
        )
    starts = window_starts(reader)
    chosen = choice.windows(starts, state.judged_until)
    compared, picture = _compared(connection, reader, schema, column, chosen, choice.segment)
    span = span_of(connection, state, WINDOWS)
    marks = Marks(
        span,
        deployments_of(connection, schema.model, span.low, span.high),
        incident_list(connection, schema.model, since=span.low),
    )
    found = _series_of(column, series(connection, schema.model, span, choice.segment))
    return site.page(
        connection,
        "feature.html",
        state=state,
        name=name,
        column=column,
        starts=starts,
        chosen=chosen,
        segment=choice.segment,
        segments=offered,
        compared=compared,
        facts=facts(compared.reference, compared.current) if compared else [],
        picture=picture,
        charts=[
            signal_chart(signal, signal, lines, marks, 180, share=signal.startswith("quality."))
            for signal, lines in found.items()
        ],
        events=marks.keys(),
        history=_history(connection, schema, column, choice.segment),
        length=schema.window.length,
    )


def _compared(
    connection: sa.Connection,
    reader: Reader,
    schema: Schema,
    column: Column | None,
    chosen: list[int],
    segment: str,
) -> tuple[Compared | None, Chart | None]:
    if column is None or not chosen:
        return None, None
    reference = reference_of(connection, reader, schema, chosen[-1])
    compared = compare(reader, reference, column, chosen, segment)
    return compared, distribution_chart((compared.reference, compared.current))


def _of_column(column: Column | None, signal: str) -> bool:
    """Whether a signal without a subject is about the column: of what the model says only its drift."""
    return column is not None and (bool(column.subject) or signal == "drift.prediction")


def _series_of(column: Column | None, found: Series) -> dict[str, Sequence[Any]]:
    """The column's signals, drift first."""
    subject = column.subject if column else ""
    mine = [signal for signal, name in found if name == subject and _of_column(column, signal)]
    return {signal: found[signal, subject] for signal in sorted(mine) if signal.startswith(EVENTS_OF)}


def _history(connection: sa.Connection, schema: Schema, column: Column | None, segment: str) -> Sequence[Any]:
    """The newest verdicts on the column."""
    subject = column.subject if column else ""
    query = sa.select(verdicts).filter_by(model=schema.model, subject=subject, segment=segment)
    if not subject:
        query = query.where(verdicts.c.signal == "drift.prediction")
    query = query.order_by(verdicts.c.start.desc(), verdicts.c.signal).limit(HISTORY)
    return connection.execute(query).all() if column else []
