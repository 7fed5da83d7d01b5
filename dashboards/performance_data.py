"""How good a model is, as JSON: the figures of the performance page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter

from collector.summarize import EVERYTHING
from collector.window import iso
from dashboards.api import moment_asked
from dashboards.pages.confusion import confusion_of
from dashboards.pages.performance import Asked, asked_for, bins_of, gaps_of, shown_span
from dashboards.queries.coverage import coverage
from dashboards.queries.models import ModelState, model_state
from dashboards.queries.performance import Measured
from dashboards.queries.series import WINDOWS, Span
from dashboards.queries.worst_slice import worst_slice_of
from dashboards.web import DataRoute, Site

Record = dict[str, Any]


def routes(site: Site) -> APIRouter:
    """The route of `/v1/models/{model}/performance`."""
    router = APIRouter(route_class=DataRoute, tags=["state"])

    @router.get("/v1/models/{model}/performance")
    def measured(
        model: str,
        since: str = "",
        segment: str = EVERYTHING,
        version: str = "",
        slice: Literal["", "worst"] = "",  # noqa: A002 - the name in the address
    ) -> dict[str, Any]:
        """Metrics with 95 % intervals, by version and by segment, of the windows since a moment.

        Without `since`, of the newest 400 judged windows. Shares are numbers from 0 to 1; what labels do not
        define is null. `slice=worst` searches the sampled rows for those on which the model does worst.
        """
        schema = site.schema(model)
        with site.database.read() as connection:
            state = model_state(connection, schema)
            span = shown_span(connection, state, WINDOWS)
            if since:
                low = schema.window.start(moment_asked(since))
                span = Span(low, max(span.high, low), span.length)
            return _answer(connection, state, span, Asked(segment, version, WINDOWS, bool(slice)))

    return router


def _answer(connection: sa.Connection, state: ModelState, span: Span, asked: Asked) -> Record:
    schema = state.schema
    found = asked_for(connection, schema, span, asked)
    starts = range(span.low, span.high, span.length)
    ages = coverage(connection, schema, starts, asked.segment, asked.version or None)
    table = confusion_of(found.whole.outcomes)
    more: Record = {}
    if asked.slice:
        worst = worst_slice_of(connection, schema, span, asked.segment, asked.version)
        more["worst_slice"] = worst and asdict(worst) | {"clear": worst.clear}
    return more | {
        "model": schema.model,
        "task": schema.task,
        "since": iso(max(span.low, found.since)),
        "until": iso(span.high),
        "segment": asked.segment or None,
        "version": asked.version or None,
        **_part(found.whole),
        "versions": [{"version": one.name, **_part(one)} for one in found.versions],
        "segments": [{"segment": one.name, **_part(one)} for one in found.segments],
        "segments_since": iso(max(span.low, found.segments_since)),
        "gaps": [_gap(one) for one in gaps_of(state, asked)],
        "calibration": [asdict(one) for one in bins_of(found)],
        "confusion": table and {"classes": table.classes, "counts": table.counts.tolist()},
        "coverage_by_age": [
            {"age_seconds": age, "share": share}
            for age, share in zip(ages.ages.tolist(), ages.shares.tolist(), strict=True)
        ],
    }


def _part(one: Measured) -> Record:
    metrics = {
        name: {"value": _known(figure.value), "lower": _known(figure.lower), "upper": _known(figure.upper)}
        for name, figure in one.figures.items()
    }
    return {"predictions": one.rows, "labels": one.labels, "coverage": one.coverage, "metrics": metrics}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _gap(row: Any) -> Record:
    kept: Sequence[str] = (
        "signal",
        "subject",
        "value",
        "lower",
        "upper",
        "threshold",
        "verdict",
        "diagnosis",
    )
    return {name: getattr(row, name) for name in kept} | {"window_start": iso(row.start)}
