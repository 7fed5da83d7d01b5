"""The newest line of every signal, found by a few index look-ups however long the history is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from alerts.tables import verdicts
from collector.schema import Schema
from collector.window import MICROSECOND

LABELLED = ("performance.", "slo.")  # their windows are judged when labels have come, so later than others


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
    series = _series(schema.model)
    last = (
        sa.select(sa.func.max(verdicts.c.start))
        .where(
            verdicts.c.model == schema.model,
            verdicts.c.signal == series.c.signal,
            verdicts.c.subject == series.c.subject,
        )
        .scalar_subquery()
    )
    line = verdicts.alias()
    query = (
        sa.select(line)
        .select_from(series)
        .join(
            line,
            sa.and_(
                line.c.model == schema.model,
                line.c.signal == series.c.signal,
                line.c.subject == series.c.subject,
                line.c.start == last,
            ),
        )
        .where(line.c.start >= newest - schema.label_horizon // MICROSECOND)
        .order_by(line.c.signal, line.c.subject, line.c.segment)
    )
    return list(connection.execute(query))


def _series(model: str) -> Any:
    """The distinct (signal, subject) of a model: a loose index scan, one look-up for each."""
    first = sa.select(verdicts.c.signal, verdicts.c.subject).where(verdicts.c.model == model)
    first = first.order_by(verdicts.c.signal, verdicts.c.subject).limit(1)
    held = first.subquery()
    series = sa.select(held.c.signal, held.c.subject).cte("series", recursive=True)
    later, chosen = verdicts.alias(), verdicts.alias()
    following = (
        sa.select(later.c.id)
        .where(
            later.c.model == model,
            sa.tuple_(later.c.signal, later.c.subject) > sa.tuple_(series.c.signal, series.c.subject),
        )
        .order_by(later.c.signal, later.c.subject)
        .limit(1)
        .correlate(series)
        .scalar_subquery()
    )
    step = sa.select(chosen.c.signal, chosen.c.subject).select_from(series.join(chosen, sa.true()))
    return series.union_all(step.where(chosen.c.id == following))


def of_now(lines: Sequence[Any]) -> list[Any]:
    """The lines that tell how the model is now: of the newest window, and the newest with labels."""
    newest = max((line.start for line in lines), default=0)
    return [line for line in lines if line.start == newest or line.signal.startswith(LABELLED)]
