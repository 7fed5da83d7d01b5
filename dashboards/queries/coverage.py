"""Label coverage over age: how many predictions have their label, so long after they were made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from collector.schema import Schema
from collector.store.read import Reader
from collector.summarize import EVERYTHING
from collector.window import MICROSECOND
from profiles.counts import Floats, Ints

SECOND = 1_000_000
MOST_AGES = 10_000


@dataclass(frozen=True)
class Coverage:
    """Label coverage by the age of predictions, all shape (ages,).

    Attributes:
        ages: in seconds, multiples of the window's length; 0 is the window of the prediction itself.
        shares: of the predictions that have a label by then, never falling.
        predictions: how many predictions are in windows that have reached the age; where the label join holds
            a sample of a window, those in the sample.
    """

    ages: Floats
    shares: Floats
    predictions: Ints


def coverage(
    connection: sa.Connection,
    schema: Schema,
    starts: Iterable[int],
    segment: str = EVERYTHING,
    version: str | None = None,
) -> Coverage:
    """Label coverage over age, of the predictions in some windows.

    Windows that are younger than an age say nothing of it: Kaplan and Meier's product-limit estimate
    (Journal of the American Statistical Association 53, 1958), in steps of a window. It takes for granted
    that labels of younger windows come as fast as those of older ones did.

    Args:
        connection: for reading.
        schema: the model's schema.
        starts: the starts of windows, in microseconds.
        segment: `column=value`, or "" for all rows.
        version: of the model; None for all.
    """
    reader = Reader(connection, schema.model)
    length, horizon = schema.window.length, schema.label_horizon // MICROSECOND
    rows, came = reader.ages(starts, segment, version)
    every, joinable = reader.rows(rows), reader.joinable(rows)
    made = {start: count * joinable[start] / max(every[start], 1) for start, count in rows.items()}
    known_until = reader.row.watermark if reader.row else 0
    # the ages, in windows, that are over for each window of predictions
    reached = {start: min((known_until - start) // length - 1, horizon // length) for start in made}
    ages = min(max(reached.values(), default=-1) + 1, MOST_AGES)
    at_risk, labelled, behind = (np.zeros(ages + 1) for _ in range(3))
    for start, predicted in made.items():
        last = min(reached[start], ages - 1)
        if last < 0:
            continue
        found = np.zeros(last + 1)
        for known, count in came.get(start, {}).items():
            age = (known - start) // length
            if age <= last:
                found[age] += count
        waiting = np.maximum(predicted - np.concatenate([[0], np.cumsum(found)[:-1]]), found)
        at_risk[: last + 1] += waiting
        labelled[: last + 1] += found
        behind[: last + 1] += predicted
    hazard = np.divide(labelled, at_risk, out=np.zeros(ages + 1), where=at_risk > 0)[:ages]
    shares = 1 - np.cumprod(1 - hazard)
    return Coverage(np.arange(ages) * (length / SECOND), shares, np.rint(behind[:ages]).astype(np.int64))
