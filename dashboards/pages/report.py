"""A window's full report by evidently, made on request from the stored samples."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from collector.schema import Schema
from collector.window import iso, microseconds
from dashboards import words
from dashboards.queries.samples import Pair, samples_of
from dashboards.web import SECURITY, PageRoute, ProblemError, Site

KEPT = 4  # reports, about 2 MB each
PATIENCE_SECONDS = 60.0  # for a report that another one asked for
# evidently's scripts, and words that may be anybody's, have no part in the site
APART = "frame-ancestors 'self'; sandbox allow-scripts allow-downloads"
FRAMED = {"Content-Security-Policy": f"{SECURITY['Content-Security-Policy']}; frame-src 'self'"}


class Reports:
    """The newest reports, packed. One is made at a time: each takes seconds of a core."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, str], bytes] = OrderedDict()
        self._making = threading.Lock()

    def packed(self, schema: Schema, start: int, pair: Pair) -> bytes:
        """The report of a window, compressed.

        Raises:
            ProblemError: there is nothing to report on, or too many ask at once.
        """
        key = schema.model, start, pair.digest
        if not self._making.acquire(timeout=PATIENCE_SECONDS):
            raise ProblemError(503, "Other reports are being made.", "Try again in a minute.")
        try:
            if key not in self._kept:
                self._kept[key] = _made(schema, start, pair)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]
        finally:
            self._making.release()


def _made(schema: Schema, start: int, pair: Pair) -> bytes:
    from dashboards.evidently import ReportError, report_page  # noqa: PLC0415 - pandas is slow to import

    title = f"{schema.model}, {words.moment(start, schema.window.length)}"
    try:
        page = report_page(pair.reference, pair.window, title, (pair.sentence(),))
    except ReportError as error:
        raise ProblemError(404, f"{error}.", "See docs/report.md for what a report needs.") from None
    return gzip.compress(page.encode(), 6)


def routes(site: Site) -> APIRouter:
    """The routes of `/models/{model}/windows/{start}/report`, and of what it frames."""
    router, reports = APIRouter(route_class=PageRoute, include_in_schema=False), Reports()

    @router.get("/models/{model}/windows/{start}/report")
    def report(model: str, start: str) -> Response:
        schema = site.schema(model)
        moment = window_start(schema, start)
        with site.database.read() as connection:
            pair = samples_of(connection, schema, moment)
            page = site.page(
                connection,
                "report.html",
                watch="",
                schema=schema,
                start=moment,
                length=schema.window.length,
                pair=pair,
            )
        page.headers.update(FRAMED)
        return page

    @router.get("/models/{model}/windows/{start}/report.html")
    def framed(model: str, start: str, request: Request) -> Response:
        from dashboards.evidently import POLICY  # noqa: PLC0415 - as above

        schema = site.schema(model)
        moment = window_start(schema, start)
        with site.database.read() as connection:
            pair = samples_of(connection, schema, moment)
        packed = reports.packed(schema, moment, pair)
        headers = {"Content-Security-Policy": f"{POLICY}; {APART}"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HTMLResponse(gzip.decompress(packed), headers=headers)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return HTMLResponse(packed, headers=headers)

    return router


def window_start(schema: Schema, text: str) -> int:
    """The start of the window that a moment, in ISO 8601, lies in; microseconds.

    Raises:
        ProblemError: it is no moment.
    """
    try:
        return schema.window.start(microseconds(datetime.fromisoformat(text)))
    except (ValueError, OverflowError):
        raise ProblemError(
            404, f"{text[:40]!r} is no window.", f"Write its start, such as {iso(schema.window.start(0))}."
        ) from None
