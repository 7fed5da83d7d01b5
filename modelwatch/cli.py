"""The command line."""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import sqlalchemy as sa
import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from alerts.line import Line, describe
from alerts.secret import SecretError, secret
from collector import tables
from collector.database import Database
from collector.files import FileError
from collector.window import iso
from modelwatch.analyze import analyze as run_analysis
from modelwatch.monitor import Monitor, MonitorError, load_monitor
from modelwatch.service import Service, Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Watches machine-learning models in production."
)
out, err = Console(), Console(stderr=True)
Data = Annotated[Path, typer.Option(help="The folder that everything is kept in.")]
DEFAULT_DATA = Path("data")


def _fail(error: Exception | str) -> NoReturn:
    err.print(f"[bold red]error:[/] {error}", highlight=False, markup=isinstance(error, str))
    raise typer.Exit(2)


def _monitors(paths: list[Path]) -> list[Monitor]:
    files = [file for path in paths for file in (sorted(path.glob("*.y*ml")) if path.is_dir() else [path])]
    try:
        monitors = [load_monitor(file) for file in files]
    except MonitorError as error:
        _fail(error)
    names = [monitor.model for monitor in monitors]
    if not names or len(set(names)) < len(names):
        _fail(f"{len(names)} monitor files with the models {names}: give each model one file")
    return monitors


@app.command()
def check(monitor: Annotated[list[Path], typer.Argument(help="Monitor files, or folders of them.")]) -> None:
    """Check monitor files; exits with 2 if one is wrong."""
    for one in _monitors(monitor):
        slos = ", ".join(slo.name for slo in one.slos) or "none"
        out.print(f"[green]ok[/] {one.model}: {one.task}, {len(one.features)} features, SLOs: {slos}")


@app.command()
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
        token: str | None = secret("MODELWATCH_TOKEN")
    except SecretError:
        token = None
    if token is None and not _is_loopback(host):
        _fail(f"{host} can be reached by others: set MODELWATCH_TOKEN, or listen on 127.0.0.1")
    address = url or f"http://{host}:{port}"
    settings = Settings(data, address.rstrip("/"), tuple(allow_host or ()), token)
    try:
        service = Service(settings, _monitors(monitor))
    except (FileError, OSError, sa.exc.DatabaseError) as error:
        _fail(error)
    err.print(f"Modelwatch listens on {address}/", highlight=False)
    uvicorn.run(service.app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@app.command()
def analyze(
    monitor: Annotated[Path, typer.Argument(help="The monitor file.")],
    production: Annotated[Path, typer.Option(help="A Parquet file of predictions.")],
    reference: Annotated[Path | None, typer.Option(help="A Parquet file of known-good predictions.")] = None,
    labels: Annotated[Path | None, typer.Option(help="A Parquet file of labels that came later.")] = None,
    format: Annotated[str, typer.Option(help="table or jsonl")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Judge the windows of a file as the service would have, in event time."""
    if format not in ("table", "jsonl"):
        _fail(f"--format {format} is not known; write table or jsonl")
    (loaded,) = _monitors([monitor])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
            task = progress.add_task("reading", total=None)
            lines = list(
                run_analysis(
                    loaded,
                    reference,
                    production,
                    labels,
                    lambda name, read, rows: progress.update(
                        task, description=name, completed=read, total=rows
                    ),
                )
            )
    except FileError as error:
        _fail(error)
    if format == "jsonl":
        for line in lines:
            sys.stdout.write(json.dumps(line.public()) + "\n")
    else:
        out.print(_summary(lines))


def _summary(lines: list[Line]) -> Table:
    table = Table("signal", "windows", "ok", "insufficient", "breach", "first breach", "alerts")
    for key in dict.fromkeys(line.key for line in lines):
        of_signal = [line for line in lines if line.key == key]
        counts = {
            name: sum(line.verdict == name for line in of_signal) for name in ("ok", "insufficient", "breach")
        }
        first = next((iso(line.start) for line in of_signal if line.verdict == "breach"), "")
        alerts = [iso(line.start) for line in of_signal if line.alert]
        style = "red" if counts["breach"] else None
        cells = (str(len(of_signal)), *(str(count) for count in counts.values()), first, ", ".join(alerts))
        table.add_row(describe(key), *cells, style=style)
    return table


@app.command()
def rejected(
    data: Data = DEFAULT_DATA,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.")] = 50,
    format: Annotated[str, typer.Option(help="table or jsonl")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show the rows that were not accepted, and why."""
    query = sa.select(tables.rejected).order_by(tables.rejected.c.id.desc()).limit(limit)
    query = query if model is None else query.filter_by(model=model)
    rows = _query(data, query)
    if format == "jsonl":
        for row in rows:
            sys.stdout.write(json.dumps({**row, "at": iso(row["at"])}) + "\n")
        return
    table = Table("received", "model", "kind", "row", "field", "value", "reason", "fix")
    for row in rows:
        named = [str(row[name]) for name in ("model", "kind", "row", "field", "value", "reason", "fix")]
        table.add_row(iso(row["at"]), *named)
    out.print(table if rows else "nothing was rejected")


@app.command()
def books(data: Data = DEFAULT_DATA) -> None:
    """Show what became of every event received; exits with 1 if the books do not balance."""
    rows = _query(data, sa.select(tables.books).order_by(tables.books.c.source, tables.books.c.model))
    table = Table("source", "model", "received", "accepted", "duplicate", "rejected", "balance")
    wrong = 0
    for row in rows:
        difference = row["received"] - row["accepted"] - row["duplicate"] - row["rejected"]
        wrong += difference != 0
        counted = [str(row[name]) for name in ("received", "accepted", "duplicate", "rejected")]
        table.add_row(
            row["source"], row["model"] or "(unknown)", *counted, str(difference) if difference else "ok"
        )
    out.print(table)
    raise typer.Exit(1 if wrong else 0)


def _query(data: Path, query: sa.Select[Any]) -> list[dict[str, Any]]:
    path = data / "modelwatch.db"
    if not path.exists():
        _fail(f"{path}: no such database; name the service's folder with --data")
    database = Database(path)
    with database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


@app.command()
def demo() -> None:
    """Run the whole job on real flights: see examples/flights. Needs a source checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / "examples" / "flights" / "__main__.py").exists():
        _fail("the demo is part of the source checkout: clone the repository and run `make demo`")
    if importlib.util.find_spec("onnxruntime") is None:
        _fail("the demo needs the extra packages: pip install 'modelwatch[demo]'")
    environment = {**os.environ, "DO_NOT_TRACK": "1"}
    process = subprocess.Popen([sys.executable, "-m", "examples.flights"], cwd=root, env=environment)
    while True:
        try:
            raise typer.Exit(process.wait())
        except KeyboardInterrupt:
            continue  # the demo got the same signal, and stops what it started
