"""The pager of the person on call: receives Modelwatch's notifications, prints them, and remembers them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from rich.console import Console
from rich.markup import escape

STYLES = {"opened": "bold red", "escalated": "bold magenta", "resolved": "bold green"}


class Pager:
    """Listens on the loopback interface while its context is open.

    Attributes:
        messages: what came in, without repeats.
    """

    def __init__(self, port: int, console: Console) -> None:
        self.messages: list[dict[str, Any]] = []
        self._console = console
        self._seen: set[str] = set()
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    pager.take(json.loads(body))
                except (ValueError, KeyError, TypeError) as error:
                    self.send_error(400, explain=str(error))
                    return
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing: the message itself is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def take(self, message: dict[str, Any]) -> None:
        """Shows and keeps a message; delivery is at least once, so the same id may come again."""
        if message["id"] in self._seen:
            return
        self._seen.add(message["id"])
        self.messages.append(message)
        kind = message["kind"]
        style = STYLES.get(kind, "yellow")
        head = escape(f"{message['title']} ({message['severity']}, {message['at']})")
        self._console.print(
            f"[{style}]{kind.upper()}[/] {head}\n  {escape(message['text'])}", highlight=False
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
