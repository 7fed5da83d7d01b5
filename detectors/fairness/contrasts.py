"""Each group against the rest of its window, and against what that was on healthy windows.

Base rates of groups differ without anybody's fault, so what is tested is not whether there is a gap but
whether a group has moved away from the rest further than it was in the reference. Each group and rate is a
way in which a window may differ, with a share of the evidence of its own: that is their multiplicity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.fairness.measures import Rates
from detectors.season import Phase, phases_at
from detectors.spread import Spread, Spreads
from profiles.counts import Floats

PAIR = 2
Way = tuple[str, str]  # a rate, and a group


@dataclass(frozen=True)
class Contrast:
    """How far a group's rate is above that of the rest, and the standard error of that."""

    value: float
    error: float


@dataclass(frozen=True)
class Departure:
    """How far a group is from the rest, and from where it was on healthy windows.

    Attributes:
        way: which rate of which group.
        spread: of the contrast on healthy windows.
        contrast: now; None where too little is known.
    """

    way: Way
    spread: Spread
    contrast: Contrast | None

    @property
    def p_value(self) -> float:
        """The probability of being as far from the rest, on either side, on a healthy window."""
        if self.contrast is None:
            return 1.0
        mean, error = self.spread.mean, self.contrast.error
        further = mean + abs(self.contrast.value) - abs(mean)
        return min(1.0, 2 * self.spread.p_value(further, error, higher_is_better=False))

    def room(self, alpha: float) -> float:
        """How much further from the rest it would have to be for a p-value of `alpha`; negative if less."""
        if self.contrast is None:
            return float("inf")
        reach = self.spread.threshold(alpha / 2, self.contrast.error, higher_is_better=False)
        return reach - self.spread.mean + abs(self.spread.mean) - abs(self.contrast.value)


def contrasts(groups: Mapping[str, Rates]) -> dict[Way, Contrast]:
    """Each group against the mean of the others, weighted by their rows.

    Of two groups the one is as far above the other as that is below, so it is enough to look at the first.

    >>> share = [Rates(("rate",), np.array([x]), np.array([0.03]), 100) for x in (0.5, 0.3)]
    >>> found = contrasts({"a": share[0], "b": share[1]})
    >>> {way: round(one.value, 2) for way, one in found.items()}
    {('rate', 'a'): 0.2}
    """
    names = sorted(groups)
    found: dict[Way, Contrast] = {}
    rows = np.array([groups[name].rows for name in names], np.float64)
    for place, rate in enumerate(groups[names[0]].names if names else ()):
        values, errors = np.array(
            [(groups[name].values[place], groups[name].errors[place]) for name in names]
        ).T
        known = np.flatnonzero(np.isfinite(values))
        made = _against_rest(values[known], errors[known], rows[known])
        told = made[:1] if known.size == PAIR else made
        found |= {(rate, names[at]): one for at, one in zip(known.tolist(), told, strict=False)}
    return found


def _against_rest(values: Floats, errors: Floats, rows: Floats) -> list[Contrast]:
    if values.size < PAIR:
        return []
    weighted, noise = rows * values, np.square(rows * errors)
    rest = rows.sum() - rows
    differences = values - (weighted.sum() - weighted) / rest
    variances = np.square(errors) + (noise.sum() - noise) / np.square(rest)
    return [
        Contrast(float(value), float(error))
        for value, error in zip(differences, np.sqrt(np.maximum(variances, 0.0)), strict=True)
    ]


def learn(windows: Sequence[Mapping[str, Rates]], phases: Sequence[Phase] = ()) -> dict[Way, Spreads]:
    """How far every group is from the rest on healthy windows, in time order."""
    held: dict[Way, list[tuple[int, Contrast]]] = {}
    for at, groups in enumerate(windows):
        for way, contrast in contrasts(groups).items():
            held.setdefault(way, []).append((at, contrast))
    return {
        way: Spreads.learn(
            np.array([one.value for _, one in known]),
            np.array([one.error for _, one in known]),
            phases_at(phases, [at for at, _ in known]),
        )
        for way, known in sorted(held.items())
    }
