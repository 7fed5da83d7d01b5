"""The newest line of every signal, found by a few index look-ups however long the history is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from alerts.tables import verdicts
from collector.schema import Schema
from collector.window import MICROSECOND

LABELLED = ("performance.", "fairness.", "slo.")  # judged when labels have come, so later than others


def newest_start(connection: sa.Connection, model: str) -> int | None:
    """The start of the newest judged window; None before the first."""
    found: int | None = connection.execute(
        sa.select(sa.func.max(verdicts.c.start)).filter_by(model=model)
    ).scalar()
    return found


def newest_lines(connection: sa.Connection, schema: Schema) -> list[Any]:
    """The rows of each signal's newest window, by signal, subject and segment.

    Signals whose newest window is older than the label horizon are left out: nobody judges them any more.
    """
    newest = newest_start(connection, schema.model)
    if newest is None:
        return []
    oldest = newest - schema.label_horizon // MICROSECOND
    last = {
        (signal, subject): start
        for signal, subject, start in connection.execute(_newest_of_each(schema.model))
        if start >= oldest
    }
    query = sa.select(verdicts).filter_by(model=schema.model).where(verdicts.c.start.in_(set(last.values())))
    found = [
        line for line in connection.execute(query) if last.get((line.signal, line.subject)) == line.start
    ]
    # sorted here: to spare itself the sorting, SQLite would walk through the whole history in order
    return sorted(found, key=lambda line: (line.signal, line.subject, line.segment))


def _newest_of_each(model: str) -> Any:
    """Each (signal, subject) with the start of its newest window.

    A loose index scan: the next signal, and its next subject, are each one look-up, as `min` is.
    """
    line = verdicts.c

    def least(column: Any, *where: Any) -> Any:
        return sa.select(sa.func.min(column)).where(line.model == model, *where)

    signals = least(line.signal).cte("signals", recursive=True)
    signals = signals.union_all(_step(signals, least(line.signal, line.signal > signals.c[0])))
    signal = signals.c[0]
    first = least(line.subject, line.signal == signal).correlate(signals).scalar_subquery()
    pairs = sa.select(signal.label("signal"), first.label("subject")).where(signal.is_not(None))
    series = pairs.cte("series", recursive=True)
    after = least(line.subject, line.signal == series.c.signal, line.subject > series.c.subject)
    series = series.union_all(_step(series, after, series.c.signal, given=series.c.subject))
    newest = (
        sa.select(sa.func.max(line.start))
        .where(line.model == model, line.signal == series.c.signal, line.subject == series.c.subject)
        .correlate(series)
        .scalar_subquery()
    )
    return sa.select(series.c.signal, series.c.subject, newest).where(series.c.subject.is_not(None))


def _step(known: Any, following: Any, *kept: Any, given: Any = None) -> Any:
    """The next row of a recursive query, as long as there was one before."""
    column = known.c[0] if given is None else given
    return sa.select(*kept, following.correlate(known).scalar_subquery()).where(column.is_not(None))


def of_now(lines: Sequence[Any]) -> list[Any]:
    """The lines that tell how the model is now: of the newest window, and the newest with labels."""
    newest = max((line.start for line in lines), default=0)
    return [line for line in lines if line.start == newest or line.signal.startswith(LABELLED)]
