"""Values cut off: what was beyond an edge became the edge (clipped), or is gone (truncated)."""

from __future__ import annotations

import numpy as np

from detectors.diagnosis.change import Change
from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.finding import Finding, Kind, figure, percent

CLIPPED, TO_MISSING, TRUNCATED, AT_BOTH_ENDS = 0.975, 0.985, 0.935, 0.925
LEAST_BEYOND = 0.005  # of the rows: less may be chance
LEAST_KEPT = 0.5  # a smaller rest is hardly a tail cut off
PILE = 0.5  # so much of what was beyond an edge has to lie at it


def clipped(change: Change) -> Finding | None:
    """Values beyond an edge became the edge."""
    ends = {} if change.after.coarse else _edges(change)
    piled = [end for end in ends if _pile(change, end) >= PILE * ends[end]]
    if not piled:
        return None
    before, after = change.before, change.after
    low = after.low if "low" in piled else -np.inf
    high = after.high if "high" in piled else np.inf
    lower, upper = (np.clip(edge, low, high) for edge in (before.lower, before.upper))
    expected = Distribution(lower, upper, before.mass, before.count)
    strength = change.explained_by(expected, CLIPPED, evident=True)
    if not strength:
        return None
    texts = []
    for end in piled:
        edge, word = (low, "below") if end == "low" else (high, "above")
        texts.append(f"values {word} {figure(edge)} became {figure(edge)} ({percent(ends[end])} of the rows)")
    return Finding(Kind.CLIPPED, " and ".join(texts), strength)


def truncated(change: Change) -> Finding | None:
    """Values beyond an edge are gone, or missing."""
    ends = _edges(change)
    if not ends or sum(ends.values()) > 1 - LEAST_KEPT or change.after.coarse:
        return None
    low = change.after.low if "low" in ends else -np.inf
    high = change.after.high if "high" in ends else np.inf
    kept = (change.before.upper >= low) & (change.before.lower <= high)
    if not kept.any():
        return None
    was, now = change.missing
    gone = sum(ends.values())
    explained = abs((now - was) - gone * (1 - was)) < max(0.25 * gone, 3 * np.sqrt(gone / change.after.count))
    trust = TO_MISSING if explained else TRUNCATED if len(ends) == 1 else AT_BOTH_ENDS
    strength = change.explained_by(change.before.within(kept), trust, evident=explained)
    if not strength:
        return None
    texts = [
        f"values {'below' if end == 'low' else 'above'} {figure(low if end == 'low' else high)} "
        f"({percent(share)} of the rows) are {'now missing' if explained else 'gone'}"
        for end, share in ends.items()
    ]
    return Finding(Kind.TRUNCATED, " and ".join(texts), strength)


def _edges(change: Change) -> dict[str, float]:
    """The ends at which a share of the reference lies beyond everything that came, and that share."""
    before, after = change.before, change.after
    points = np.array([after.low, after.high])
    low = float(before.mass[before.upper < points[0]].sum())
    high = float(before.mass[before.lower > points[1]].sum())
    least = max(LEAST_BEYOND, 10 / after.count)
    return {end: share for end, share in (("low", low), ("high", high)) if share >= least}


def _pile(change: Change, end: str) -> float:
    """The share of the rows in the outermost interval, above what the reference has there."""
    before, after = change.before, change.after
    place = 0 if end == "low" else -1
    inside = (before.upper >= after.lower[place]) & (before.lower <= after.upper[place])
    return float(after.mass[place] - before.mass[inside].sum())
