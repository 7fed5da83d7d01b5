"""Drift of a numeric column in several directions: level, spread, shape and tails, each on its own scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.polynomial import legendre
from pydantic import Field

from detectors.bridge import middle
from detectors.cells import NumericCells
from detectors.detector import Detector, drift_signal
from detectors.judgement import Judgement, insufficient
from detectors.season import Phase, phases_at
from detectors.spread import FARTHEST, MOST_DF, Spread, Spreads
from profiles.counts import Floats

POLYNOMIALS = ("level", "spread", "skewness", "tails", "shape", "shape", "shape", "shape")
DIRECTIONS = (*POLYNOMIALS, "upper tail", "lower tail", "values")
DEEPEST = 0.002  # of a tail: beyond it all values count alike, or one end that moves would outweigh all
USUAL = {"level": 6.0, "spread": 2.0}  # what changes most often gets more of the false-alarm budget
WANDERING = ("level", "spread")
PRIOR = 3.0  # degrees of freedom: a reference of two windows says something, and is not believed blindly
CURVED = 5.0  # degrees of freedom of what wanders by the square of something else: a heavy tail
LEAST_NEW = 0.1  # of a direction's length must be its own


@dataclass(frozen=True, eq=False)
class Baseline:
    """The reference.

    Attributes:
        cells: how a window becomes a row.
        share: the reference's shares, shape (cells,).
        directions: their names; fewer where values tie, and none where all are alike.
        scores: of each cell in each direction, shape (cells, directions): mean 0 and variance 1.
        spreads: the healthy mean score in each direction.
        rows: the reference's values.
    """

    cells: NumericCells
    share: Floats
    directions: tuple[str, ...]
    scores: Floats
    spreads: tuple[Spreads, ...]
    rows: int


class SmoothTest(Detector):
    """Neyman's smooth test: mean scores of the values' ranks in the reference, direction by direction.

    Neyman, "Smooth test for goodness of fit", Skandinavisk Aktuarietidskrift 20 (1937): Legendre polynomials
    of the rank tell level, spread, skewness, the weight of the tails and finer shape apart; Savage's
    exponential scores (Annals of Mathematical Statistics 27, 1956) look into either tail. How far healthy
    windows wander is learned for each direction, and its season too: where the level wanders, the spread is
    still a sharp witness.
    The value is that of the direction that says most, in standard deviations of its scores: a shift of a
    normal variable by a small part e of its standard deviation makes about 0.98 e.
    """

    spaces: ClassVar[tuple[str, ...]] = ("numeric", "score")
    kind: Literal["smooth_test"] = "smooth_test"
    min_effect: float = Field(default=0.0, ge=0, description="A value up to this is no news.")

    def signal(self, part: str) -> str:
        """Drift of a feature, or of the score or the prediction."""
        return drift_signal(part)

    def learn(self, windows: Sequence[Any], phases: Sequence[Phase] = ()) -> Baseline | None:
        """The mean score of each window in each direction; None without data."""
        held = [place for place, window in enumerate(windows) if window.count]
        if not held:
            return None
        cells = NumericCells.of([windows[place] for place in held])
        sums = np.stack([cells.row(windows[place]) for place in held])
        rows = sums.sum(axis=1)
        share = sums.sum(axis=0) / rows.sum()
        scores, directions = _scores(share, _values(cells, share), float(rows.sum()))
        means, errors = sums @ scores / rows[:, None], 1 / np.sqrt(rows)
        known = phases_at(phases, held)
        spreads = tuple(
            Spreads.learn(values, errors, known, MOST_DF if name == DIRECTIONS[0] else CURVED, PRIOR)
            for name, values in zip(directions, means.T, strict=True)
        )
        return Baseline(cells, share, directions, scores, spreads, int(rows.sum()))

    def judge(self, baseline: Baseline | None, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """The direction that says most of a window."""
        known = baseline.rows if baseline else 0
        if baseline is None or known < self.min_rows:
            return insufficient(f"the reference has {known} values, fewer than {self.min_rows}")
        if current.count < self.min_rows:
            return insufficient(f"{current.count} values, fewer than {self.min_rows}")
        if not baseline.directions:
            return insufficient("the reference has one value alone; see quality.range")
        after = baseline.cells.row(current) / current.count
        told = self._told(baseline, after, current.count, phase)
        best = min(told, key=lambda one: (one.p_value / one.share, -abs(one.off)))
        before = (baseline.cells.quantile(share, 0.5) for share in (baseline.share, after))
        return Judgement(
            value=abs(best.off),
            threshold=best.reach(alpha * best.share) + self.min_effect,
            p_value=min(1.0, best.p_value / best.share),
            parts=tuple((one.p_value, one.spread.weight, one.share) for one in told),
            note="median {:.4g} -> {:.4g}".format(*before) + best.note,
        )

    def _told(self, baseline: Baseline, after: Floats, rows: int, phase: Phase) -> list[_Told]:
        """What each direction says.

        Where a window's scores vary more than the reference's, that is their error: the mean of a few large
        scores is less sure than theory says of rows like the reference's. And where level or spread wander,
        they take finer directions along by about their square: a level off by e moves the spread by e**2.
        """
        means = after @ baseline.scores
        variances = np.maximum(after @ np.square(baseline.scores) - np.square(means), 1.0) / rows
        spreads = [one.at(phase) for one in baseline.spreads]
        off = means - np.array([one.mean for one in spreads])
        curved = np.array([one.between / (one.between + one.noise) for one in spreads]) * off**4
        curved[[name not in WANDERING for name in baseline.directions]] = 0.0
        errors = np.sqrt(variances + np.cumsum(curved) - curved)
        total = sum(USUAL.get(name, 1.0) for name in baseline.directions)
        found = []
        for name, far, error, spread in zip(
            baseline.directions, off.tolist(), errors.tolist(), spreads, strict=True
        ):
            beyond = spread.mean - max(abs(far) - self.min_effect, 0.0)
            one_sided = spread.p_value(beyond, error, higher_is_better=True)
            share = USUAL.get(name, 1.0) / total
            found.append(_Told(name, share, far, min(1.0, 2 * one_sided), spread, error))
        return found


@dataclass(frozen=True)
class _Told:
    """What one direction says: how far off the mean score is, and how likely that is on a healthy window."""

    name: str
    share: float
    off: float
    p_value: float
    spread: Spread
    error: float

    def reach(self, alpha: float) -> float:
        """How far off has this two-sided p-value."""
        return self.spread.mean - self.spread.threshold(alpha / 2, self.error, higher_is_better=True)

    @property
    def note(self) -> str:
        """Which direction it is, unless it is the level, of which the median tells."""
        return "" if self.name == DIRECTIONS[0] else f", {self.name} {self.off:+.2f} sd"


def _values(cells: NumericCells, share: Floats) -> Floats:
    """How far each cell is from the median, in quartiles' distances, and in their logarithm where it is far.

    Ranks do not tell how far beyond the reference a value is; this does.
    """
    low, middle, high = (cells.quantile(share, level) for level in (0.25, 0.5, 0.75))
    scale = high - low if high > low else max(abs(middle), np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        return np.arcsinh(np.clip((cells.middles - middle) / scale, -FARTHEST, FARTHEST))


def _scores(share: Floats, values: Floats, rows: float) -> tuple[Floats, tuple[str, ...]]:
    """Scores of cells, standardised by their shares, and the directions that these are.

    A value beyond all of the reference has the rank that one more row would have. A direction that the ones
    before it explain, as of a variable with few values, is left out.
    """
    rank = (middle(share) * rows + 0.5) / (rows + 1)
    columns = [legendre.Legendre.basis(degree)(2 * rank - 1) for degree in range(1, len(POLYNOMIALS) + 1)]
    tails = [-np.log(np.maximum(part, DEEPEST)) for part in (1 - rank, rank)]
    matrix = np.stack([*columns, *tails, values], axis=1)
    matrix -= share @ matrix
    matrix /= np.sqrt(np.maximum(share @ np.square(matrix), np.finfo(float).tiny))
    kept: list[int] = []
    basis = np.zeros((share.size, 0))
    for place in range(matrix.shape[1]):
        column = np.sqrt(share) * matrix[:, place]
        rest = column - basis @ (basis.T @ column)
        left = float(np.linalg.norm(rest))
        if left > LEAST_NEW or (DIRECTIONS[place] == "values" and len(kept) > 1 and left > 0):
            kept.append(place)
            basis = np.column_stack([basis, rest / left])
    return matrix[:, kept], tuple(DIRECTIONS[place] for place in kept)
