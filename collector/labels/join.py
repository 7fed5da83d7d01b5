"""The label join: every prediction and every label meets its other half once, whichever comes first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from collector.batch import Hashes, Labels, Predictions
from collector.labels.blocks import Block, Blocks
from collector.schema import Schema
from collector.summarize import Joined, class_codes, grouped
from collector.window import MICROSECOND
from profiles import Shape
from profiles.counts import Ints


@dataclass(frozen=True)
class Halves:
    """What waits for its other half, or to be recognised as a duplicate. Never changed in place."""

    predictions: Blocks = field(default_factory=Blocks)
    labels: Blocks = field(default_factory=Blocks)


def first_of_each(ids: Hashes, known: Blocks) -> Any:
    """A mask of the rows whose id is new: not in `known`, and not earlier in the same batch."""
    fresh = np.zeros(ids.size, bool)
    fresh[np.unique(ids, return_index=True)[1]] = True
    return fresh & ~known.contains(ids)


def join_predictions(
    rows: Predictions, halves: Halves, schema: Schema, shape: Shape, oldest: int
) -> tuple[Halves, list[Joined]]:
    """Take in predictions, all new: what joins with labels that came before, or in the same rows."""
    nothing = np.full(len(rows), np.nan)
    columns = {
        "time": rows.times,
        "prediction": nothing if rows.prediction is None else rows.prediction,
        "score": nothing if rows.score is None else rows.score,
        "group": grouped(rows, schema, shape),
    }
    ids = np.arange(len(rows), dtype=np.uint64) if rows.ids is None else rows.ids
    block, pairs = Block.of(ids, columns), _Pairs(schema, shape)
    joined = [
        pairs.of(block, block.find(ids[hit]), held.column("label", place), held.columns["time"][place])
        for held, place, hit in (halves.labels.matches(ids) if rows.ids is not None else [])
    ]
    brought = _brought(rows, ids, halves)
    if len(brought):
        joined.append(pairs.of(block, block.find(brought.ids), brought.values, brought.times))
    if rows.ids is None:
        return halves, joined
    halves = replace(halves, predictions=halves.predictions.add(block, oldest))
    if len(brought):
        held = {"time": brought.times, "label": brought.values}
        halves = replace(halves, labels=halves.labels.add(Block.of(brought.ids, held), oldest))
    return halves, joined


def _brought(rows: Predictions, ids: Hashes, halves: Halves) -> Labels:
    """The labels that predictions bring along in the same row, unless they came before."""
    if rows.label is None:
        return Labels(ids[:0], rows.times[:0], np.zeros(0))
    times = rows.times if rows.label_times is None else np.maximum(rows.label_times, rows.times)
    labels = Labels(ids, times, rows.label)
    known = halves.labels.contains(ids) if rows.ids is not None else np.zeros(len(rows), bool)
    return labels.take(labels.present() & ~known)


def join_labels(
    rows: Labels, halves: Halves, schema: Schema, shape: Shape | None, oldest: int
) -> tuple[Halves, list[Joined]]:
    """Take in labels, all new: what joins with predictions that came before."""
    joined = []
    for block, place, hit in halves.predictions.matches(rows.ids):
        if shape is None:  # the monitor has changed, and nothing has come since to count on
            break
        matched = rows.take(hit)
        joined.append(_Pairs(schema, shape).of(block, place, matched.values, matched.times))
    held = {"time": rows.times, "label": rows.values}
    return replace(halves, labels=halves.labels.add(Block.of(rows.ids, held), oldest)), joined


@dataclass(frozen=True)
class _Pairs:
    schema: Schema
    shape: Shape

    def of(self, block: Block, rows: Ints, labels: Any, times: Ints) -> Joined:
        """Pair rows of predictions with labels; a prediction that failed, or is too old, has no outcome."""
        made = block.columns["time"][rows]
        known = np.maximum(times, made)
        predictions = class_codes(block.column("prediction", rows), self.shape)
        kept = np.flatnonzero(
            ~np.isnan(predictions) & (known - made <= self.schema.label_horizon // MICROSECOND)
        )
        return Joined(
            groups=block.column("group", rows[kept]),
            starts=self.schema.window.starts(made[kept]),
            known=self.schema.window.starts(known[kept]),
            predictions=predictions[kept],
            scores=block.columns["score"][rows[kept]],
            labels=class_codes(labels, self.shape)[kept],
        )
