"""What estimates read from profiles: the rows to estimate for, and the rows whose labels have come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from profiles import BinaryOutcomes, ClassScoreCounts, MulticlassOutcomes, ScoredPredictions
from profiles.counts import Floats, Ints, aligned

TRAFFIC = {"binary": "scored", "multiclass": "class_scores", "regression": "prediction"}
OUTCOMES = {"binary": "performance", "multiclass": "performance", "regression": "losses"}
Strata = Mapping[str, Any]
"""The summaries of some part, by the name of the stratum whose rows they are."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows alike in score, prediction and stratum, by cell; every attribute has shape (cells,).

    Attributes:
        keys: the bin on the score grid.
        predicted: whether the prediction is the class.
        rows: how many rows.
        strata: the place of the stratum.
    """

    keys: Ints
    predicted: npt.NDArray[np.bool_]
    rows: Floats
    strata: Ints

    @classmethod
    def join(cls, parts: list[tuple[Ints, bool, Ints, int]]) -> Cells:
        """From bins, prediction, counts and stratum of each part."""
        sizes = [keys.size for keys, *_ in parts]
        return cls(
            np.concatenate([keys for keys, *_ in parts]).astype(np.int64),
            np.repeat([predicted for _, predicted, *_ in parts], sizes),
            np.concatenate([rows for *_, rows, _ in parts]).astype(np.float64),
            np.repeat([stratum for *_, stratum in parts], sizes),
        )


def place_of(name: str, strata: Sequence[str]) -> int:
    """The place of a stratum; the last of all where it is not told apart."""
    return strata.index(name) if name in strata else len(strata)


def cells_of(window: Strata, strata: Sequence[str]) -> dict[int, Cells]:
    """The rows of a window by class: of a binary task only class 1.

    Args:
        window: summaries of `TRAFFIC`'s part.
        strata: the known names.
    """
    parts: dict[int, list[tuple[Ints, bool, Ints, int]]] = {}
    for name, summary in window.items():
        place = place_of(name, strata)
        for code, predicted, keys, rows in _predicted(summary):
            parts.setdefault(code, []).append((keys, predicted, rows, place))
    return {code: Cells.join(held) for code, held in parts.items()}


def _predicted(summary: Any) -> Iterator[tuple[int, bool, Ints, Ints]]:
    """By class and whether it is what was predicted: bins and rows."""
    if isinstance(summary, ScoredPredictions):
        yield 1, True, summary.positive.keys, summary.positive.values
        yield 1, False, summary.negative.keys, summary.negative.values
    elif isinstance(summary, ClassScoreCounts):
        for code in summary.space.codes.tolist():
            keys, *rows = summary.of_class(code)
            for predicted, held in zip((True, False), rows, strict=True):
                some = held > 0
                yield code, predicted, keys[some], held[some]
    else:
        raise TypeError(f"{type(summary).__name__} holds no predictions to estimate for")


def labelled(summary: Any) -> Iterator[tuple[int, Ints, Ints, Ints]]:
    """By class of joined labels: bins, rows with the class as label, and all rows."""
    if isinstance(summary, BinaryOutcomes):
        keys, (positives, negatives) = aligned([summary.positives, summary.negatives])
        yield 1, keys, positives, positives + negatives
    elif isinstance(summary, MulticlassOutcomes):
        for code in range(len(summary.space.classes.values)):
            keys, positives, negatives = summary.scores_of_class(code)
            if keys.size:
                yield code, keys, positives, positives + negatives
    else:
        raise TypeError(f"{type(summary).__name__} holds no labels to learn from")
