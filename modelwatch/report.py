"""evidently's full report of a window, or of a file, against its reference: for people, not for alarms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from collector.batch import Coded
from collector.samples.sampler import Sampler
from collector.sources.files import FileError, PassedOver, PredictionFile
from collector.store.database import Database
from collector.window import iso
from dashboards.evidently import ReportError, report_page
from dashboards.queries.samples import samples_of
from modelwatch.monitor import Monitor
from profiles.sample import Sample

__all__ = ["ReportError", "write_report", "write_window_report"]
MOST_ROWS = 20_000  # evidently's tests flag everything on more, and its page grows


def write_window_report(database: Database, monitor: Monitor, moment: int, page: Path) -> None:
    """Write the report on a window, from the stored samples.

    Args:
        database: of the service.
        monitor: of the model.
        moment: in the window, in microseconds.
        page: where to write.

    Raises:
        ReportError: no sample of the window or of its reference is stored.
    """
    start = monitor.window.start(moment)
    with database.read() as connection:
        pair = samples_of(connection, monitor, start)
    title = f"{monitor.model}, {iso(start)} to {iso(start + monitor.window.length)}"
    _write(page, report_page(pair.reference, pair.window, title, (pair.sentence(),)))


def write_report(monitor: Monitor, reference: Path, production: Path, page: Path) -> None:
    """Write the report on a file; of more than `MOST_ROWS` rows of either on a sample.

    Args:
        monitor: says which columns are features.
        reference: a file of known-good predictions.
        production: a file of predictions.
        page: where to write.

    Raises:
        FileError: a file cannot be read.
        ReportError: there are too few rows.
    """
    known, current = (_sample(monitor, path) for path in (reference, production))
    notes = (f"{current.count:,} rows of {production.name} against {known.count:,} of {reference.name}.",)
    _write(page, report_page(known, current, f"{monitor.model}: {production.name}", notes))


def _sample(monitor: Monitor, path: Path) -> Sample:
    sampler, passed_over = Sampler([0], MOST_ROWS), PassedOver(path)
    for batch in PredictionFile(path, monitor, reference=True).batches():
        passed_over.add(batch)
        for rows in batch.predictions.get(monitor.model, ()):
            sampler.add(rows, Coded(np.zeros(len(rows), np.int64), (0,)))
    passed_over.tell()
    return sampler.samples[0]


def _write(page: Path, text: str) -> None:
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{page}: cannot be written: {error.strerror}") from None
