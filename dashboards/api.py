"""The same facts as JSON, and what people decide: acknowledge, approve."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts import tables as alerting
from alerts.incidents import acknowledge
from alerts.remediation import approve
from collector.window import microseconds
from dashboards import records
from dashboards.pages.incident import incident_number, missing_incident
from dashboards.queries.changes import fingerprints
from dashboards.queries.models import model_state
from dashboards.web import DataRoute, ProblemError, Site

MOST_VERDICTS = 10_000


class Person(BaseModel):
    """Who decides."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(min_length=1, max_length=200)


def json_only(request: Request) -> None:
    """Forms of other sites cannot send JSON without asking first, and they are never allowed to."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(415, f"{kind or 'no content type'} is not taken here", "send application/json")


def routes(site: Site) -> APIRouter:
    """The routes under `/v1`, and `/version`."""
    router = APIRouter(route_class=DataRoute, tags=["state"])

    @router.get("/version", include_in_schema=False)
    def version() -> dict[str, str]:
        with site.database.read() as connection:
            return fingerprints(connection)

    @router.get("/v1/status")
    def status() -> dict[str, Any]:
        """Models, books, incidents, actions, deployments and notifications."""
        with site.database.read() as connection:
            states = [model_state(connection, schema) for schema in site.schemas.values()]
            return {
                "models": [records.model(state) for state in states],
                "books": records.books(connection),
                "incidents": records.incidents(connection),
                "actions": records.actions(connection),
                "deployments": records.deployments(connection),
                "notifications": records.notifications(connection),
            }

    _history(site, router)
    _decisions(site, router)
    return router


def _history(site: Site, router: APIRouter) -> None:
    """The route of a model's verdicts."""

    @router.get("/v1/models/{model}/verdicts")
    def verdicts(
        model: str,
        since: str = "",
        signal: str = "",
        subject: str | None = None,
        segment: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_VERDICTS)] = 1000,
    ) -> dict[str, Any]:
        """Lines, ascending by window: the first from `since` on, or the newest when it is left out."""
        wanted = {"signal": signal or None, "subject": subject, "segment": segment}
        held = {"model": site.schema(model).model} | {k: v for k, v in wanted.items() if v is not None}
        table = alerting.verdicts.c
        query = sa.select(alerting.verdicts).filter_by(**held).limit(limit)
        if since:
            query = query.where(table.start >= moment_asked(since)).order_by(table.start, table.id)
        else:
            query = query.order_by(table.start.desc(), table.id.desc())
        with site.database.read() as connection:
            rows = connection.execute(query).all()
        return {"model": model, "verdicts": [records.line(row) for row in (rows if since else rows[::-1])]}


def _decisions(site: Site, router: APIRouter) -> None:
    """The routes that change something."""

    @router.post("/v1/incidents/{number}/acknowledge", dependencies=[Depends(json_only)])
    def take_incident(number: str, person: Person) -> dict[str, Any]:
        """Somebody takes care of an open incident."""
        with site.database.write() as connection:
            taken = acknowledge(connection, incident_number(number), person.by)
            query = sa.select(alerting.incidents).filter_by(id=incident_number(number))
            row = connection.execute(query).one_or_none()
        if row is None:
            raise missing_incident(number)
        if not taken:
            by = f" by {row.acknowledged_by}" if row.acknowledged_by else ""
            raise ProblemError(
                409, f"incident {row.id} is {row.status}{by}", "only an open one can be acknowledged"
            )
        return records.incident(row)

    @router.post("/v1/actions/{action}/approve", dependencies=[Depends(json_only)])
    def approve_action(action: str, person: Person) -> dict[str, Any]:
        """An action that waits for approval may go ahead."""
        with site.database.write() as connection:
            approved = approve(connection, action, person.by)
            row = connection.execute(sa.select(alerting.actions).filter_by(id=action)).one_or_none()
        if row is None:
            raise ProblemError(
                404, f"there is no action {action[:40]!r}", "all of them are in GET /v1/status"
            )
        if not approved:
            raise ProblemError(
                409, f"action {row.name} is {row.state}", "only one that is awaiting can be approved"
            )
        return records.action(row)


def moment_asked(text: str) -> int:
    """A time from a query.

    Raises:
        ProblemError: it is none.
    """
    for candidate in (text, text.replace(" ", "+")):  # a query's + arrives as a space
        try:
            return microseconds(datetime.fromisoformat(candidate))
        except ValueError:
            continue
    raise ProblemError(400, f"since={text[:40]!r} is not a time", "send ISO 8601: 2024-05-01T10:00:00Z")
