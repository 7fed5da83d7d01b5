"""The label join: every prediction and every label meets its other half once, whichever comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from collector.batch import Coded, Labels, Mask, Predictions, Values
from collector.labels.blocks import Block
from collector.labels.halves import LABELS, PREDICTIONS, by_id
from collector.labels.held import Held
from collector.labels.probabilities import held_probabilities, probabilities_of
from collector.labels.sampling import LabelLevels
from collector.labels.succession import MILLISECOND, Succession
from collector.schema import Schema
from collector.summarize import Cut, Joined, class_codes, windows
from collector.window import MICROSECOND
from profiles import NO_SCORE, Outcomes, Shape
from profiles.counts import Floats, Ints

Found = Iterable[tuple[Block, Ints]]


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
        newest = int(rows.times.max(initial=0))
        joined, earlier = [], []
        if held is not None:
            drawn = held.sampling.take(ids, made.column("start"))
            made, order = made.take(drawn), order[drawn]
            for labels, places in held.find(LABELS, made.ids):
                earlier.append(labels)
                joined.append(self._pairs(made.take(places), labels, shape))
            held.add(PREDICTIONS, made, newest)
        brought = self._brought(rows, order, made.ids)
        if brought is not None:
            again = [labels.take(brought.find(labels.ids) >= 0) for labels in earlier]
            steps = Succession.of(brought, again)
            asked = steps.rows.ids[steps.gained]
            joined += self._changed(steps, [(made.take(made.find(asked)), np.arange(asked.size))], shape)
            if held is not None:
                held.add(LABELS, steps.labels(steps.last), newest)
        return joined

    def labels(self, rows: Labels, shape: Shape | None) -> tuple[list[Joined], Mask]:
        """Take in labels: what joins with predictions before them, or changes what has joined.

        Args:
            rows: the labels, in the order in which they came.
            shape: the shape of the model's profiles; None where there is nothing to count on.

        Returns:
            The changes, and which labels are no duplicates, shape (n,).
        """
        counted = np.ones(len(rows), bool)
        if self.held is None:
            return [], counted
        order, levels = by_id(rows.ids), self.held.sampling.labels()
        if not levels.whole:
            order = order[levels.possible(rows.ids[order])]
        if not order.size:
            return [], counted
        came = self._labels(rows.take(order))
        asked = came.ids[np.concatenate([[True], came.ids[1:] != came.ids[:-1]])]
        steps = Succession.of(came, [labels for labels, _ in self.held.find(LABELS, asked)])
        counted[order] = steps.counted
        found = list(self.held.find(PREDICTIONS, steps.rows.ids[steps.gained]))
        last = steps.labels(steps.last)
        if not levels.whole:
            found = [_drawn(pair, levels) for pair in found]
            waits = levels.latest(last.ids)
            for made, _ in found:
                waits |= np.isin(last.ids, made.ids)
            last = last.take(waits)
        self.held.add(LABELS, last, int(rows.times.max()))
        # without a shape the monitor has changed, and nothing has come since to count on
        return ([] if shape is None else self._changed(steps, found, shape)), counted

    def _changed(self, steps: Succession, found: Found, shape: Shape) -> list[Joined]:
        """What labels change: each counts from when it was known, and the one that it corrects no longer.

        Args:
            steps: the labels.
            found: predictions, and the places of their labels among those that `steps` has gained.
            shape: the shape of the model's profiles.
        """
        joined = []
        for made, places in found:
            new, old = steps.gained[places], steps.lost[places]
            joined.append(self._pairs(made, steps.labels(new), shape))
            corrected = np.flatnonzero(old >= 0)
            if corrected.size:
                was = steps.corrected(new[corrected], old[corrected])
                taken = self._pairs(made.take(corrected), was, shape)
                joined.append(replace(taken, withdrawn=True))
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
        late = (rows.times - _moments(known)) // MILLISECOND
        at = np.minimum(late, np.iinfo(np.uint32).max).astype(np.uint32)
        label = narrow(self.schema.task, rows.values)
        if self.schema.task == "ranking":
            label = label.astype(np.int64)  # codes, and not to be taken for another task's numbers
        return Block.of(rows.ids, {"known": known, "at": at, "label": label})

    def _brought(self, rows: Predictions, order: Ints, ids: Any) -> Block | None:
        """The labels that predictions bring along in the same row."""
        if rows.label is None:
            return None
        times = rows.times if rows.label_times is None else np.maximum(rows.label_times, rows.times)
        values = rows.label.take(order) if isinstance(rows.label, Coded) else rows.label[order]
        labels = Labels(ids, times[order], values)
        labels = labels.take(labels.present())
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


def _drawn(found: tuple[Block, Ints], levels: LabelLevels) -> tuple[Block, Ints]:
    """The predictions that are in the samples of their windows still."""
    made, places = found
    kept = levels.drawn(made.ids, made.column("start"))
    return made.take(kept), places[kept]


def _moments(column: Coded) -> Ints:
    return np.array([*column.names, 0], np.int64)[column.codes]


def kinds(task: str) -> Mapping[str, str]:
    """How a task's predictions and labels are held: the types of numbers, or "" for codes."""
    if task == "ranking":
        return {"prediction": "<f8", "label": "<i8"}
    kind = {"binary": "|i1", "multiclass": "", "regression": "<f8"}[task]
    return {"prediction": kind, "label": kind}
