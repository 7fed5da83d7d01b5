"""What it means that neighbouring windows resemble each other.

A healthy model that wanders slowly shows the same deviation for days, and all windows share the errors of one
finite reference. So the reference's windows know less than as many independent ones would, and the evidence
of one more window is partly old news. The reference knows how slowly it wanders: von Neumann's ratio (Annals
of Mathematical Statistics 12, 1941) compares the distance of neighbouring windows with that of any two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from profiles.counts import Floats

MOST_CORRELATION = 0.95
FEWEST_WORTH = 1.5
ROUNDS = 3


@dataclass(frozen=True)
class Persistence:
    """How windows resemble their neighbours.

    Attributes:
        windows: of the reference.
        correlation: of neighbouring windows, as of an autoregression of the first order.
        phases: how many phases the reference is divided into, each known from its own windows.
    """

    windows: int
    correlation: float = 0.0
    phases: int = 1

    @classmethod
    def learn(cls, neighbours: Floats, apart: Floats, phases: int = 1) -> Persistence:
        """Learn from distances that are each divided by what unrelated windows show on average.

        Args:
            neighbours: squared distances of neighbouring windows, shape (windows - 1,), in time order.
            apart: squared distances of each window from the rest, shape (windows,).
            phases: how many phases the reference is divided into.

        >>> rng = np.random.default_rng(0)
        >>> round(Persistence.learn(rng.chisquare(1, 89), rng.chisquare(1, 90)).weight, 1)
        1.0
        >>> round(Persistence.learn(rng.chisquare(1, 89) / 3, rng.chisquare(1, 90)).weight, 1)
        0.2
        """
        windows = max(apart.size, 2)
        spread = float(apart.mean()) if apart.size else 0.0
        ratio = float(neighbours.mean()) / spread if neighbours.size and spread > 0 else 1.0
        correlation = float(np.clip(1 - ratio, 0, MOST_CORRELATION))
        for _ in range(ROUNDS):
            # a reference of few independent windows looks less spread out than it is, by 1 - 1 / worth
            narrow = min((1 - 1 / _worth(windows, correlation)) / (1 - 1 / windows), 1.0)
            correlation = float(np.clip(1 - ratio * narrow, 0, MOST_CORRELATION))
        return cls(windows, correlation, phases)

    @property
    def own(self) -> float:
        """How many windows a phase has on average."""
        return max(self.windows / self.phases, FEWEST_WORTH)

    @property
    def worth(self) -> float:
        """How many independent windows a phase's are worth, for their mean.

        n (1 - r) / (1 + r): Bayley and Hammersley, Journal of the Royal Statistical Society Supplement 8
        (1946).
        """
        return min(_worth(self.windows, self.correlation), self.own)

    @property
    def weight(self) -> float:
        """The exponent in (0, 1) of the evidence of one window.

        Neighbours share the correlation, and all windows of a phase the error of its reference.
        """
        return (1 - self.correlation) / (1 + self.correlation) * (self.worth - 1) / (self.worth + 1)

    @property
    def independent(self) -> float:
        """How many independent windows all are worth, for their variance: n (1 - r**2) / (1 + r**2).

        Every phase but one has cost a mean: as a share of the windows, which the correlation does not change.
        """
        worth = self.windows * (1 - self.correlation**2) / (1 + self.correlation**2)
        return max(worth * (1 - (self.phases - 1) / self.windows), FEWEST_WORTH)

    @property
    def stretch(self) -> float:
        """By how much a new window is further from the reference than its own windows from the rest of it.

        Those have their neighbours in the rest; a window to come has not.
        """
        return (1 + 1 / self.worth) / (1 - 1 / self.worth + 2 / self.own)

    @property
    def hidden(self) -> float:
        """By how much windows vary more than about their own mean, which follows them."""
        return (1 - 1 / self.own) / (1 - 1 / self.worth)


def _worth(windows: int, correlation: float) -> float:
    return max(windows * (1 - correlation) / (1 + correlation), FEWEST_WORTH)
