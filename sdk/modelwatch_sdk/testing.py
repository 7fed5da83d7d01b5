"""A collector in miniature for an app's tests: it keeps what it is sent, and misbehaves on demand."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from modelwatch_sdk import wire


@dataclass(frozen=True)
class Answer:
    """How to answer one request.

    Attributes:
        status: The HTTP status. 200 applies the batch, unless its key was applied before.
        headers: Further headers.
        body: A body instead of the receipt.
        delay: Seconds before anything happens.
        drop: Close the connection instead of answering.
        apply: Apply the batch whatever the status: the answer is lost or wrong, the data is not.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    drop: bool = False
    apply: bool = False


@dataclass(frozen=True)
class Received:
    """One request, as it came in."""

    path: str
    headers: dict[str, str]
    rows: list[dict[str, Any]]

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.headers[wire.IDEMPOTENCY_KEY]


class FakeCollector:
    """Listens on the loopback interface from construction until `close`; also a context manager.

    Attributes:
        events: The rows of all applied batches, in the order of arrival.
        requests: All requests, whatever became of them.
        script: The answers to the next requests; 200 after that.
        connections: How many connections were made.
        most_rows: Batches of more rows are answered with 413.
        most_bytes: So are longer bodies.

    >>> collector = FakeCollector()
    >>> collector.script.append(Answer(503, headers={"Retry-After": "1"}))
    >>> collector.close()
    """

    def __init__(self, port: int = 0) -> None:
        self.events: list[dict[str, Any]] = []
        self.requests: list[Received] = []
        self.script: deque[Answer] = deque()
        self.connections = 0
        self.most_rows: float = math.inf
        self.most_bytes: float = math.inf
        self._keys: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(port, self)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def receive(self, request: Received, size: int) -> Answer:
        """Keeps a request and decides on the answer."""
        with self._lock:
            self.requests.append(request)
            answer = self.script.popleft() if self.script else Answer()
        if answer.delay:
            time.sleep(answer.delay)
        with self._lock:
            if len(request.rows) > self.most_rows or size > self.most_bytes:
                return Answer(413)
            if (answer.apply or answer.status == 200) and request.key not in self._keys:  # noqa: PLR2004 - HTTP
                self._keys.add(request.key)
                self.events.extend(request.rows)
        return answer

    def wait(self, events: int, timeout: float = 10.0) -> bool:
        """Waits, at most `timeout` seconds, until that many events are there; says whether they are."""
        deadline = time.monotonic() + timeout
        while len(self.events) < events and time.monotonic() < deadline:
            time.sleep(0.005)
        return len(self.events) >= events

    def cut(self) -> None:
        """Cuts the connections."""
        self._server.cut()

    def close(self) -> None:
        """Stops listening and cuts the connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> FakeCollector:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, collector: FakeCollector) -> None:
        self.collector = collector
        self._open: set[Any] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        self.collector.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        self.cut()

    def cut(self) -> None:
        for request in list(self._open):
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: tests cut connections on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms between its head and its body
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        rows = [json.loads(line) for line in body.splitlines()]
        answer = self.server.collector.receive(
            Received(self.path, dict(self.headers.items()), rows), len(body)
        )
        if answer.drop:
            self.close_connection = True
            return
        receipt = {"received": len(rows), "accepted": len(rows), "duplicate": 0, "rejected": 0, "errors": []}
        content = answer.body
        if content is None:
            content = json.dumps(receipt).encode() if answer.status == 200 else b"no"  # noqa: PLR2004 - HTTP
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a test's output is the test's."""
