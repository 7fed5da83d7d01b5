"""The command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.commands.backfill import backfill
from modelwatch.commands.books import books, rejected
from modelwatch.commands.collect import collect
from modelwatch.commands.compare import compare
from modelwatch.commands.demo import demo
from modelwatch.commands.files import analyze, report
from modelwatch.commands.serve import evaluate, serve
from modelwatch.commands.slo import app as slo
from modelwatch.commands.terminal import monitors, out

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
    help="Watches machine-learning models in production.",
)


@app.command()
def check(monitor: Annotated[list[Path], typer.Argument(help="Monitor files, or folders of them.")]) -> None:
    """Check monitor files; exits with 2 if one is wrong."""
    for one in monitors(monitor):
        slos = ", ".join(slo.name for slo in one.slos) or "none"
        out.print(f"[green]ok[/] {one.model}: {one.task}, {len(one.features)} features, SLOs: {slos}")


for command in (serve, evaluate, collect, backfill, analyze, report, rejected, books, compare, demo):
    app.command()(command)
app.add_typer(slo, name="slo")
