"""What every command has in common: the terminal, errors, and monitor files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from modelwatch.monitor import Monitor, MonitorError, load_monitor

out, err = Console(), Console(stderr=True)
Data = Annotated[Path, typer.Option(help="The folder that everything is kept in.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database", help="A PostgreSQL URL; by default MODELWATCH_DATABASE, or a file in --data."),
]
DEFAULT_DATA = Path("data")


def fail(error: Exception | str) -> NoReturn:
    """Print an error and exit with 2."""
    err.print("[bold red]error:[/]", end=" ")
    err.print(str(error), highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(2)


def monitors(paths: list[Path]) -> list[Monitor]:
    """The monitors of files and folders; a wrong one ends the command with what is wrong with it."""
    files = [file for path in paths for file in (sorted(path.glob("*.y*ml")) if path.is_dir() else [path])]
    try:
        loaded = [load_monitor(file) for file in files]
    except MonitorError as error:
        fail(error)
    names = [monitor.model for monitor in loaded]
    if not names or len(set(names)) < len(names):
        fail(f"{len(names)} monitor files with the models {names}: give each model one file")
    return loaded
