"""The confusion matrix as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from profiles import BinaryOutcomes, ClassOutcomes, MulticlassOutcomes
from profiles.counts import Ints

MOST_CLASSES = 20
UNSEEN = "(unseen)"


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often which class was predicted where another was true.

    Attributes:
        classes: their names.
        counts: labels by predictions, shape (classes, classes).
    """

    classes: tuple[str, ...]
    counts: Ints

    @property
    def shares(self) -> Any:
        """Of the rows with a label the share with a prediction, shape (classes, classes)."""
        return self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)


def confusion_of(outcomes: Any) -> Confusion | None:
    """The confusion matrix of a summary; None where there is none, or it has too many classes.

    >>> from profiles import Outcomes
    >>> done = Outcomes().summarize(np.full(3, 0.9), np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]))
    >>> confusion_of(done).counts.tolist()
    [[1, 1], [0, 1]]
    """
    if isinstance(outcomes, BinaryOutcomes):
        return Confusion(("0", "1"), outcomes.confusion.reshape(2, 2).T)
    if not isinstance(outcomes, MulticlassOutcomes):
        return None
    names = outcomes.space.classes.values
    if not names or len(names) > MOST_CLASSES:
        return None
    stride = ClassOutcomes.STRIDE
    predicted, true = (np.minimum(codes, len(names)) for codes in np.divmod(outcomes.confusion.keys, stride))
    counts = np.zeros((len(names) + 1, len(names) + 1), np.int64)
    np.add.at(counts, (true, predicted), outcomes.confusion.values)
    if counts[-1].any() or counts[:, -1].any():
        return Confusion((*names, UNSEEN), counts)
    return Confusion(names, counts[:-1, :-1])
