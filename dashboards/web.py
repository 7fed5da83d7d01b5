"""What every page has: templates, security headers, and a page that says what was not found."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute

from collector.schema import Schema
from collector.store.database import Database
from collector.window import iso
from dashboards import assets, words
from dashboards.queries.changes import fingerprints
from dashboards.queries.incidents import open_count

SECURITY = {
    # plotly.js sets styles on elements; scripts are files of ours only
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
WORTH_PACKING = 4096
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ProblemError(Exception):
    """The request cannot be answered; says why, and what to do instead."""

    def __init__(self, status: int, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason, self.fix = status, reason, fix


class PageRoute(APIRoute):
    """A route whose answers have security headers, and whose problems are told as a page."""

    def get_route_handler(self) -> Handler:
        """The handler."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await handle(request)
            except ProblemError as problem:
                response = self.answer(problem)
            except RequestValidationError as error:
                wrong = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
                response = self.answer(ProblemError(422, "; ".join(wrong), "see /docs"))
            for name, value in SECURITY.items():
                response.headers.setdefault(name, value)
            response.headers.setdefault("Cache-Control", "no-cache")
            return _packed(response, request)

        return guarded

    def answer(self, problem: ProblemError) -> Response:
        """A problem as a page."""
        title = HTTPStatus(problem.status).phrase
        page = ENVIRONMENT.get_template("problem.html")
        return HTMLResponse(page.render(problem=problem, title=title), problem.status)


def _packed(response: Response, request: Request) -> Response:
    """The same, compressed where that pays: a page of a year of windows is half a megabyte of numbers."""
    body = bytes(response.body)
    wanted = "gzip" in request.headers.get("accept-encoding", "")
    if wanted and len(body) > WORTH_PACKING and "content-encoding" not in response.headers:
        response.body = gzip.compress(body, 1)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["Vary"] = "Accept-Encoding"
    return response


class DataRoute(PageRoute):
    """The same for JSON."""

    def answer(self, problem: ProblemError) -> Response:
        """A problem as JSON."""
        return JSONResponse({"reason": problem.reason, "fix": problem.fix}, problem.status)


@dataclass(frozen=True)
class Site:
    """What the pages are made from.

    Attributes:
        database: what they show.
        schemas: every monitored model's schema, by name.
        demo: whether to say that this is the demo.
    """

    database: Database
    schemas: Mapping[str, Schema]
    demo: bool = False

    def schema(self, model: str) -> Schema:
        """The schema of a model.

        Raises:
            ProblemError: it is not monitored.
        """
        if model not in self.schemas:
            known = ", ".join(sorted(self.schemas)) or "none"
            raise ProblemError(404, f"No model {model!r} is monitored.", f"Monitored are: {known}.")
        return self.schemas[model]

    def page(
        self, connection: sa.Connection, template: str, watch: str = "judged", **values: Any
    ) -> Response:
        """Render a page.

        Args:
            connection: for reading.
            template: its name.
            watch: which fingerprints, by name, the page is fetched again for.
            values: what the template shows.
        """
        # taken first: what is committed while the page is made leads to another look at it
        versions = fingerprints(connection)
        values |= {
            "watch": watch,
            "versions": versions,
            "demo": self.demo,
            "open_incidents": open_count(connection),
        }
        return HTMLResponse(ENVIRONMENT.get_template(template).render(values))


ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.globals |= {"asset": assets.address, "steps": words.steps, "report_link": words.report_link}
ENVIRONMENT.filters |= {
    "number": words.number,
    "share": words.share,
    "moment": words.moment,
    "window": words.window,
    "path": words.path,
    "duration": words.duration,
    "iso": iso,
}
