"""`modelwatch serve` and `modelwatch evaluate`: the processes that stay."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import sqlalchemy as sa
import typer
import uvicorn

from alerts.secret import SecretError, is_named, secret
from collector.sources.files import FileError
from modelwatch.access import is_loopback
from modelwatch.allocator import keep_memory
from modelwatch.commands.source_files import load_sources
from modelwatch.commands.terminal import DEFAULT_DATA, Data, DatabaseUrl, err, fail, monitors
from modelwatch.opening import OpeningError
from modelwatch.service import Core, Service, Settings

VARIABLE = "MODELWATCH_TOKEN"
Watched = Annotated[list[Path], typer.Option(help="Monitor files, or folders of them.")]
AllowHost = Annotated[list[str] | None, typer.Option(help="A host that webhooks may call.")]
PagesUrl = Annotated[str | None, typer.Option(help="Where the pages are, for messages.")]
Log = Annotated[Path | None, typer.Option(help="The prediction log's folder; by default `log` in --data.")]
T = TypeVar("T")


def serve(  # noqa: PLR0917 - options, which users name
    monitor: Watched,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8700,
    allow_host: AllowHost = None,
    url: PagesUrl = None,
    log: Log = None,
    source: Annotated[
        list[Path] | None, typer.Option(help="A source file, such as an inference logger's; may be repeated.")
    ] = None,
) -> None:
    """Run the service. Set MODELWATCH_TOKEN (or MODELWATCH_TOKEN_FILE) to require a token."""
    keep_memory()
    settings = _settings(data, database, (host, port), allow_host, url, log)
    sources = load_sources(source or [])
    service = _made(lambda: Service(settings, monitors(monitor), sources))
    err.print(f"Modelwatch listens on {settings.url}/", highlight=False)
    uvicorn.run(service.app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)


def evaluate(
    monitor: Watched,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
    host: Annotated[str, typer.Option(help="The address of /metrics and /healthz.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Their port; left out, there are none.")] = None,
    allow_host: AllowHost = None,
    url: PagesUrl = None,
    log: Log = None,
) -> None:
    """Evaluate, alert and keep up, without taking events; waits its turn while another process leads."""
    settings = _settings(data, database, (host, port or 8700), allow_host, url, log)
    core = _made(lambda: Core(settings, monitors(monitor)))
    err.print("Modelwatch evaluates", highlight=False)
    if port is not None:
        uvicorn.run(core.application(settings), host=host, port=port, log_level="warning")
        return
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    core.duties.start()
    over.wait()
    core.close()


def _settings(
    data: Path,
    database: str | None,
    address: tuple[str, int],
    allow_host: list[str] | None,
    url: str | None,
    log: Path | None,
) -> Settings:
    host, port = address
    try:
        token = secret(VARIABLE) if is_named(VARIABLE) else None
    except SecretError as error:
        fail(error)
    if token is None and not is_loopback(host):
        fail(f"{host} can be reached by others: set MODELWATCH_TOKEN, or listen on 127.0.0.1")
    shown = f"[{host}]" if ":" in host else host
    pages = url or f"http://{shown}:{port}"
    return Settings(data, pages.rstrip("/"), tuple(allow_host or ()), token, database=database, log=log)


def _made(make: Callable[[], T]) -> T:
    try:
        return make()
    except (FileError, OpeningError, OSError, sa.exc.DatabaseError) as error:
        fail(error)
