"""Cuts the windows that two versions share into blocks, each with a difference of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from typing import Any

import numpy as np

from detectors.comparison.measure import Measure

GROWTH = 0.1  # a block has at least this share of the rows before it, so that no bias of small blocks adds up
BY_CHANCE = 3.0  # standard deviations that the candidate's share of rows may move by
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Block:
    """Some windows in a row, of each version (baseline, candidate).

    Attributes:
        stop: how many windows there were at its end.
        values: of the measure in it.
        rows: in it.
        variances: of a row, as known at its end.
    """

    stop: int
    values: tuple[float, float]
    rows: tuple[int, int]
    variances: tuple[float, float]


def blocks_of(measure: Measure, windows: Sequence[Pair]) -> list[Block]:
    """Cut windows into blocks, by their rows alone: no block depends on what comes later.

    A block is as long as it must be to have rows enough. Within one, versions are compared as a whole, so it
    ends where the candidate's share of the rows moves: else a change for both would look like a difference.

    Args:
        measure: what is compared.
        windows: its parts of the profiles of both versions, in order.
    """
    cutter = _Cutter(measure)
    for place, pair in enumerate(windows):
        cutter.take(pair, place + 1)
    return cutter.blocks


class _Cutter:
    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._held: Pair | None = None
        self._whole: Pair | None = None
        self._before = 0
        self.blocks: list[Block] = []

    def take(self, pair: Pair, stop: int) -> None:
        """Add a window to the block, or begin the next with it."""
        if self._held is not None and _share_moves(self._rows(self._held), self._rows(pair)):
            self._close(self._held, stop, 0.0)
        self._held = _sum(self._held, pair)
        self._close(self._held, stop, GROWTH * self._before)

    def _rows(self, pair: Pair) -> tuple[int, int]:
        return self._measure.rows(pair[0]), self._measure.rows(pair[1])

    def _close(self, held: Pair, stop: int, least: float) -> None:
        """End the block if it has rows enough, and they define the measure."""
        rows = self._rows(held)
        if min(rows) < max(self._measure.least_rows, least):
            return
        (one, error), (other, other_error) = map(self._measure.compute, held)
        if not np.isfinite([one, error, other, other_error]).all():
            return
        self._whole, self._held = _sum(self._whole, held), None
        squares = [self._measure.compute(arm)[1] ** 2 for arm in self._whole]
        whole = self._rows(self._whole)
        variances = squares[0] * whole[0], squares[1] * whole[1]
        self.blocks.append(Block(stop, (one, other), rows, variances))
        self._before += min(rows)


def _sum(some: Pair | None, more: Pair) -> Pair:
    return more if some is None else (add(some[0], more[0]), add(some[1], more[1]))


def _share_moves(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether the candidate's share of the rows differs by more than chance.

    >>> _share_moves((500, 500), (500, 500)), _share_moves((500, 500), (900, 100))
    (False, True)
    """
    held, new = sum(before), sum(after)
    if not held or not new:
        return False
    pooled = (before[1] + after[1]) / (held + new)
    deviation = np.sqrt(pooled * (1 - pooled) * (1 / held + 1 / new))
    return bool(abs(before[1] / held - after[1] / new) > BY_CHANCE * deviation)
