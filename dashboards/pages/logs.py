"""The audit log, and the rows that were rejected."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response

from alerts import audit, tables
from collector.store.tables import rejected
from dashboards.pages.incident import LONGEST_NUMBER
from dashboards.web import PageRoute, Site

PAGE = 100


def routes(site: Site) -> APIRouter:
    """The routes of `/audit` and `/rejected`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/audit")
    def log(before: str = "") -> Response:
        with site.database.read() as connection:
            rows, more = _newest(connection, tables.audit, before)
            size = connection.execute(sa.select(sa.func.count()).select_from(tables.audit)).scalar_one()
            broken = audit.first_broken(connection)
            return site.page(
                connection, "audit.html", rows=rows, more=more, size=size, broken=broken, before=before
            )

    @router.get("/rejected")
    def rejects(before: str = "", model: str = "") -> Response:
        with site.database.read() as connection:
            held = {"model": model} if model else {}
            rows, more = _newest(connection, rejected, before, **held)
            return site.page(
                connection, "rejected.html", "traffic", rows=rows, more=more, before=before, model=model
            )

    return router


def _newest(connection: sa.Connection, table: sa.Table, before: str, **held: str) -> tuple[Any, int | None]:
    """A page of rows, newest first, and the id that the next page goes on from."""
    query = sa.select(table).filter_by(**held).order_by(table.c.id.desc()).limit(PAGE + 1)
    if before.isascii() and before.isdecimal() and len(before) <= LONGEST_NUMBER:
        query = query.where(table.c.id < int(before))
    rows = connection.execute(query).all()
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None
