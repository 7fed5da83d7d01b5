"""The label join: every prediction and every label meets its other half once, whichever comes first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from collector.batch import Coded, Hashes, Labels, Predictions
from collector.blocks import Block, Blocks
from collector.schema import Schema
from collector.summarize import Joined, class_codes, grouped
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
    columns = _outcome_columns(rows, schema, shape)
    groups = columns.pop("group")
    joined = []
    labels = None if rows.label is None else class_codes(rows.label, shape)
    labelled = np.zeros(len(rows), bool) if labels is None else ~np.isnan(labels)
    if labels is not None and labelled.any():
        known = np.maximum(rows.times if rows.label_times is None else rows.label_times, rows.times)
        joined.append(_joined(columns, groups, labelled, labels[labelled], known[labelled], schema))
    if rows.ids is None:
        return halves, joined
    for block, place, hit in halves.labels.matches(rows.ids):
        known = np.maximum(block.columns["time"][place], rows.times[hit])
        joined.append(_joined(columns, groups, hit, block.columns["label"][place], known, schema))
    halves = replace(halves, predictions=halves.predictions.add(Block.of(rows.ids, columns, groups), oldest))
    if labels is not None and labelled.any():
        times = rows.times if rows.label_times is None else rows.label_times
        held = {"time": times[labelled], "label": labels[labelled]}
        halves = replace(halves, labels=halves.labels.add(Block.of(rows.ids[labelled], held), oldest))
    return halves, joined


def join_labels(
    rows: Labels, halves: Halves, schema: Schema, shape: Shape | None, oldest: int
) -> tuple[Halves, list[Joined]]:
    """Take in labels, all new: what joins with predictions that came before."""
    labels = rows.values if not isinstance(rows.values, Coded) else class_codes(rows.values, _sure(shape))
    joined = []
    for block, place, hit in halves.predictions.matches(rows.ids):
        groups = Coded(block.columns["group"].astype(np.int64), block.names)
        known = np.maximum(rows.times[hit], block.columns["time"][place])
        joined.append(_joined(block.columns, groups, place, labels[hit], known, schema))
    held = {"time": rows.times, "label": labels}
    return replace(halves, labels=halves.labels.add(Block.of(rows.ids, held), oldest)), joined


def _sure(shape: Shape | None) -> Shape:
    if shape is None:
        raise ValueError("labels of a multi-class task need the classes of a reference or of a prediction")
    return shape


def _outcome_columns(rows: Predictions, schema: Schema, shape: Shape) -> dict[str, Any]:
    nothing = np.full(len(rows), np.nan)
    prediction = nothing if rows.prediction is None else class_codes(rows.prediction, shape)
    return {
        "time": rows.times,
        "prediction": prediction,
        "score": nothing if rows.score is None else rows.score,
        "group": grouped(rows, schema, shape),
    }


def _joined(columns: Any, groups: Coded, rows: Any, labels: Any, known: Ints, schema: Schema) -> Joined:
    """Pair rows of predictions with labels; a prediction that failed has no outcome."""
    predictions = columns["prediction"][rows]
    made = ~np.isnan(predictions)
    return Joined(
        groups=groups.take(rows).take(made),
        starts=schema.window.starts(columns["time"][rows][made]),
        known=schema.window.starts(known[made]),
        predictions=predictions[made],
        scores=columns["score"][rows][made],
        labels=labels[made],
    )
