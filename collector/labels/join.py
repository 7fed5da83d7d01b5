"""The label join: every prediction and every label meets its other half once, whichever comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.batch import Coded, Labels, Predictions, Values
from collector.labels.blocks import Block
from collector.labels.halves import LABELS, PREDICTIONS, Halves
from collector.labels.probabilities import held_probabilities, probabilities_of
from collector.schema import Schema
from collector.summarize import Cut, Joined, class_codes, windows
from collector.window import MICROSECOND
from profiles import NO_SCORE, Outcomes, Shape
from profiles.counts import Floats, Ints


@dataclass(frozen=True)
class Join:
    """Joins one delivery's predictions and labels with what is held.

    Attributes:
        schema: the model's schema.
        held: what is held and where, and the transaction; None to hold nothing.
    """

    schema: Schema
    held: Held | None = None

    def predictions(self, rows: Predictions, order: Ints, cut: Cut, shape: Shape) -> list[Joined]:
        """Take in predictions, all new: what joins with labels that came before, or in the same rows.

        Args:
            rows: the predictions.
            order: their places in the order of their ids; of rows without ids any.
            cut: what each row belongs to.
            shape: the shape of the model's profiles.
        """
        held = self.held if rows.ids is not None else None
        ids = np.arange(len(rows), dtype=np.uint64) if rows.ids is None else rows.ids[order]
        made = Block.of(ids, self._outcomes(rows, order, cut.take(order), shape))
        earlier = np.zeros(len(rows), bool)
        joined = []
        if held is not None:
            for labels, places in held.find(LABELS, ids):
                earlier[places] = True
                joined.append(self._pairs(made.take(places), labels, shape))
        newest = int(rows.times.max(initial=0))
        brought = self._brought(rows, order, ids, earlier)
        if brought is not None:
            joined.append(self._pairs(made.take(made.find(brought.ids)), brought, shape))
        if held is not None:
            held.add(PREDICTIONS, made, newest)
            if brought is not None:
                held.add(LABELS, brought, newest)
        return joined

    def labels(self, rows: Labels, order: Ints, shape: Shape | None) -> list[Joined]:
        """Take in labels, all new, `order` their places by id: what joins with predictions before them."""
        came = self._labels(rows.take(order))
        joined = []
        if self.held is not None:
            if shape is not None:  # else the monitor has changed, and nothing has come since to count on
                for made, places in self.held.find(PREDICTIONS, came.ids):
                    joined.append(self._pairs(made, came.take(places), shape))
            self.held.add(LABELS, came, int(rows.times.max(initial=0)))
        return joined

    def _outcomes(self, rows: Predictions, order: Ints, cut: Cut, shape: Shape) -> Mapping[str, Any]:
        made = self._narrow(rows)
        held = made.take(order) if isinstance(made, Coded) else made[order]
        columns = {"start": cut.starts, "group": cut.groups, "prediction": held}
        if self.schema.task == "binary":
            keys = np.full(len(rows), NO_SCORE) if rows.score is None else Outcomes().keys(rows.score)
            columns["score"] = keys.astype(np.int16)[order]
        return columns | held_probabilities(rows, order, shape)

    def _narrow(self, rows: Predictions) -> Any:
        if rows.prediction is not None:
            return narrow(self.schema.task, rows.prediction)
        if self.schema.task == "multiclass":
            return Coded(np.full(len(rows), -1, np.int64), ())
        return narrow(self.schema.task, np.full(len(rows), np.nan))

    def _labels(self, rows: Labels) -> Block:
        known = windows(rows.times, self.schema)
        return Block.of(rows.ids, {"known": known, "label": narrow(self.schema.task, rows.values)})

    def _brought(self, rows: Predictions, order: Ints, ids: Any, earlier: Any) -> Block | None:
        """The labels that predictions bring along in the same row, unless they came before."""
        if rows.label is None:
            return None
        times = rows.times if rows.label_times is None else np.maximum(rows.label_times, rows.times)
        values = rows.label.take(order) if isinstance(rows.label, Coded) else rows.label[order]
        labels = Labels(ids, times[order], values)
        labels = labels.take(labels.present() & ~earlier)
        return self._labels(labels) if len(labels) else None

    def _pairs(self, made: Block, came: Block, shape: Shape) -> Joined:
        """Pair rows of predictions with labels; a prediction that failed, or is too old, has no outcome."""
        starts = _moments(made.column("start"))
        known = np.maximum(_moments(came.column("known")), starts)
        predictions = _widened(made.column("prediction"), shape)
        horizon = self.schema.label_horizon // MICROSECOND
        kept = np.flatnonzero(~np.isnan(predictions) & (known - starts <= horizon))
        scores = made.columns.get("score", np.zeros(len(made), np.int16))
        return Joined(
            cut=Cut(windows(starts[kept], self.schema), made.column("group").take(kept)),
            known=windows(known[kept], self.schema),
            predictions=predictions[kept],
            scores=scores[kept].astype(np.int64),
            labels=_widened(came.column("label"), shape)[kept],
            probabilities=probabilities_of(made, kept, shape),
        )


@dataclass(frozen=True)
class Held:
    """What waits for its other half, within a transaction.

    Attributes:
        connection: the transaction.
        halves: what is held; it is changed.
        revision: of the model, that this transaction makes.
        oldest: what is older, in microseconds, is forgotten.
    """

    connection: sa.Connection
    halves: Halves
    revision: int
    oldest: int

    def find(self, side: str, ids: Any) -> Any:
        """See `Halves.find`."""
        return self.halves.find(self.connection, side, ids)

    def add(self, side: str, block: Block, newest: int) -> None:
        """See `Halves.add`."""
        self.halves.add(self.connection, side, block, newest, self.revision, self.oldest)


def narrow(task: str, values: Values) -> Any:
    """Predictions or labels in the fewest bytes: 0/1 and -1 for missing; classes by code; or numbers."""
    if task != "binary" or isinstance(values, Coded):
        return values
    return np.where(np.isnan(values), -1, values).astype(np.int8)


def _widened(column: Any, shape: Shape) -> Floats:
    """What `narrow` made, as numbers; NaN for missing."""
    if isinstance(column, Coded) or column.dtype.kind == "f":
        return class_codes(column, shape)
    return np.where(column < 0, np.nan, column)


def _moments(column: Coded) -> Ints:
    return np.array([*column.names, 0], np.int64)[column.codes]


def kinds(task: str) -> Mapping[str, str]:
    """How a task's predictions and labels are held: the types of numbers, or "" for codes."""
    kind = {"binary": "|i1", "multiclass": "", "regression": "<f8"}[task]
    return {"prediction": kind, "label": kind}
