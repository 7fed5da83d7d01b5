"""Multi-class predictions whose label has come: what was predicted, how sure the model was, and the label."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from profiles.categorical import Vocabulary
from profiles.class_scores import cells, classes_of, of_class
from profiles.counts import Counts, Ints
from profiles.outcomes import NO_SCORE
from profiles.score import ScoreGrid
from profiles.sums import Sums

MOST_RANKS = 10  # ranks that are told apart


@dataclass(frozen=True)
class Probabilities:
    """What joined rows were scored.

    Attributes:
        codes: the classes that have a column in `bins`, shape (c,).
        bins: of the score grid, shape (n, c); `NO_SCORE` for missing.
        likeliest: the codes of the most likely classes of each row, shape (n, k) with k >= 1, the most likely
            first; -1 where there are no more.
    """

    codes: Ints
    bins: Ints
    likeliest: Ints


@dataclass(frozen=True, eq=False)
class MulticlassOutcomes(Sums):
    """Counts of joined rows; all but the confusion only of rows that came with probabilities.

    Attributes:
        confusion: keyed by prediction code * stride + label code.
        scores: class x score bin x whether this class is the label: see `scores_of_class`.
        ranks: the label's place among the probabilities, from 1 up to `MOST_RANKS`; 0 for beyond or unknown.
        confidences: score bin of the most likely class x whether it is the label: see `by_confidence`.
    """

    confusion: Counts
    scores: Counts = field(default_factory=Counts)
    ranks: Counts = field(default_factory=Counts)
    confidences: Counts = field(default_factory=Counts)

    @property
    def count(self) -> int:
        """How many labels have joined."""
        return self.confusion.total

    @property
    def correct(self) -> int:
        """How many predictions equal their label."""
        stride = ClassOutcomes.STRIDE
        return int(self.confusion.values[self.confusion.keys // stride == self.confusion.keys % stride].sum())

    def scores_of_class(self, code: int) -> tuple[Ints, Ints, Ints]:
        """The probabilities of one class, by its code in the space's `classes`.

        Returns:
            The occupied bins of `space.grid`, ascending, shape (b,); how many rows of each had this class as
            their label; how many had another.
        """
        return of_class(self.scores, code)

    @property
    def scored_classes(self) -> Ints:
        """The codes of the classes that have probabilities, ascending."""
        return classes_of(self.scores)

    def by_confidence(self) -> tuple[Ints, Ints, Ints]:
        """The probability of the most likely class: its bins, and how often it was the label, and not."""
        return of_class(self.confidences, 0)


@dataclass(frozen=True)
class ClassOutcomes:
    """The space of a multi-class task, over the classes of the reference.

    >>> space = ClassOutcomes(Vocabulary(("cat", "dog")))
    >>> space.summarize(np.array([0, 1]), np.array([0, 0])).correct
    1
    """

    classes: Vocabulary
    kind: ClassVar[str] = "multiclass"
    grid: ClassVar[ScoreGrid] = ScoreGrid()
    STRIDE: ClassVar[int] = 4096

    def summarize(
        self, predictions: Ints, labels: Ints, probabilities: Probabilities | None = None
    ) -> MulticlassOutcomes:
        """Count joined rows by codes of `classes`, both shape (n,), and what they were scored."""
        confusion = Counts.of(predictions * self.STRIDE + labels)
        if probabilities is None:
            return MulticlassOutcomes(self, confusion)
        codes, bins, likeliest = probabilities.codes, probabilities.bins, probabilities.likeliest
        rows, places = np.nonzero(bins != NO_SCORE)
        scores = cells(codes[places], bins[rows, places], (codes[places] == labels[rows]).astype(np.int64))
        scored = likeliest[:, :1].ravel() >= 0
        hits = likeliest[scored, :MOST_RANKS] == labels[scored, None]
        ranks = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0)
        top, column = np.nonzero(likeliest[:, :1] == codes)  # a class that is not counted has no bin
        sure = bins[top, column]
        confidences = cells(0, sure, (codes[column] == labels[top]).astype(np.int64))[sure != NO_SCORE]
        return MulticlassOutcomes(
            self, confusion, Counts.of(scores), Counts.of(ranks), Counts.of(confidences)
        )

    def zero(self) -> MulticlassOutcomes:
        """The summary of no rows."""
        return MulticlassOutcomes(self, Counts())
