"""`modelwatch analyze` and `modelwatch report`: files, and single windows."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from alerts.line import Line, describe
from collector.sources.files import FileError
from collector.window import iso, microseconds
from modelwatch.analyze import analyze as run_analysis
from modelwatch.commands.terminal import DEFAULT_DATA, Data, DatabaseUrl, err, fail, monitors, out
from modelwatch.opening import OpeningError, open_database

MonitorFile = Annotated[Path, typer.Argument(help="The monitor file.")]
Production = Annotated[Path, typer.Option(help="A file of predictions: Parquet, CSV or JSON lines.")]


def analyze(
    monitor: MonitorFile,
    production: Production,
    reference: Annotated[Path | None, typer.Option(help="A file of known-good predictions.")] = None,
    labels: Annotated[Path | None, typer.Option(help="A file of labels that came later.")] = None,
    format: Annotated[str, typer.Option(help="table or jsonl")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Judge the windows of a file as the service would have, in event time."""
    if format not in ("table", "jsonl"):
        fail(f"--format {format} is not known; write table or jsonl")
    (loaded,) = monitors([monitor])
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
        fail(error)
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


def report(
    monitor: MonitorFile,
    window: Annotated[
        str | None, typer.Option(help="A moment in the window, in ISO 8601, of the service's database.")
    ] = None,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
    production: Annotated[
        Path | None, typer.Option(help="A file of predictions, in place of --window.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="A file of known-good predictions, for it.")] = None,
    output: Annotated[Path, typer.Option("--output", "--page", help="The HTML page to write.")] = Path(
        "report.html"
    ),
) -> None:
    """Write evidently's full report of a window, or of a file, against its reference, as one page."""
    from modelwatch.report import ReportError, write_report, write_window_report  # noqa: PLC0415 - is slow

    (loaded,) = monitors([monitor])
    if (window is None) == (production is None) or (production is None) != (reference is None):
        fail("write either --window MOMENT, or --production FILE and --reference FILE")
    try:
        if production is not None and reference is not None:
            write_report(loaded, reference, production, output)
        else:
            moment = _moment(window or "")
            with closing(open_database(data, database)) as opened:
                write_window_report(opened, loaded, moment, output)
    except (FileError, OpeningError, ReportError) as error:
        fail(error)
    out.print(f"wrote {output}")


def _moment(text: str) -> int:
    try:
        return microseconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        fail(f"--window {text} is no moment; write it as 2024-05-01T10:00Z")
