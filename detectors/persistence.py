"""How much of a window's evidence is news, when neighbouring windows resemble each other.

Evidence multiplies over windows as if each were a fresh look. It is not: a healthy model that wanders slowly
shows the same deviation for days, and all windows share the errors of one finite reference. The reference
knows how slowly it wanders: von Neumann's ratio (Annals of Mathematical Statistics 12, 1941) compares the
distance of neighbouring windows with the distance of any two.
"""

from __future__ import annotations

import numpy as np

from profiles.counts import Floats

MOST_CORRELATION = 0.95
FEWEST_WORTH = 1.5
ROUNDS = 3


def weight_of(neighbours: Floats, apart: Floats, phases: int = 1) -> float:
    """The exponent in (0, 1) of the evidence of one window.

    With a correlation r of neighbours, n windows are worth m = n (1 - r) / (1 + r) independent ones (Bayley
    and Hammersley, Journal of the Royal Statistical Society Supplement 8, 1946), and what a new window shares
    with all others through the reference is 1 / m of its variance. Both make evidence old news. Where windows
    are compared with those of their phase alone, a phase is known from its share of the windows.

    Args:
        neighbours: squared distances of neighbouring reference windows, each divided by what unrelated
            windows show on average, shape (windows - 1,), in time order.
        apart: squared distances of each reference window from the rest, divided alike, shape (windows,).
        phases: how many phases the reference is divided into.

    >>> rng = np.random.default_rng(0)
    >>> round(weight_of(rng.chisquare(1, 89), rng.chisquare(1, 90)), 1)
    1.0
    >>> round(weight_of(rng.chisquare(1, 89) / 3, rng.chisquare(1, 90)), 1)
    0.2
    """
    windows = max(apart.size, 2)
    spread = float(apart.mean()) if apart.size else 0.0
    ratio = float(neighbours.mean()) / spread if neighbours.size and spread > 0 else 1.0
    correlation = float(np.clip(1 - ratio, 0, MOST_CORRELATION))
    for _ in range(ROUNDS):
        # a reference of few independent windows looks less spread out than it is, by 1 - 1 / m
        narrow = min((1 - 1 / _worth(windows, correlation)) / (1 - 1 / windows), 1.0)
        correlation = float(np.clip(1 - ratio * narrow, 0, MOST_CORRELATION))
    worth = min(_worth(windows, correlation), max(windows / phases, FEWEST_WORTH))
    return (1 - correlation) / (1 + correlation) * (worth - 1) / (worth + 1)


def _worth(windows: int, correlation: float) -> float:
    """How many independent windows so many correlated ones are worth."""
    return max(windows * (1 - correlation) / (1 + correlation), FEWEST_WORTH)
