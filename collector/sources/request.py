"""Requests: their bodies within bounds, their idempotency keys, and what is refused as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import Request
from fastapi.responses import JSONResponse

LONGEST_KEY = 200
RETRY_SECONDS = "1"
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


class Bodies:
    """Reads bodies, and holds so many bytes of them at a time.

    Args:
        largest: of one body, in bytes.
    """

    def __init__(self, largest: int) -> None:
        self._largest, self._held = largest, 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body, for as long as it is worked on; refused as soon as it is known to be too large.

        Raises:
            RefusedError: it is too large, compressed, or one too many.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._largest:
            raise self._too_large(f"the body has {declared} bytes")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise RefusedError(
                415, "Content-Encoding", "compressed bodies are not read", "send it uncompressed"
            )
        chunks, size = [], 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                self._held += len(chunk)
                if size > self._largest:
                    raise self._too_large(f"the body has over {self._largest} bytes")
                if self._held > MOST_HELD * self._largest:
                    raise busy("too many requests at a time")
                chunks.append(chunk)
            yield b"".join(chunks)
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
        return f"sha256:{digest}" + (
            ":" + hashlib.sha256(repr(rejected).encode()).hexdigest() if rejected else ""
        )
    if not 0 < len(given) <= LONGEST_KEY:
        reason = f"has {len(given)} characters"
        raise RefusedError(400, "Idempotency-Key", reason, f"send 1 to {LONGEST_KEY} characters")
    return given
