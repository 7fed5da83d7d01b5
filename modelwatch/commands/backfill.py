"""`modelwatch backfill`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collector.delivery import FencedError
from collector.document import DocumentError
from collector.sources.files import FileError, LabelFile, PredictionFile
from collector.sources.inference_table import InferenceTable
from collector.sources.layout import load_layout
from modelwatch.allocator import keep_memory
from modelwatch.backfill import Backfill, Done, History
from modelwatch.commands.terminal import DEFAULT_DATA, Data, DatabaseUrl, err, fail, monitors, out
from modelwatch.monitor import Monitor
from modelwatch.opening import OpeningError, open_database


def backfill(
    monitor: Annotated[Path, typer.Argument(help="The monitor file.")],
    file: Annotated[
        list[Path] | None, typer.Argument(help="Files of predictions: Parquet, CSV or JSON lines.")
    ] = None,
    labels: Annotated[list[Path] | None, typer.Option(help="A file of labels; may be repeated.")] = None,
    table: Annotated[bool, typer.Option(help="The files are inference tables.")] = False,
    layout: Annotated[
        Path | None, typer.Option(help="A YAML file that says how a table's requests and responses are read.")
    ] = None,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
) -> None:
    """Commit files of history into the service's database, each row once, however often it is run."""
    keep_memory()
    (loaded,) = monitors([monitor])
    if not file and not labels:
        fail("nothing to do: name files of predictions, or labels with --labels")
    if layout is not None and not table:
        fail("--layout says how inference tables are read: add --table, or leave it out")
    try:
        files = _files(loaded, file or [], labels or [], table=table, layout=layout)
        with closing(open_database(data, database)) as opened:
            filling = Backfill(opened, loaded)
            for kind, one in files:
                _tell(one.path, _run(filling, kind, one))
    except (FileError, OpeningError, DocumentError) as error:
        fail(error)
    except FencedError:
        fail("another backfill commits the same file: let it finish; what it has done is kept")
    except sa.exc.OperationalError as error:
        fail(f"the database does not answer: {error.orig}; run it again, and it goes on where it was")


def _files(
    monitor: Monitor, predictions: list[Path], labels: list[Path], *, table: bool, layout: Path | None
) -> list[tuple[str, History]]:
    """All files, opened before the first is committed, so that a wrong one is told at once."""
    files: list[tuple[str, History]] = []
    if table:
        read = None if layout is None else load_layout(layout)
        files += [("table", InferenceTable(path, monitor, read)) for path in predictions]
    else:
        files += [("predictions", PredictionFile(path, monitor)) for path in predictions]
    return files + [("labels", LabelFile(path, monitor)) for path in labels]


def _run(filling: Backfill, kind: str, file: History) -> Done:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(file.path.name, total=None)
        return filling.run(kind, file, lambda row, rows: progress.update(task, completed=row, total=rows))


def _tell(path: Path, done: Done) -> None:
    receipt = done.receipt
    counts = f"received {receipt.received}, accepted {receipt.accepted}, "
    counts += f"duplicate {receipt.duplicate}, rejected {receipt.rejected}"
    resumed = f" (resumed at row {done.began})" if done.began else ""
    if done.began and not receipt.received:
        resumed = " (all of it was committed before)"
    out.print(f"{path}: {counts}{resumed}", markup=False, highlight=False, soft_wrap=True)
    if receipt.rejected:
        first = receipt.errors[0]
        told = f"  the first rejected: row {first['row']}, {first['field'] or 'the row'}: {first['reason']}"
        told += f" (got {first['value']}); {first['fix']}"
        shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in told)
        out.print(shown, markup=False, highlight=False, soft_wrap=True)
