"""Prediction logs over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import asdict
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from collector.batch import Batch
from collector.decode import KINDS, BadBodyError, events_of_json, events_of_ndjson
from collector.intake import BusyError, Intake
from collector.validate import Validator

LARGEST_BODY = 32 * 1024 * 1024
LONGEST_KEY = 200
RETRY_SECONDS = "1"
JSON_TYPES = ("application/json", "text/json", "")
LINE_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")


class RefusedError(Exception):
    """The request as a whole is refused, with this status, reason and fix."""

    def __init__(self, status: int, field: str, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.status, self.field, self.reason, self.fix = status, field, reason, fix

    def answer(self) -> JSONResponse:
        """The response that says so."""
        error = {"field": self.field, "reason": self.reason, "fix": self.fix}
        headers = {"Retry-After": RETRY_SECONDS} if self.status in (429, 503) else None
        return JSONResponse({"errors": [error]}, self.status, headers=headers)


def router(intake: Intake, validator: Validator, largest_body: int = LARGEST_BODY) -> APIRouter:
    """The routes that take predictions, labels, deployments, and batches of all three.

    Args:
        intake: where deliveries are queued.
        validator: checks them against the monitors.
        largest_body: in bytes; larger bodies are refused before they are parsed.
    """
    routes = APIRouter(prefix="/v1", tags=["ingest"])

    async def take(request: Request, group: str, key: str | None) -> JSONResponse:
        try:
            body = await _body(request, largest_body)
            batch = await run_in_threadpool(_batch, validator, request, group, body)
            key = _key(key, body)
            receipt, again = await asyncio.wrap_future(intake.submit("http", key, batch))
        except RefusedError as refused:
            return refused.answer()
        except BusyError:
            return RefusedError(429, "", "the queue is full", "send it again after Retry-After").answer()
        except sa.exc.OperationalError as error:
            reason = f"the database does not answer: {error.orig}"
            return RefusedError(503, "", reason, "send it again after Retry-After").answer()
        bad = receipt.rejected and receipt.rejected == receipt.received
        headers = {"Idempotent-Replayed": "true"} if again else None
        return JSONResponse(asdict(receipt), 422 if bad else 200, headers=headers)

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


def _key(given: str | None, body: bytes) -> str:
    if given is None:
        return "sha256:" + hashlib.sha256(body).hexdigest()
    if not 0 < len(given) <= LONGEST_KEY:
        reason = f"has {len(given)} characters"
        raise RefusedError(400, "Idempotency-Key", reason, f"send 1 to {LONGEST_KEY} characters")
    return given


async def _body(request: Request, largest: int) -> bytes:
    """The body, refused as soon as it is known to be too large."""
    fix = f"send at most {largest} bytes; split the batch"
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > largest:
        raise RefusedError(413, "", f"the body has {declared} bytes", fix)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError(415, "Content-Encoding", "compressed bodies are not read", "send it uncompressed")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > largest:
            raise RefusedError(413, "", f"the body has over {largest} bytes", fix)
        chunks.append(chunk)
    return b"".join(chunks)


def _batch(validator: Validator, request: Request, group: str, body: bytes) -> Batch:
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        if content_type in LINE_TYPES:
            events = events_of_ndjson(body)
        elif content_type in JSON_TYPES:
            events = events_of_json(body, group)
        else:
            known = "application/json or application/x-ndjson"
            raise RefusedError(415, "Content-Type", f"{content_type!r} is not read", f"send {known}")
    except BadBodyError as error:
        raise RefusedError(400, "body", str(error), error.fix) from None
    return validator.batch(events, KINDS.get(group), time.time())
