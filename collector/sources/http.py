"""Prediction logs over HTTP."""

from __future__ import annotations

import asyncio
import time
import zlib
from dataclasses import asdict, replace
from typing import Annotated, Any

import sqlalchemy as sa
import xxhash
from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from collector.batch import Batch
from collector.delivery import Delivery, KeyReusedError
from collector.intake import BusyError, Intake
from collector.sources.request import (
    UNAVAILABLE,
    Bodies,
    Body,
    RefusedError,
    busy,
    idempotency_key,
    unavailable,
)
from collector.validation.arrow import arrow_batch
from collector.validation.decode import KINDS, BadBodyError, events_of_json, lines_of_json, lines_of_ndjson
from collector.validation.validate import Validator

LARGEST_BODY = 32 * 1024 * 1024
MOST_EVENTS = 200_000  # a small body can hold very many tiny events
ARROW_TYPE = "application/vnd.apache.arrow.stream"
JSON_TYPES = ("application/json", "text/json", "")
LINE_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
REFUSED = (BusyError, KeyReusedError, ClientDisconnect, *UNAVAILABLE)


def router(intake: Intake, validator: Validator, largest_body: int = LARGEST_BODY) -> APIRouter:
    """The routes that take predictions, labels, deployments, and batches of all three.

    Args:
        intake: where deliveries are queued.
        validator: checks them against the monitors.
        largest_body: in bytes; larger bodies are refused before they are parsed.
    """
    routes = APIRouter(prefix="/v1", tags=["ingest"])
    bodies = Bodies(largest_body)

    async def commit(request: Request, group: str, given: str | None) -> JSONResponse:
        if intake.full:
            raise BusyError
        async with bodies.read(request) as body:
            batch = await run_in_threadpool(_batch, validator, request, group, body)
        key = idempotency_key(given, batch.digest, [item.row for item in batch.rejections])
        receipt, again = await asyncio.wrap_future(intake.submit(Delivery("http", batch, key)))
        bad = receipt.rejected and receipt.rejected == receipt.received
        headers = {"Idempotent-Replayed": "true"} if again else None
        return JSONResponse(asdict(receipt), 422 if bad else 200, headers=headers)

    async def take(request: Request, group: str, key: str | None) -> JSONResponse:
        try:
            return await commit(request, group, key)
        except RefusedError as refused:
            return refused.answer()
        except REFUSED as error:
            return refusal(error).answer()

    def route(group: str) -> Any:
        async def endpoint(
            request: Request, idempotency_key: Annotated[str | None, Header()] = None
        ) -> JSONResponse:
            return await take(request, group, idempotency_key)

        endpoint.__doc__ = f"Take a batch of {group} as JSON or NDJSON."
        return endpoint

    for group in (*KINDS, "events"):
        routes.add_api_route(f"/{group}", route(group), methods=["POST"], name=f"take_{group}")
    return routes


def refusal(error: Exception) -> RefusedError:
    """How each of `REFUSED` is told to the client."""
    if isinstance(error, BusyError):
        return busy("the queue is full")
    if isinstance(error, KeyReusedError):
        fix = "send a key of its own with every batch"
        return RefusedError(422, "Idempotency-Key", str(error), fix)
    if isinstance(error, sa.exc.SQLAlchemyError):
        return unavailable(error)
    return RefusedError(400, "body", "it ended early", "send all of it")


def _batch(validator: Validator, request: Request, group: str, sent: Body) -> Batch:
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body = sent.buffer()
    model = request.query_params.get("model")
    seed = zlib.crc32(f"{group} {content_type} {model}".encode())
    digest = xxhash.xxh3_128_hexdigest(body, seed)
    try:
        if content_type == ARROW_TYPE:
            batch = arrow_batch(body, validator.schemas, KINDS.get(group), model, time.time())
            return replace(batch, digest=digest)
        if content_type in LINE_TYPES:
            lines: list[bytes] | None = lines_of_ndjson(bytes(body))
        elif content_type in JSON_TYPES:
            alike = validator.array(body, KINDS.get(group), time.time(), MOST_EVENTS)
            if alike is not None:
                return replace(alike, digest=digest)
            lines = lines_of_json(bytes(body))
        else:
            known = f"application/json, application/x-ndjson or {ARROW_TYPE}"
            raise RefusedError(415, "Content-Type", f"{content_type!r} is not read", f"send {known}")
        events = events_of_json(bytes(body), group) if lines is None else lines
    except BadBodyError as error:
        raise RefusedError(400, "body", str(error), error.fix) from None
    if len(events) > MOST_EVENTS:
        raise RefusedError(413, "body", f"it holds {len(events)} events", f"send at most {MOST_EVENTS}")
    read = validator.batch if lines is None else validator.lines
    batch = read(events, KINDS.get(group), time.time())
    return replace(batch, digest=digest)
