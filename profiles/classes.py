"""Classes of a multi-class model: the confusion counts of predictions whose label has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from profiles.categorical import Vocabulary
from profiles.counts import Counts, Ints
from profiles.sums import Sums


@dataclass(frozen=True, eq=False)
class MulticlassOutcomes(Sums):
    """The confusion counts, keyed by prediction code * stride + label code."""

    confusion: Counts

    @property
    def count(self) -> int:
        """How many labels have joined."""
        return self.confusion.total

    @property
    def correct(self) -> int:
        """How many predictions equal their label."""
        stride = ClassOutcomes.STRIDE
        return int(self.confusion.values[self.confusion.keys // stride == self.confusion.keys % stride].sum())


@dataclass(frozen=True)
class ClassOutcomes:
    """The space of a multi-class task, over the classes of the reference.

    >>> import numpy as np
    >>> space = ClassOutcomes(Vocabulary(("cat", "dog")))
    >>> space.summarize(np.array([0, 1]), np.array([0, 0])).correct
    1
    """

    classes: Vocabulary
    kind: ClassVar[str] = "multiclass"
    STRIDE: ClassVar[int] = 4096

    def summarize(self, predictions: Ints, labels: Ints) -> MulticlassOutcomes:
        """Count joined rows by codes of `classes`, both shape (n,)."""
        return MulticlassOutcomes(self, Counts.of(predictions * self.STRIDE + labels))

    def zero(self) -> MulticlassOutcomes:
        """The summary of no rows."""
        return MulticlassOutcomes(self, Counts())
