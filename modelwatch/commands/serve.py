"""`modelwatch serve`."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
import uvicorn

from alerts.secret import SecretError, is_named, secret
from collector.sources.files import FileError
from modelwatch.commands.terminal import DEFAULT_DATA, Data, err, fail, monitors
from modelwatch.service import Service, Settings

VARIABLE = "MODELWATCH_TOKEN"


def serve(
    monitor: Annotated[list[Path], typer.Option(help="Monitor files, or folders of them.")],
    data: Data = DEFAULT_DATA,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8700,
    allow_host: Annotated[list[str] | None, typer.Option(help="A host that webhooks may call.")] = None,
    url: Annotated[str | None, typer.Option(help="Where the pages are, for messages.")] = None,
) -> None:
    """Run the service. Set MODELWATCH_TOKEN (or MODELWATCH_TOKEN_FILE) to require a token."""
    try:
        token = secret(VARIABLE) if is_named(VARIABLE) else None
    except SecretError as error:
        fail(error)
    if token is None and not _is_loopback(host):
        fail(f"{host} can be reached by others: set MODELWATCH_TOKEN, or listen on 127.0.0.1")
    shown = f"[{host}]" if ":" in host else host
    address = url or f"http://{shown}:{port}"
    settings = Settings(data, address.rstrip("/"), tuple(allow_host or ()), token)
    try:
        service = Service(settings, monitors(monitor))
    except (FileError, OSError, sa.exc.DatabaseError) as error:
        fail(error)
    err.print(f"Modelwatch listens on {address}/", highlight=False)
    uvicorn.run(service.app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
