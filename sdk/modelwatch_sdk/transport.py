"""One persistent HTTP connection to the collector."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import secrets
import socket
from typing import NamedTuple

from modelwatch_sdk import wire
from modelwatch_sdk.backoff import parse_retry_after
from modelwatch_sdk.batch import Batch
from modelwatch_sdk.options import Options, parse_endpoint

_MOST_ANSWER = 16 << 20  # bytes of an answer that are read
_GRAVEYARD: list[object] = []


class Reply(NamedTuple):
    """What came back.

    Attributes:
        status: The HTTP status; 0 when there was no answer.
        body: The answer's body, or for status 0 what went wrong, as UTF-8.
        retry_after: Seconds that the collector asks to wait.
        stale: Nothing came back on a connection that had been idle: the other side may have closed it.
    """

    status: int
    body: bytes
    retry_after: float | None = None
    stale: bool = False


class Transport:
    """Posts batches over one connection, which it opens when needed.

    Only one thread posts; `abort` may come from another.
    """

    def __init__(self, options: Options, producer: str) -> None:
        self._options = options
        self._connection: http.client.HTTPConnection | None = None
        self._prefix = ""
        self._headers = {
            "Content-Type": wire.CONTENT_TYPE,
            "User-Agent": "modelwatch-sdk",
            wire.PRODUCER: producer,
        }
        if options.token is not None:
            self._headers["Authorization"] = f"Bearer {options.token}"

    def post(self, batch: Batch, dropped: int) -> Reply:
        """Sends a batch and waits for the answer, at most the timeout for each step. Never raises.

        Args:
            batch: What to send.
            dropped: How many events this process has dropped so far.
        """
        reused = self._connection is not None and self._connection.sock is not None
        try:
            return self._exchange(batch, dropped)
        except Exception as error:  # noqa: BLE001 - sockets, TLS, HTTP and name resolution have families of their own
            self.close()
            return Reply(
                0,
                f"{type(error).__name__}: {error}".encode(),
                stale=reused and isinstance(error, ConnectionError),
            )

    def _exchange(self, batch: Batch, dropped: int) -> Reply:
        connection = self._connection or self._open()
        headers = {**self._headers, wire.IDEMPOTENCY_KEY: batch.key, wire.DROPPED: str(dropped)}
        # A collector that refuses a large body may answer and stop reading: the answer is there all the same.
        with contextlib.suppress(BrokenPipeError):
            connection.request("POST", self._prefix + wire.PATH, b"".join(batch.lines), headers)
        answer = connection.getresponse()
        body = answer.read(_MOST_ANSWER)
        if not answer.isclosed():
            self.close()
        return Reply(answer.status, body, parse_retry_after(answer.headers.get("Retry-After")))

    def _open(self) -> http.client.HTTPConnection:
        address = parse_endpoint(self._options.endpoint)
        kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
        self._prefix = address.prefix
        self._connection = kind(address.host, address.port, timeout=self._options.timeout)
        return self._connection

    def abort(self) -> None:
        """Wakes the thread that posts; its post() ends with status 0."""
        connection = self._connection
        sock = None if connection is None else connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def discard(self) -> None:
        """Closes the handle only, in a forked child: the parent goes on with the connection.

        close() would wait for ever for a lock of the answer that the parent's thread holds while it reads;
        so would garbage collection, hence the graveyard.
        """
        connection = self._connection
        sock = None if connection is None else connection.sock
        if sock is not None:
            _GRAVEYARD.append(connection)
            with contextlib.suppress(OSError):
                os.close(sock.detach())


def producer_id() -> str:
    """Names this process: host-pid-random.

    >>> producer_id() != producer_id()
    True
    """
    host = re.sub(r"[^A-Za-z0-9._]", "_", socket.gethostname())[:64] or "host"
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
