"""Everything that people and tools read, as one router."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from collector.schema import Schema
from collector.store.database import Database
from dashboards import api, assets, gate, performance_data
from dashboards.pages import (
    feature,
    incident,
    logs,
    model,
    objectives,
    overview,
    performance,
    report,
    requests,
    versions,
)
from dashboards.web import PageRoute, Site


def router(database: Database, schemas: Mapping[str, Schema], demo: bool = False) -> APIRouter:
    """The pages, their JSON, and what they load.

    Args:
        database: what they show.
        schemas: every monitored model's schema, by name.
        demo: whether to say on every page that this is the demo.
    """
    site = Site(database, schemas, demo)
    routes = APIRouter()
    for part in (
        overview,
        model,
        feature,
        incident,
        logs,
        performance,
        report,
        objectives,
        requests,
        versions,
    ):
        routes.include_router(part.routes(site))
    routes.include_router(api.routes(site))
    routes.include_router(gate.routes(site))
    routes.include_router(performance_data.routes(site))
    routes.include_router(assets.routes(PageRoute))
    return routes
