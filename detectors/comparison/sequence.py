"""The confidence sequence of the difference of two versions, from blocks of windows that both served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from detectors.comparison.boundary import TIGHTEST_AT, half_width
from profiles.counts import Floats


@dataclass(frozen=True, eq=False)
class Blocks:
    """What was seen in each block, in order. Every array ends in an axis of blocks, shape (..., blocks).

    Attributes:
        differences: of the metric, candidate - baseline.
        rows: of the baseline in each block.
        others: of the candidate in each block.
        variance: of one row of the baseline, as known at the end of each block.
        others_variance: of one row of the candidate.
    """

    differences: Floats
    rows: Floats
    others: Floats
    variance: Floats
    others_variance: Floats


@dataclass(frozen=True, eq=False)
class Sequence:
    """The difference after each block and the half width of its confidence interval, shape (..., blocks)."""

    difference: Floats
    half_width: Floats

    @property
    def lower(self) -> Floats:
        """The lower ends."""
        return self.difference - self.half_width

    @property
    def upper(self) -> Floats:
        """The upper ends."""
        return self.difference + self.half_width


def confidence_sequence(blocks: Blocks, alpha: float) -> Sequence:
    """The difference of two versions and its interval after each block, valid at all of them together.

    The difference is taken within each block, so what changes for both versions from window to window does
    not matter. A block weighs n m / (n + m), which the outcomes have no part in. The variance is that of the
    rows; where the differences of the blocks vary more than rows explain, it is raised by that factor.

    Args:
        blocks: what was seen.
        alpha: how often, of all comparisons of equal versions, any interval may exclude the truth.

    >>> same = Blocks(*(np.full(4, value) for value in (0.0, 100.0, 100.0, 0.25, 0.25)))
    >>> confidence_sequence(same, 0.05).half_width.round(3)
    array([0.27 , 0.167, 0.13 , 0.11 ])
    """
    weight = blocks.rows * blocks.others / (blocks.rows + blocks.others)
    whole = np.cumsum(weight, axis=-1)
    difference = np.cumsum(weight * blocks.differences, axis=-1) / whole
    sampled = _of_rows(blocks, np.square(weight)) / whole  # the variance of one effective row
    variance = sampled + _beyond_rows(blocks, weight, difference, sampled, alpha)
    return Sequence(difference, np.sqrt(variance) * half_width(whole, alpha))


def _of_rows(blocks: Blocks, weight: Floats) -> Floats:
    """The cumulated variance of the blocks' differences that their rows explain, each with a weight."""
    return blocks.variance * np.cumsum(weight / blocks.rows, axis=-1) + (
        blocks.others_variance * np.cumsum(weight / blocks.others, axis=-1)
    )


def _beyond_rows(blocks: Blocks, weight: Floats, difference: Floats, sampled: Floats, alpha: float) -> Floats:
    """The variance of one effective row that the blocks' differences show beyond what their rows explain.

    The whole is raised by the factor by which they vary more (the square of a Birge ratio). It is known from
    few blocks, so what is added counts as Student's distribution is wider than the normal one, as far out as
    the boundary is.
    """
    spread = np.cumsum(weight * np.square(blocks.differences), axis=-1)
    spread = spread - np.cumsum(weight, axis=-1) * np.square(difference)
    expected = _of_rows(blocks, weight) - sampled
    degrees = np.broadcast_to(np.maximum(np.arange(weight.shape[-1]), 1.0), expected.shape)
    share = np.divide(
        sampled, expected, out=1 / degrees, where=expected > 0
    )  # of certain values: the blocks'
    boundary = half_width(TIGHTEST_AT, alpha) * np.sqrt(TIGHTEST_AT)  # in standard deviations
    wider = stats.t.isf(stats.norm.sf(boundary), degrees) / boundary
    more: Floats = np.maximum(spread - expected, 0.0) * share * np.square(wider)
    more[..., 0] = 0.0  # one block has no spread
    return more
