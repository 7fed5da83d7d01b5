"""Requests to inference servers with their responses, posted together: for servers without CloudEvents."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from pydantic import Field

from collector.batch import Batch
from collector.delivery import Delivery
from collector.intake import BusyError, Intake
from collector.schema import Part, Schema
from collector.sources.frame import UnreadableError
from collector.sources.http import JSON_TYPES, LARGEST_BODY, LINE_TYPES, MOST_EVENTS, REFUSED, refusal
from collector.sources.layout import Event, Layout
from collector.sources.reading import Reading
from collector.sources.request import Bodies, Body, RefusedError, idempotency_key
from collector.store.database import Database
from collector.validation.columns import named
from collector.validation.decode import BadBodyError, event_of_line, events_of_json, lines_of_ndjson
from collector.validation.validate import Validator

SHARED = ("timestamp", "latency_ms", "status", "tags")
SOURCE = "inference"
PLAIN = Layout()


class Inference(Part):
    """Takes requests with their responses.

    Attributes:
        models: how the bodies of each model are read, where it does not follow from its monitor.
        largest_body: in bytes; what is larger is refused unread.
    """

    kind: Literal["inference"] = "inference"
    models: Mapping[str, Layout] = Field(default_factory=dict)
    largest_body: int = Field(default=LARGEST_BODY, gt=0)

    @property
    def source(self) -> str:
        """Its name in the books."""
        return SOURCE

    def ready(self) -> None:
        """Nothing that the file does not say is needed."""

    def beside(self, folder: Path) -> Self:  # noqa: ARG002 - other sources have paths in them
        """The source as read from a file in a folder."""
        return self

    def run(
        self,
        database: Database,  # noqa: ARG002 - the route does everything
        schemas: Mapping[str, Schema],  # noqa: ARG002 - the same
        stop: threading.Event,
        registry: CollectorRegistry,  # noqa: ARG002 - the same
    ) -> None:
        """Wait until `stop` is set: the route does everything."""
        stop.wait()

    def read(self, rows: list[Any], schemas: Mapping[str, Schema]) -> Reading:
        """The predictions of some rows."""
        reading = Reading(schemas)
        for row in rows:
            if isinstance(row, BadBodyError):
                reading.refuse("", UnreadableError("body", row.raw, str(row), row.fix), row.raw)
                continue
            if not isinstance(row, dict):
                fix = 'send {"model": ..., "request": {...}, "response": {...}}'
                fault = UnreadableError("", row, f"expected an object, got {named(row)}", fix)
                reading.refuse("", fault, row)
                continue
            model = row.get("model")
            layout = self.models.get(model, PLAIN) if isinstance(model, str) else PLAIN
            reading.pair(model, layout, row.get("request"), row.get("response"), _base(row), row)
        return reading

    def router(
        self,
        intake: Intake,
        database: Database,  # noqa: ARG002 - the intake commits
        schemas: Mapping[str, Schema],
    ) -> APIRouter:
        """The route `POST /v1/inference`.

        Args:
            intake: where deliveries are queued.
            database: where they are committed.
            schemas: every monitored model's schema, by name.
        """
        routes, bodies, validator = (
            APIRouter(prefix="/v1", tags=["ingest"]),
            Bodies(self.largest_body),
            Validator(schemas),
        )

        def batch(request: Request, sent: Body) -> Batch:
            body = bytes(sent.plain())
            rows = _rows(request.headers.get("content-type", ""), body)
            read = self.read(rows, schemas).batch(validator, time.time())
            return replace(read, digest=hashlib.sha256(body).hexdigest())

        async def take_inference(
            request: Request, given: Annotated[str | None, Header(alias="Idempotency-Key")] = None
        ) -> JSONResponse:
            """Take requests with their responses: one, a JSON array, or NDJSON."""
            try:
                if intake.full:
                    raise BusyError
                async with bodies.read(request) as body:
                    read = await run_in_threadpool(batch, request, body)
                key = idempotency_key(given, read.digest, [item.row for item in read.rejections])
                receipt, _ = await asyncio.wrap_future(intake.submit(Delivery(SOURCE, read, key)))
            except RefusedError as refused:
                return refused.answer()
            except REFUSED as error:
                return refusal(error).answer()
            bad = receipt.rejected and receipt.rejected == receipt.received
            return JSONResponse(asdict(receipt), 422 if bad else 200)

        routes.add_api_route("/inference", take_inference, methods=["POST"])
        return routes


def _rows(content_type: str, body: bytes) -> list[Any]:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind not in (*JSON_TYPES, *LINE_TYPES):
        known = "application/json or application/x-ndjson"
        raise RefusedError(415, "Content-Type", f"{kind!r} is not read", f"send {known}")
    try:
        if kind in LINE_TYPES:
            rows = [event_of_line(line) for line in lines_of_ndjson(body)]
        else:
            rows = events_of_json(body, "inferences")
    except BadBodyError as error:
        raise RefusedError(400, "body", str(error), error.fix) from None
    if len(rows) > MOST_EVENTS:
        raise RefusedError(413, "body", f"it holds {len(rows)} requests", f"send at most {MOST_EVENTS}")
    return rows


def _base(row: dict[str, Any]) -> Event:
    """What a prediction is told beside the bodies; the bodies' own ids serve where there is no other."""
    bodies = [body for body in (row.get("response"), row.get("request")) if isinstance(body, dict)]
    given = {name: row[name] for name in SHARED if row.get(name) is not None}
    ids = [row.get("id"), *(body.get("id") for body in bodies)]
    return given | {
        "id": next((one for one in ids if one not in (None, "")), None),
        "version": row.get("version"),
    }
