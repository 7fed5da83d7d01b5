"""What happens to one of the features when it changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from profiles.counts import Floats

TAIL = 0.01  # the share of rows in the upper tail


@dataclass(frozen=True)
class Change:
    """A change of one feature.

    Attributes:
        name: for the table.
        feature: which of the simulated features changes.
        mean: what is added, in standard deviations of the rows.
        variance: what the variance is multiplied by.
        share: what the most frequent category loses to the next.
        missing: what the share of missing values is multiplied by.
        tail: what the share of the upper tail is multiplied by; the rest stays as it was.
        correlation: with the feature before it.
    """

    name: str
    feature: str
    mean: float = 0.0
    variance: float = 1.0
    share: float = 0.0
    missing: float = 1.0
    tail: float = 1.0
    correlation: float = 0.0

    def heavier(self, below: Floats) -> Floats:
        """A distribution function with its tail changed, from its values before."""
        if self.tail == 1.0:
            return below
        hinge, rest = 1 - TAIL, 1 - TAIL * self.tail
        return np.where(below < hinge, below * (rest / hinge), 1 - (1 - below) * self.tail)

    def back(self, below: Floats) -> Floats:
        """The inverse of `heavier`: makes uniform draws ones of the old distribution function."""
        hinge, rest = 1 - TAIL, 1 - TAIL * self.tail
        return np.where(below < rest, below * (hinge / rest), 1 - (1 - below) / self.tail)


NONE = Change("none", "")
CHANGES = (
    Change("mean +0.05 sd", "normal 0", mean=0.05),
    Change("mean +0.1 sd", "normal 0", mean=0.1),
    Change("mean +0.2 sd", "normal 0", mean=0.2),
    Change("variance x 1.1", "normal 0", variance=1.1),
    Change("category share by 2 points", "words 1", share=0.02),
    Change("missing 1 % -> 3 %", "normal 0", missing=3.0),
    Change("upper 1 % -> 3 %", "normal 0", tail=3.0),
)
