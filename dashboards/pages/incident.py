"""Incidents: the list, and one with everything about it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from alerts.line import describe
from collector.window import MICROSECOND
from dashboards.pages.model import feature_link
from dashboards.queries.incidents import dossier, incident_list
from dashboards.web import PageRoute, ProblemError, Site

LONGEST_NUMBER = 15  # digits: a database's integers end somewhere


def routes(site: Site) -> APIRouter:
    """The routes of `/incidents` and `/incidents/{id}`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/incidents")
    def incidents(model: str = "") -> Response:
        with site.database.read() as connection:
            rows = incident_list(connection, model or None)
            return site.page(connection, "incidents.html", rows=rows, model=model, describe=describe)

    @router.get("/incidents/{number}")
    def incident(number: str) -> Response:
        with site.database.read() as connection:
            found = dossier(connection, incident_number(number))
            if found is None:
                raise missing_incident(number)
            return site.page(
                connection,
                "incident.html",
                found=found,
                row=found.row,
                subjects=subjects(site, found.row),
                describe=describe,
                link=feature_link,
                features=site.schemas[found.row.model].features if found.row.model in site.schemas else {},
            )

    return router


def incident_number(text: str) -> int:
    """The number of an incident.

    Raises:
        ProblemError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise missing_incident(text)
    return int(text)


def missing_incident(text: str) -> ProblemError:
    """There is no such incident."""
    return ProblemError(404, f"There is no incident {text[:40]!r}.", "All of them are on /incidents.")


def subjects(site: Site, row: Any) -> list[dict[str, Any]]:
    """The signals of an incident with their state, those in breach first."""
    schema = site.schemas.get(row.model)
    length = schema.window.size // MICROSECOND if schema else None
    found = []
    for key, held in row.subjects.items():
        signal, subject, segment = key.split("|", 2)
        known = schema is not None and subject in schema.features
        found.append(
            {
                "name": describe(key),
                "signal": signal,
                "segment": segment,
                "link": feature_link(row.model, subject) if known else None,
                "oks": held.get("oks", 0),
                "since": held.get("since"),
                "last": held.get("last"),
                "value": held.get("value"),
                "length": length,
            }
        )
    return sorted(found, key=lambda one: (one["oks"] > 0, one["name"]))
