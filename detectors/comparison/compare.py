"""Compares two versions by one measure, over windows that both served in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from detectors.comparison.blocks import Block, blocks_of
from detectors.comparison.boundary import ALPHA
from detectors.comparison.measure import Measure
from detectors.comparison.sequence import Blocks, confidence_sequence
from detectors.proportion import Z95

LEAST_BLOCKS = 4  # of fewer nobody knows how much windows differ by nature


class Verdict(StrEnum):
    """What is known of the candidate beside the baseline."""

    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"  # where neither way is better
    SAME = "no difference yet"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Arm:
    """One version: the value over all windows with its 95 % interval, and the rows that it rests on."""

    value: float
    lower: float
    upper: float
    rows: int


@dataclass(frozen=True)
class Look:
    """The difference, candidate - baseline, after some windows, and its confidence sequence there."""

    windows: int
    difference: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Difference:
    """How two versions differ by a measure.

    Attributes:
        measure: what is compared.
        baseline: the one version.
        candidate: the other.
        looks: the difference after each block of windows, the newest last.
        margin: the smallest difference that matters, in the measure's unit.
        missing: what there is too little of; "" if nothing.
    """

    measure: Measure
    baseline: Arm
    candidate: Arm
    looks: Sequence[Look]
    margin: float
    missing: str = ""

    @property
    def verdict(self) -> Verdict:
        """From the newest look: whether all of the interval is beyond the margin."""
        if self.missing:
            return Verdict.INSUFFICIENT
        low, high = self._gain()
        if low > self.margin:
            return Verdict.BETTER if self.measure.better else Verdict.DIFFERENT
        if high < -self.margin:
            return Verdict.WORSE if self.measure.better else Verdict.DIFFERENT
        return Verdict.SAME

    @property
    def not_worse(self) -> bool:
        """Whether the candidate is known to be no worse than the baseline by more than the margin."""
        if self.missing:
            return False
        low, high = self._gain()
        return low > -self.margin and (self.measure.better != 0 or high < self.margin)

    def _gain(self) -> tuple[float, float]:
        """The interval of the improvement."""
        look = self.looks[-1]
        return (-look.upper, -look.lower) if self.measure.better < 0 else (look.lower, look.upper)


def compare(
    measure: Measure,
    baseline: Sequence[Any],
    candidate: Sequence[Any],
    margin: float = 0.0,
    alpha: float = ALPHA,
) -> Difference:
    """Compare two versions.

    Equal versions are called better, worse or different at any of all looks with probability at most `alpha`;
    so it is asymptotically, as blocks have many rows, and where the differences of windows are independent.

    Args:
        measure: what by.
        baseline: its part of the profile of each window, in order.
        candidate: of the same windows.
        margin: the smallest difference that matters: in the unit of a bounded measure, else a share of the
            baseline's value.
        alpha: the error of all looks together.
    """
    blocks = blocks_of(measure, list(zip(baseline, candidate, strict=True)))
    one, other = _arm(measure, baseline), _arm(measure, candidate)
    scaled = margin if measure.bounded else margin * abs(one.value)
    missing = _missing(measure, one, other, len(blocks))
    return Difference(measure, one, other, _looks(blocks, alpha), scaled, missing)


def _looks(blocks: Sequence[Block], alpha: float) -> list[Look]:
    if not blocks:
        return []
    values = np.array([block.values for block in blocks])
    rows = np.array([block.rows for block in blocks], np.float64)
    variances = np.array([block.variances for block in blocks])
    seen = Blocks(values[:, 1] - values[:, 0], *rows.T, *variances.T)
    found = confidence_sequence(seen, alpha)
    ends = zip(blocks, found.difference, found.lower, found.upper, strict=True)
    return [Look(block.stop, *map(float, numbers)) for block, *numbers in ends]


def _arm(measure: Measure, windows: Sequence[Any]) -> Arm:
    if not windows:
        return Arm(float("nan"), float("nan"), float("nan"), 0)
    whole = reduce(add, windows)
    value, error = measure.compute(whole)
    low, high = np.clip([value - Z95 * error, value + Z95 * error], *measure.span)
    return Arm(value, float(low), float(high), measure.rows(whole))


def _missing(measure: Measure, baseline: Arm, candidate: Arm, blocks: int) -> str:
    """What there is too little of, in words."""
    for name, arm in (("baseline", baseline), ("candidate", candidate)):
        if arm.rows < measure.least_rows:
            return f"the {name} has {arm.rows} {measure.what}, fewer than {measure.least_rows}"
    if blocks >= LEAST_BLOCKS:
        return ""
    if not np.isfinite([baseline.value, candidate.value]).all():
        return f"the {measure.what} of both versions do not define {measure.name}"
    each = f"{measure.least_rows} {measure.what} of each version"
    return f"{blocks} of {LEAST_BLOCKS} stretches of windows with at least {each}"
