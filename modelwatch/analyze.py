"""The offline command: the service's own pipeline over files, in event time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from alerts import tables
from alerts.line import Line
from collector.delivery import Delivery
from collector.schema import Sampling
from collector.sources.files import LabelFile, PassedOver, PredictionFile
from collector.store.database import Database
from collector.store.ledger import Ledger
from detectors import Verdict
from modelwatch import schema
from modelwatch.evaluation import Evaluation
from modelwatch.monitor import Monitor
from modelwatch.references import FileReference, SeasonalReference, TrailingReference
from modelwatch.references.install import install_file
from modelwatch.sampling import reads_samples

Advanced = Callable[[str, int, int], None]


def ingest(
    database: Database, monitor: Monitor, production: Path, labels: Path | None, advanced: Advanced
) -> None:
    """Commit files as the collector commits batches.

    Args:
        database: where to.
        monitor: describes the files.
        production: a file of predictions: Parquet, CSV or JSON lines.
        labels: a file of labels, or None.
        advanced: told what is read, how many rows so far, and of how many.

    Raises:
        FileError: a file cannot be read, or none of its rows.
    """
    ledger = Ledger(database, {monitor.model: monitor}, forgets=False)
    sources: list[tuple[str, PredictionFile | LabelFile]] = [
        ("predictions", PredictionFile(production, monitor))
    ]
    if labels is not None:
        sources.append(("labels", LabelFile(labels, monitor)))
    for name, source in sources:
        passed_over = PassedOver(source.path)
        for place, batch in enumerate(source.batches()):
            ledger.commit(Delivery(f"file:{name}", batch, str(place)), 0)
            passed_over.add(batch)
            advanced(name, passed_over.rows, source.rows)
        passed_over.tell()


def analyze(
    monitor: Monitor,
    reference: Path | None,
    production: Path,
    labels: Path | None = None,
    advanced: Advanced = lambda _name, _read, _rows: None,
) -> Iterator[Line]:
    """Judge every window of a file, as the service would have.

    Args:
        monitor: what to judge.
        reference: a file of known-good predictions; None for the monitor's own reference.
        production: a file of predictions, with or without labels in the same rows.
        labels: a file of labels that came later, or None.
        advanced: told how far it is.

    Yields:
        The lines in the order in which they were known, then of their windows.

    Raises:
        FileError: a file cannot be read.
    """
    with closing(Database(None)) as database:
        schema.create(database)
        yield from _judged(database, monitor, reference, production, labels, advanced)


def _judged(
    database: Database,
    monitor: Monitor,
    reference: Path | None,
    production: Path,
    labels: Path | None,
    advanced: Advanced,
) -> Iterator[Line]:
    if reference is not None:
        trailing = isinstance(monitor.reference, TrailingReference | SeasonalReference)
        given = monitor.reference.model_copy(update={"path": reference}) if trailing else None
        monitor = monitor.model_copy(update={"reference": given or FileReference(path=reference)})
    if not reads_samples(monitor):
        monitor = monitor.model_copy(update={"sample": Sampling(rows=0)})
    if monitor.reference.file is not None:
        install_file(database, monitor, monitor.reference.file)
    ingest(database, monitor, production, labels, advanced)
    Evaluation(database, monitor, "").advance(None, flush=True)
    with database.read() as connection:
        yield from stored_lines(connection, monitor.model)


def stored_lines(connection: sa.Connection, model: str) -> Iterator[Line]:
    """The lines that were judged, in the order in which they were known."""
    names = [column for column in tables.verdicts.c if column.name not in ("id", "model")]
    order = (tables.verdicts.c.known_at, tables.verdicts.c.start, tables.verdicts.c.id)
    query = sa.select(*names).where(tables.verdicts.c.model == model).order_by(*order)
    for row in connection.execute(query).mappings():
        yield Line(**{**row, "verdict": Verdict(row["verdict"])})
