"""`modelwatch rejected` and `modelwatch books`: what became of the events."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.table import Table

from collector.store import tables
from collector.store.database import Database
from collector.window import iso
from modelwatch.commands.terminal import DEFAULT_DATA, Data, fail, out


def rejected(
    data: Data = DEFAULT_DATA,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.")] = 50,
    format: Annotated[str, typer.Option(help="text or jsonl")] = "text",  # noqa: A002 - the option's name
) -> None:
    """Show the rows that were not accepted, why, and what to do."""
    query = sa.select(tables.rejected).order_by(tables.rejected.c.id.desc()).limit(limit)
    query = query if model is None else query.filter_by(model=model)
    rows = _query(data, query)
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


def _print(text: str) -> None:
    """Print what came from outside: nothing in it may command the terminal."""
    harmless = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    out.print(harmless, markup=False, highlight=False, soft_wrap=True)


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
        fail(f"{path}: no such database; name the service's folder with --data")
    database = Database(path)
    with database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
