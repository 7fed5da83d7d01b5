"""Precision lost: values are multiples of a step now, and were not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from detectors.diagnosis.change import Change
from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.finding import Finding, Kind, figure, percent
from profiles.counts import Floats

TRUST = 0.988
NEARLY_ALL, SOME_NOT = 0.99, 0.9  # of the rows at multiples: now, and before
FEWEST_STEPS = 3
WIDEST = 3.0  # standard deviations: values rounded to more would be a few at most
WAYS: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("rounded", np.rint),
    ("rounded down", np.floor),
    ("cut off", np.trunc),
    ("rounded up", np.ceil),
)


def rounded(change: Change) -> Finding | None:
    """All values lie at multiples of a step, and would be as before but for that.

    It looks at values beside noise as well: small steps hardly move a distribution.
    """
    step = _step(change)
    if step is None:
        return None
    texts = []
    for way, to_whole in WAYS:
        left = change.before.mapped(partial(_to_step, to_whole, step)).gap(change.after)
        if left <= change.noise + 0.1 * change.distance:
            texts.append((left, way))
    if not texts:
        return None
    before = percent(_at_multiples(change.before, step))
    noun = "whole numbers" if step == 1 else f"multiples of {figure(step)}"
    text = f"all values are {noun} now ({before} before), as if {min(texts, key=lambda one: one[0])[1]}"
    return Finding(Kind.ROUNDED, text, TRUST)


def _to_step(to_whole: Callable[[Floats], Floats], step: float, values: Floats) -> Floats:
    return to_whole(values / step) * step


def _step(change: Change) -> float | None:
    """The largest step of 1, 2 or 5 times a power of ten that the values are multiples of, and were not."""
    spread = change.before.high - change.before.low
    if not spread > 0 or change.after.mass.size < FEWEST_STEPS or change.after.coarse:
        return None
    top = int(np.floor(np.log10(spread)))
    for power in range(top, top - 5, -1):
        for digit in (5.0, 2.5, 2.0, 1.0):
            step = digit * 10.0**power
            if step > WIDEST * change.before.std:
                continue
            if _at_multiples(change.after, step) < NEARLY_ALL:
                continue
            return step if _at_multiples(change.before, step) < SOME_NOT else None
    return None


def _at_multiples(side: Distribution, step: float) -> float:
    """The share of the rows in intervals that hold a multiple of the step, if that says anything.

    Intervals that are nearly as wide as the step always hold one; they are left out.
    """
    narrow = (side.upper - side.lower) < step / 4
    if side.mass[narrow].sum() < 0.5:  # noqa: PLR2004 - else the grid cannot tell
        return 1.0 if side.low == side.high else 0.0
    slack = 1e-9 * np.maximum(np.abs(side.lower), np.abs(side.upper))
    holds = np.floor((side.upper + slack) / step) >= np.ceil((side.lower - slack) / step)
    return float(side.mass[narrow & holds].sum() / side.mass[narrow].sum())
