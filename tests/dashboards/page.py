"""A page as a test reads it: its text, its tables, its charts, and the tags that it is made of."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI


class Page(HTMLParser):
    """Parses a page.

    Attributes:
        status: of the answer.
        text: what people see, white space made single.
        rows: of all tables, each a list of the texts of its cells.
        charts: what is drawn, by the figure's id.
        tags: every tag with its attributes.
    """

    def __init__(self, status: int, html: str) -> None:
        super().__init__()
        self.status, self.html = status, html
        self.rows: list[list[str]] = []
        self.charts: dict[str, Any] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._parts: list[str] = []
        self._figure, self._script = "", ""
        self._cell = False
        self.feed(html)
        self.text = " ".join(" ".join(self._parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append((tag, held))
        if tag == "figure":
            self._figure = held.get("id") or ""
        if tag == "script":
            self._script = held.get("type") or "code"
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
            self.rows[-1][-1] = " ".join(self.rows[-1][-1].split())
        if tag == "script":
            self._script = ""

    def handle_data(self, data: str) -> None:
        if self._script:
            if self._script == "application/json":
                self.charts[self._figure] = json.loads(data)
            return
        self._parts.append(data)
        if self._cell:
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        """The first row in which a cell begins with a text."""
        return next(row for row in self.rows if any(cell.startswith(first) for cell in row))

    def trace(self, chart: str, name: str) -> dict[str, Any]:
        """A chart's trace."""
        found: dict[str, Any] = next(one for one in self.charts[chart]["data"] if one["name"] == name)
        return found


class Client:
    """Asks the application without a network."""

    def __init__(self, application: FastAPI) -> None:
        self._transport = httpx.ASGITransport(application)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, **more))

    def post(self, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, **more))

    def page(self, path: str) -> Page:
        """Fetch a page."""
        answer = self.get(path)
        assert answer.headers["content-type"].startswith("text/html"), answer.text[:200]
        return Page(answer.status_code, answer.text)

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://pages") as client:
            return await client.request(method, path, **more)


@contextmanager
def served(application: FastAPI) -> Iterator[str]:
    """A real server on loopback, for a browser; its address."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
