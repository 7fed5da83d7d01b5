"""Requests: their bodies within bounds, their idempotency keys, and what is refused as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import JSONResponse

from collector.sources.encoding import ENCODINGS, EncodingError, TooLargeError, inflated
from collector.sources.room import Room

LONGEST_KEY = 200
RETRY_SECONDS = "1"
# it is down, full, or takes no writes, as after a failover; nothing was stored
UNAVAILABLE = (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
MOST_HELD = 4  # so many bodies of the largest size are held at a time, or more that are smaller


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


def busy(reason: str) -> RefusedError:
    """The refusal of a request that is fine, but comes at a bad time."""
    return RefusedError(429, "", reason, "send it again after Retry-After")


def unavailable(error: sa.exc.SQLAlchemyError) -> RefusedError:
    """The refusal for one of the errors in `UNAVAILABLE`."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    reason = f"the database does not answer: {cause}"
    return RefusedError(503, "", reason, "send it again after Retry-After")


@dataclass(frozen=True)
class Body:
    """A request's body as it was sent."""

    sent: memoryview
    encoding: str
    largest: int

    def plain(self) -> bytes:
        """The body without its compression, as `buffer`."""
        return bytes(self.buffer())

    def buffer(self) -> bytes | memoryview:
        """The body without its compression, not copied; takes a while, so it is for a thread.

        Raises:
            RefusedError: it cannot be inflated, or is too large then.
        """
        if self.encoding == "identity":
            return self.sent
        try:
            return inflated(bytes(self.sent), self.encoding, self.largest)
        except EncodingError as error:
            fix = "send what Content-Encoding says"
            raise RefusedError(400, "body", str(error), fix) from None
        except TooLargeError as error:
            raise RefusedError(413, "body", str(error), "split the batch") from None


class Bodies:
    """Reads bodies, and holds so many bytes of them at a time.

    Args:
        largest: of one body, in bytes.
    """

    def __init__(self, largest: int) -> None:
        self._largest, self._held = largest, 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[Body]:
        """The body, for as long as it is worked on; refused as soon as it is known to be too large.

        Raises:
            RefusedError: it is too large, compressed in a way that is not known, or one too many.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._largest:
            raise self._too_large(f"the body has {declared} bytes")
        encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
        if encoding not in (*ENCODINGS, "identity"):
            fix = f"send it uncompressed, or as {' or '.join(ENCODINGS)}"
            raise RefusedError(415, "Content-Encoding", f"{encoding!r} is not read", fix)
        size = 0 if encoding == "identity" else self._largest  # it may inflate to this
        self._held += size
        spare, room = size, Room(int(declared) if declared.isdecimal() else None)
        try:
            async for chunk in request.stream():
                size += len(chunk)
                self._held += len(chunk)
                if size - spare > self._largest:
                    raise self._too_large(f"the body has over {self._largest} bytes")
                if self._held > MOST_HELD * self._largest:
                    raise busy("too many requests at a time")
                room.add(chunk)
            yield Body(room.view(), encoding, self._largest)
        finally:
            self._held -= size

    def _too_large(self, reason: str) -> RefusedError:
        return RefusedError(413, "body", reason, f"send at most {self._largest} bytes; split the batch")


def idempotency_key(given: str | None, digest: str, rejected: Sequence[int]) -> str:
    """The key that the client sent, or one made of what it sent.

    A key that is made here covers which rows were rejected too: sent again when the monitor, or the clock,
    has been put right, the same body is another delivery.

    Raises:
        RefusedError: the key is empty or too long.
    """
    if given is None:
        return f"xxh3:{digest}" + (
            ":" + hashlib.sha256(repr(rejected).encode()).hexdigest() if rejected else ""
        )
    if not 0 < len(given) <= LONGEST_KEY:
        reason = f"has {len(given)} characters"
        raise RefusedError(400, "Idempotency-Key", reason, f"send 1 to {LONGEST_KEY} characters")
    return given
