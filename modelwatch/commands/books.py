"""`modelwatch rejected` and `modelwatch books`: what became of the events."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.table import Table

from collector.replay import replay as run_replay
from collector.store import tables
from collector.store.database import Database
from collector.window import iso, microseconds
from modelwatch.commands.terminal import DEFAULT_DATA, Data, DatabaseUrl, fail, monitors, out
from modelwatch.opening import OpeningError, location, open_database

MOST_TOLD = 20


def rejected(
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what was rejected since: ISO 8601.")] = None,
    limit: Annotated[int, typer.Option(help="How many are shown, the newest first.")] = 50,
    format: Annotated[str, typer.Option(help="text or jsonl")] = "text",  # noqa: A002 - the option's name
    replay: Annotated[bool, typer.Option("--replay", help="Take in what the monitors accept now.")] = False,
    monitor: Annotated[list[Path] | None, typer.Option(help="Monitor files, for --replay.")] = None,
) -> None:
    """Show the rows that were not accepted, why, and what to do; or replay them, once that is done."""
    moment = None if since is None else _moment(since)
    if replay:
        _replay(data, database, monitor or [], model, moment)
        return
    query = sa.select(tables.rejected).order_by(tables.rejected.c.id.desc()).limit(limit)
    query = query if model is None else query.filter_by(model=model)
    query = query if moment is None else query.where(tables.rejected.c.at >= moment)
    rows = _query(data, database, query)
    if format == "jsonl":
        for row in rows:
            sys.stdout.write(json.dumps({**row, "at": iso(row["at"])}) + "\n")
        return
    for row in rows:
        where = f"{iso(row['at'])} {row['model'] or '(unknown model)'}: {row['kind']}, row {row['row']}"
        _print(f"{where} of delivery {row['key']}")
        value = f" (got {row['value']})" if row["value"] else ""
        told = f"  {row['field'] or 'the row'}: {row['reason']}{value}; {row['fix']}"
        _print(told)
    if not rows:
        out.print("nothing was rejected")


def _moment(text: str) -> int:
    try:
        return microseconds(datetime.fromisoformat(text))
    except ValueError:
        fail(f"--since {text} is no time; write ISO 8601, such as 2024-05-01T10:00:00Z")


def _replay(
    data: Path, database: str | None, monitor: list[Path], model: str | None, since: int | None
) -> None:
    if not monitor:
        fail("--replay needs the monitors that accept the rows now: name them with --monitor")
    watched = {one.model: one for one in monitors(monitor)}
    if isinstance(where := _where(data, database), Path) and not where.exists():
        fail(f"{where}: no such database; name the service's folder with --data")
    try:
        with closing(open_database(data, database)) as opened:
            done = run_replay(opened, watched, model, since)
    except (OpeningError, sa.exc.DBAPIError) as error:
        fail(error)
    for number, why in list(done.unreadable.items())[:MOST_TOLD]:
        out.print(f"row {number} cannot be replayed: {why}; send it again", highlight=False)
    if len(done.unreadable) > MOST_TOLD:
        out.print(f"and {len(done.unreadable) - MOST_TOLD} more")
    counts = f"{done.accepted} accepted, {done.duplicate} duplicate, {done.rejected} still wrong"
    out.print(f"{counts}, {len(done.unreadable)} cannot be replayed", highlight=False)


def _print(text: str) -> None:
    """Print what came from outside: nothing in it may command the terminal."""
    harmless = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    out.print(harmless, markup=False, highlight=False, soft_wrap=True)


def books(data: Data = DEFAULT_DATA, database: DatabaseUrl = None) -> None:
    """Show what became of every event received; exits with 1 if the books do not balance."""
    rows = _query(
        data, database, sa.select(tables.books).order_by(tables.books.c.source, tables.books.c.model)
    )
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


def _where(data: Path, url: str | None) -> Path | str:
    try:
        return location(data, url)
    except OpeningError as error:
        fail(error)


def _query(data: Path, url: str | None, query: sa.Select[Any]) -> list[dict[str, Any]]:
    where = _where(data, url)
    if isinstance(where, Path) and not where.exists():
        fail(f"{where}: no such database; name the service's folder with --data")
    try:
        with closing(Database(where)) as database, database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
    except (ValueError, sa.exc.DBAPIError) as error:
        fail(error)
