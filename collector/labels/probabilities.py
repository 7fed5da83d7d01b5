"""The probabilities of waiting predictions, in the label join: 2 bytes a class, and its likeliest classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from collector.batch import Coded, Predictions
from collector.labels.blocks import Block
from collector.summarize import class_codes
from collector.validation.probabilities import ranked
from profiles import NO_SCORE, ClassScores, Probabilities, Shape
from profiles.classes import MOST_RANKS

BINS, PLACES = "scores.", "likeliest."  # then the class, or the place
ABSENT = 0  # no score falls on this bin


def held_probabilities(rows: Predictions, order: Any, shape: Shape) -> dict[str, Any]:
    """The columns of a block that hold probabilities, in an order of rows; none where there are none."""
    space = shape.spaces.get("class_scores")
    if rows.scores is None or not isinstance(space, ClassScores):
        return {}
    bins = space.bins(rows.scores, len(rows))[order]
    bins = np.where(bins == NO_SCORE, ABSENT, bins).astype(np.int16)
    names = (space.classes.values[code] for code in space.codes.tolist())
    columns: dict[str, Any] = {f"{BINS}{name}": bins[:, place] for place, name in enumerate(names)}
    for place, coded in enumerate(ranked(rows.scores, MOST_RANKS)):
        columns[f"{PLACES}{place}"] = coded.take(order)
    return columns


def probabilities_of(block: Block, kept: Any, shape: Shape) -> Probabilities | None:
    """What some rows of a block were scored; None where none of them was."""
    space = shape.spaces.get("class_scores")
    places = [block.column(name).take(kept) for name in block.columns if name.startswith(PLACES)]
    if not isinstance(space, ClassScores) or not any((place.codes >= 0).any() for place in places):
        return None
    names = [space.classes.values[code] for code in space.codes.tolist()]
    rows = places[0].codes.size
    bins = [block.columns.get(f"{BINS}{name}", np.zeros(len(block), np.int16))[kept] for name in names]
    found = np.column_stack([np.zeros((rows, 0), np.int64), *bins]).astype(np.int64)
    codes = [_codes(place, shape) for place in places]
    return Probabilities(space.codes, np.where(found == ABSENT, NO_SCORE, found), np.column_stack(codes))


def _codes(column: Coded, shape: Shape) -> Any:
    return np.nan_to_num(class_codes(column, shape), nan=-1).astype(np.int64)
