"""A slice of rows whose share differs between a window and its reference: in words and in numbers.

Shares are compared as angles, whose error is the same for all shares: Anscombe, Biometrika 35, 1948.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from detectors.sampled.calibration import BEYOND
from profiles.counts import Floats

FOLDS = 5
CLEAR = 0.01  # a p-value below which it is said that a slice has changed


@dataclass(frozen=True)
class Slice:
    """A slice, found on other rows than those that are counted here.

    Attributes:
        words: which rows it is.
        fewer: whether the window had less of it where it was found.
        inside: rows of the window, and of the reference, in it.
        rows: rows of the window, and of the reference.
        folds: how many it was found for.
    """

    words: str
    fewer: bool
    inside: tuple[int, int]
    rows: tuple[int, int]
    folds: int

    @property
    def counted(self) -> tuple[int, int]:
        """The rows whose share should have grown: those in it, or those outside of it where it has fewer."""
        window, reference = self.inside
        return (self.rows[0] - window, self.rows[1] - reference) if self.fewer else (window, reference)

    @property
    def effect(self) -> float:
        """How much their share has grown: the difference of two angles (Cohen's h)."""
        return float(np.subtract(*(angles(rows)[k] for k, rows in zip(self.counted, self.rows, strict=True))))

    def share_of(self, effect: float) -> float:
        """The share of the window's rows that has an effect; 0 or `BEYOND` where none has."""
        rows = self.rows[0]
        angle = effect + float(angles(self.rows[1])[self.counted[1]])
        if angle > angles(rows)[-1]:
            return BEYOND
        return max(float(np.sin(max(angle, 0.0) / 2) ** 2 * (rows + 3 / 4) - 3 / 8) / rows, 0.0)

    def __str__(self) -> str:
        """In words, with both shares.

        >>> print(Slice("temp > 88.5 and carrier = UA", False, (210, 60), (1000, 1000), 5))
        temp > 88.5 and carrier = UA: 21 % of the rows (before 6 %)
        """
        now, before = (inside / rows for inside, rows in zip(self.inside, self.rows, strict=True))
        return f"{self.words}: {_percent(now)} of the rows (before {_percent(before)})"


@dataclass(frozen=True)
class WorstSlice:
    """What all folds say: mostly one slice; where nothing is clear each another one.

    Attributes:
        slices: the distinct ones, that with the largest part in the effect first.
        error: the standard error of the effect on a healthy window.
    """

    slices: tuple[Slice, ...]
    error: float

    @property
    def best(self) -> Slice:
        """The slice with the largest part in the effect."""
        return self.slices[0]

    @property
    def effect(self) -> float:
        """The mean effect of all folds."""
        return sum(one.folds * one.effect for one in self.slices) / FOLDS

    @property
    def p_value(self) -> float:
        """The probability of so large an effect when both samples come from one distribution."""
        return float(special.ndtr(-self.effect / self.error))

    def threshold(self, limit: float) -> float:
        """The share of the best slice from which the mean effect is at least `limit`."""
        others = sum(one.folds * one.effect for one in self.slices[1:])
        return self.best.share_of((FOLDS * limit - others) / self.best.folds)

    def sentence(self) -> str:
        """What it means, for people."""
        if self.p_value >= CLEAR:
            return "No slice of the rows has clearly changed its share."
        return f"The slice that has changed most is {self.best}."


def angles(rows: int) -> Floats:
    """The angles of the shares of 0 to `rows` rows, shape (rows + 1,)."""
    angles: Floats = 2 * np.arcsin(np.sqrt((np.arange(rows + 1) + 3 / 8) / (rows + 3 / 4)))
    return angles


def standard_error(window: int, reference: int) -> float:
    """The standard error of the difference of two angles."""
    return float(np.sqrt(1 / (window + 0.5) + 1 / (reference + 0.5)))


def _percent(share: float) -> str:
    """A share with two digits, and no more than people read.

    >>> _percent(0.214), _percent(0.034), _percent(0.9961)
    ('21 %', '3.4 %', '99.6 %')
    """
    digits = 1 if min(share, 1 - share) < 0.0995 and share not in (0, 1) else 0  # noqa: PLR2004 - below 10 %
    return f"{100 * share:.{digits}f} %".replace(".0 %", " %")
