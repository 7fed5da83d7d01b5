"""The slice on which a model does worst, from the stored samples of some windows and their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.batch import Coded
from collector.labels.halves import LABELS
from collector.labels.side import Side
from collector.samples.rows import decoded, representative
from collector.schema import Schema
from collector.store.read import Reader
from dashboards.queries.series import Span
from detectors.sampled.worst_performance import ROWS, WorstPerformance, worst_performance
from profiles.counts import Floats
from profiles.ranking import STEPS, unpacked
from profiles.sample import BottomK, Column, Sample


def worst_slice_of(
    connection: sa.Connection, schema: Schema, span: Span, segment: str = "", version: str = ""
) -> WorstPerformance | None:
    """Search the sampled rows of at most 30 windows, as far as their labels are known.

    Labels that came later are looked up by the rows' ids; those of rows without ids must be in the rows.

    Args:
        connection: for reading.
        schema: the model's schema.
        span: of the windows.
        segment: `column=value`, or "" for all rows.
        version: of the model; "" for all.

    Returns:
        None where too few rows have a label, or no slice is worse than the rest.
    """
    reader = Reader(connection, schema.model)
    starts = representative(reader.starts("production", span.low, span.high))
    space = BottomK(2 * ROWS)  # many may have no label
    sample = space.union(list(reader.samples("production", starts, space).values()))
    wanted = _wanted(sample, segment, version)
    sample = _rows(sample, wanted)
    if "prediction" not in sample.columns:
        return None
    labels = _labels(connection, schema.model, sample)
    losses = _losses(schema.task, sample.columns["prediction"], labels)
    known = np.isfinite(losses)
    return worst_performance(_rows(sample, known), losses[known])


def _wanted(sample: Sample, segment: str, version: str) -> Any:
    found = np.ones(sample.count, bool)
    column, _, value = segment.partition("=")
    for name, word in ((f"segments.{column}", value), ("version", version)):
        if word:
            found &= sample.columns.get(name, np.full(sample.count, None, object)) == word
    return found


def _rows(sample: Sample, kept: Any) -> Sample:
    return sample.space.summarize(
        sample.hashes[kept], {name: column[kept] for name, column in sample.columns.items()}
    )


def _labels(connection: sa.Connection, model: str, sample: Sample) -> Column:
    """The label of every row: what came with it, or else what came later; None or NaN for none."""
    words = sample.columns["prediction"].dtype == object
    empty: Column = np.full(sample.count, None, object) if words else np.full(sample.count, np.nan)
    labels = np.array(sample.columns.get("label", empty))
    side = Side(model, LABELS)
    side.refresh(connection)
    for block, places in side.find(connection, sample.hashes):
        came = block.column("label")
        if isinstance(came, Coded) is words:
            labels[places] = decoded(came) if isinstance(came, Coded) else _numbers(came)
    return labels


def _numbers(came: Any) -> Floats:
    """Labels as the join holds them: 0 and 1 with -1 for missing, or numbers."""
    return np.where(came < 0, np.nan, came) if came.dtype.kind == "i" else came.astype(np.float64)


def _losses(task: str, predictions: Column, labels: Column) -> Floats:
    """The error of every row: 0 or 1, of numbers its absolute value, of lists 1 - NDCG; NaN for unknown."""
    if task == "ranking":
        return np.where(np.isnan(labels), np.nan, 1 - unpacked(np.nan_to_num(labels))[1] / STEPS)
    if predictions.dtype == object:
        unknown = np.array(
            [one is None or other is None for one, other in zip(predictions, labels, strict=True)]
        )
        return np.where(unknown, np.nan, predictions != labels)
    off = np.abs(predictions - labels)
    return off if task == "regression" else np.where(np.isnan(off), np.nan, off > 0)
