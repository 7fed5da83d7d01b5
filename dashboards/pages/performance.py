"""How good one model is: measured, estimated, by version and by segment, and fair or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from collector.schema import Schema
from collector.store.read import Reader
from collector.summarize import EVERYTHING
from dashboards.charts.figure import Chart
from dashboards.charts.lines import beside_chart, signal_chart
from dashboards.charts.marks import Marks
from dashboards.charts.outcomes import coverage_chart, reliability, reliability_chart, residuals_chart
from dashboards.pages.confusion import confusion_of
from dashboards.pages.model import RANGES, span_of, windows_asked
from dashboards.queries.coverage import coverage
from dashboards.queries.incidents import deployments_of, incident_list
from dashboards.queries.models import ModelState, model_state
from dashboards.queries.performance import Performance, performance
from dashboards.queries.series import WINDOWS, Series, Span, series
from dashboards.queries.worst_slice import worst_slice_of
from dashboards.web import PageRoute, ProblemError, Site
from detectors.performance.metrics import DEFAULTS
from profiles import BinaryOutcomes, RegressionOutcomes

MEASURED, ESTIMATED, ERROR, GAP = (
    "performance.",
    "performance.estimated.",
    "performance.estimation_error.",
    "fairness.",
)
CHARTS = 4  # metrics that are drawn; the table has all
Pair = tuple[Sequence[Any], Sequence[Any]]


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see: a segment, a version ("" for all), so many windows, and the worst slice."""

    segment: str
    version: str
    last: int
    slice: bool = False


def routes(site: Site) -> APIRouter:
    """The route of `/models/{model}/performance`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/models/{model}/performance")
    def page(
        model: str,
        segment: str = EVERYTHING,
        version: str = "",
        last: Annotated[str, Query()] = str(WINDOWS),
        slice: str = "",  # noqa: A002 - the name in the address
    ) -> Response:
        schema = site.schema(model)
        most = windows_asked(last)
        with site.database.read() as connection:
            return _page(site, connection, schema, Asked(segment, version, most, slice == "worst"))

    return router


def _page(site: Site, connection: sa.Connection, schema: Schema, asked: Asked) -> Response:
    state = model_state(connection, schema)
    span = shown_span(connection, state, asked.last)
    shown = asked_for(connection, schema, span, asked)
    segments = sorted({line.segment for line in state.lines} - {EVERYTHING})
    marks = Marks(
        span,
        deployments_of(connection, schema.model, span.low, span.high),
        incident_list(connection, schema.model, since=span.low),
    )
    found = series(connection, schema.model, span, asked.segment)
    estimated = {name: pair for name, pair in pairs(schema.task, found).items() if pair[1]}
    errors = _named(found, ERROR)
    return site.page(
        connection,
        "performance.html",
        state=state,
        asked=asked,
        ranges=RANGES,
        segments=segments,
        versions=[one.name for one in shown.versions],
        shown=shown,
        names=(names := shown.names),
        columns=[name for name in DEFAULTS[schema.task] if name in names],
        charts=_charts(schema, found, marks),
        small=_small_charts(found, marks),
        estimated=bool(estimated),
        unreliable=[name for name, lines in errors.items() if _disagree(lines)],
        events=marks.keys(),
        gaps=gaps_of(state, asked),
        pictures=_pictures(connection, schema, span, shown, asked),
        bins=bins_of(shown),
        confusion=confusion_of(shown.whole.outcomes),
        worst=worst_slice_of(connection, schema, span, asked.segment, asked.version) if asked.slice else None,
    )


def _disagree(lines: Sequence[Any]) -> bool:
    """Whether labels disagreed with the estimate when there were last enough of them."""
    return next((line.verdict for line in reversed(lines) if line.verdict != "insufficient"), "") == "breach"


def shown_span(connection: sa.Connection, state: ModelState, most: int) -> Span:
    """The time that the newest judged windows cover, or those with predictions while none has been judged."""
    span = span_of(connection, state, most)
    if state.lines:
        return span
    starts = Reader(connection, state.schema.model).starts("production")[-most:]
    return replace(span, low=min([*starts[:1], span.low]))


def asked_for(connection: sa.Connection, schema: Schema, span: Span, asked: Asked) -> Performance:
    """The performance that somebody asked for.

    Raises:
        ProblemError: there is no such segment or version.
    """
    costs = getattr(schema, "costs", None)
    found = performance(connection, schema.model, span, asked.segment, asked.version or None, costs)
    if asked.segment != EVERYTHING and not found.versions:
        raise ProblemError(
            404,
            f"{schema.model} has no segment {asked.segment!r} in these windows.",
            "Choose one on the model's page, or more windows.",
        )
    served = [one.name for one in found.versions]
    if asked.version and asked.version not in served:
        raise ProblemError(
            404,
            f"{schema.model} has no version {asked.version!r} in these windows.",
            f"There are: {', '.join(served) or 'none'}.",
        )
    return found


def pairs(task: str, found: Series) -> Mapping[str, Pair]:
    """The series of each metric, measured and estimated; the task's usual ones first."""
    measured = _named(found, MEASURED)
    estimated = _named(found, ESTIMATED)
    names = [*DEFAULTS[task], *measured, *estimated]
    return {
        name: (measured.get(name, ()), estimated.get(name, ()))
        for name in dict.fromkeys(names)
        if "." not in name and (name in measured or name in estimated)
    }


def bins_of(shown: Performance) -> Any:
    """The bins of the calibration curve; empty of other tasks, and without labels."""
    outcomes = shown.whole.outcomes
    return reliability(outcomes) if isinstance(outcomes, BinaryOutcomes) else []


def gaps_of(state: ModelState, asked: Asked) -> list[Any]:
    """The newest line of every gap between groups; none where one segment was asked for."""
    whole = asked.segment == EVERYTHING
    return [line for line in state.lines if whole and line.signal.startswith(GAP)]


def _named(found: Series, family: str) -> dict[str, Sequence[Any]]:
    """The series of all rows of a family, by the rest of their name."""
    names = sorted(signal for signal, subject in found if signal.startswith(family) and not subject)
    return {signal.removeprefix(family): found[signal, ""] for signal in names}


def _charts(schema: Schema, found: Series, marks: Marks) -> list[Chart]:
    """Measured beside estimated."""
    return [
        beside_chart(
            f"performance-{name}", name, pair, ("measured", "estimated"), marks, 180 if place else 260
        )
        for place, (name, pair) in enumerate(list(pairs(schema.task, found).items())[:CHARTS])
    ]


def _small_charts(found: Series, marks: Marks) -> list[Chart]:
    """How far estimates were off, and gaps between groups."""
    charts = [
        signal_chart(f"error-{name}", f"How far estimates of {name} were off", lines, marks, 150)
        for name, lines in _named(found, ERROR).items()
    ]
    gaps = [(key, lines) for key, lines in sorted(found.items()) if key[0].startswith(GAP)]
    return charts + [
        signal_chart(f"gap-{place}", f"Gap by {subject}: {signal.removeprefix(GAP)}", lines, marks, 150)
        for place, ((signal, subject), lines) in enumerate(gaps)
    ]


def _pictures(
    connection: sa.Connection, schema: Schema, span: Span, shown: Performance, asked: Asked
) -> list[Chart]:
    """What is known of the whole time: calibration or residuals, and how fast labels come."""
    outcomes = shown.whole.outcomes
    found: list[Chart | None] = []
    if isinstance(outcomes, BinaryOutcomes) and (bins := reliability(outcomes)):
        found.append(reliability_chart(bins))
    if isinstance(outcomes, RegressionOutcomes):
        found.append(residuals_chart(outcomes))
    starts = [*range(span.low, span.high, span.length)]
    found.append(coverage_chart(coverage(connection, schema, starts, asked.segment, asked.version or None)))
    return [one for one in found if one is not None]
