"""KServe's inference logger, and Seldon's: requests and responses as CloudEvents, each half on its own."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from pydantic import Field, model_validator
from starlette.requests import ClientDisconnect

from collector.intake import Intake
from collector.schema import Part, Schema
from collector.sources.cloud_events import CloudEvent, events_of
from collector.sources.door import Door, gauge
from collector.sources.frame import UnreadableError
from collector.sources.half_reading import refusal
from collector.sources.logged import Service, packed, service_name, service_of
from collector.sources.pairing import Pairing
from collector.sources.request import UNAVAILABLE, Bodies, RefusedError, unavailable
from collector.sources.waiting import REFUSED, REQUEST, RESPONSE, Half
from collector.store.database import Database
from collector.validation.decode import BadBodyError
from detectors import Duration, parse_duration

LARGEST_BODY = 32 * 1024 * 1024
LONGEST_ID = 500
SELDON = "io.seldon."
BUSY = 429


class KServe(Part):
    """Takes what inference loggers send.

    Attributes:
        name: tells several sources of this kind apart.
        path: where loggers post to.
        services: which inference service is which monitored model.
        orphan_timeout: how long a request waits for its response, or the other way round.
        largest_body: in bytes; what is larger is refused unread.
    """

    kind: Literal["kserve"] = "kserve"
    name: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")
    path: str = Field(default="/v1/kserve", pattern="^/")
    services: tuple[Service, ...]
    orphan_timeout: Duration = parse_duration("60s")
    largest_body: int = Field(default=LARGEST_BODY, gt=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.services:
            raise ValueError("services: there is none; say which service is which monitored model")
        if len(self._by_name()) < len(self.services):
            raise ValueError("services: one is named twice; give each service one entry")
        return self

    def _by_name(self) -> dict[str, Service]:
        return {one.service: one for one in self.services}

    @property
    def source(self) -> str:
        """Its name in the books."""
        return f"kserve:{self.name}" if self.name else "kserve"

    def ready(self) -> None:
        """Nothing that the file does not say is needed."""

    def beside(self, folder: Path) -> Self:  # noqa: ARG002 - other sources have paths in them
        """The source as read from a file in a folder."""
        return self

    def pairing(self, database: Database, schemas: Mapping[str, Schema]) -> Pairing:
        """What turns stored halves into predictions."""
        return Pairing(self.source, self._by_name(), self.orphan_timeout, database, schemas)

    def run(
        self,
        database: Database,
        schemas: Mapping[str, Schema],
        stop: threading.Event,
        registry: CollectorRegistry,
    ) -> None:
        """Pair what the route stores until `stop` is set."""
        gauge(registry, database, self.source)
        self.pairing(database, schemas).run(stop)

    def router(
        self,
        intake: Intake,  # noqa: ARG002 - what it stores is committed by `run`
        database: Database,
        schemas: Mapping[str, Schema],  # noqa: ARG002 - the same
    ) -> APIRouter:
        """The route that stores each half, and answers once it is durable."""
        routes, bodies, door = APIRouter(tags=["ingest"]), Bodies(self.largest_body), Door(database)

        async def stored(request: Request) -> JSONResponse:
            try:
                async with bodies.read(request) as body:
                    plain = bytes(await run_in_threadpool(body.plain))
                    halves = await run_in_threadpool(self._halves, request.headers, plain)
                    await door.store(halves)
                    return JSONResponse({"stored": len(halves)})
            except RefusedError as refused:
                if refused.status != BUSY:
                    fault = UnreadableError(refused.field, None, str(refused), refused.fix)
                    event = events_of({**request.headers, "content-type": ""}, b"")[0]
                    await door.store([self._refused(event, fault)])
                return refused.answer()

        async def take(request: Request) -> JSONResponse:
            """Take a CloudEvent of an inference logger."""
            try:
                return await stored(request)
            except UNAVAILABLE as error:
                return unavailable(error).answer()
            except ClientDisconnect:
                return RefusedError(400, "body", "it ended early", "send all of it").answer()

        routes.add_api_route(self.path, take, methods=["POST"], name="take_kserve")
        return routes

    def _halves(self, headers: Mapping[str, str], body: bytes) -> list[Half]:
        try:
            return [self._half(event) for event in events_of(headers, body)]
        except BadBodyError as error:
            fault = UnreadableError("body", None, str(error), error.fix)
            return [self._refused(CloudEvent({}, body), fault)]

    def _half(self, event: CloudEvent) -> Half:
        try:
            identity, part = self._identity(event.attributes)
        except UnreadableError as fault:
            return self._refused(event, fault)
        return Half(self.source, identity, part, _now(), packed(event))

    def _identity(self, attributes: Mapping[str, str]) -> tuple[str, str]:
        """The id that both halves share, and which of them this is."""
        kind = attributes.get("type", "")
        part = kind.rpartition(".")[2]
        if part not in (REQUEST, RESPONSE):
            fix = "send org.kubeflow.serving.inference.request and .response"
            raise UnreadableError("Ce-Type", kind, "neither a request nor a response", fix)
        service = service_name(attributes)
        if service_of(attributes, self._by_name()) is None:
            fix = f"add it under services: in the source's file; there are {sorted(self._by_name())}"
            raise UnreadableError("Ce-Inferenceservicename", service, "no such service is configured", fix)
        own = attributes.get("id", "")
        own = attributes.get("requestid", own) if kind.startswith(SELDON) else own
        if not 0 < len(own) <= LONGEST_ID or "\x00" in own:
            fix = f"send the request's id, 1 to {LONGEST_ID} characters"
            raise UnreadableError("Ce-Id", own[:LONGEST_ID], "requests and responses are matched by it", fix)
        return f"{service}/{own}", part

    def _refused(self, event: CloudEvent, fault: UnreadableError) -> Half:
        """What is no half, to be put on the books with its reason."""
        service = service_of(event.attributes, self._by_name())
        raw = f"{dict(event.attributes)} {event.data[:1000].decode(errors='replace')}"
        body = refusal(service.model if service else "", fault, raw)
        return Half(self.source, secrets.token_hex(16), REFUSED, _now(), body)  # each is one event


def _now() -> int:
    return time.time_ns() // 1000
