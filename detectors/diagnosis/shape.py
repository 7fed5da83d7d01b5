"""What can always be said of a change: where the middle, the spread and the tails were, and are."""

from __future__ import annotations

import numpy as np

from detectors.diagnosis.change import Change
from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.finding import Finding, Kind, figure, percent

FALLBACK, TAIL = 0.5, 0.6
SIGMAS = 5.0
OUTER = 0.01
MOST_BEYOND = 0.1  # more rows than this are no tail
BODY = np.linspace(0.05, 0.95, 19)


def tail(change: Change) -> Finding | None:
    """More rows lie beyond what were the outermost hundredths; the body is as before."""
    points = change.before.quantiles(BODY)
    body = float(np.abs(change.after.reached(points) - change.before.reached(points)).max())
    best: Finding | None = None
    for level, word in ((OUTER, "below"), (1 - OUTER, "above")):
        point = float(change.before.quantiles([level])[0])
        known, seen = (_beyond(side, point, word) for side in (change.before, change.after))
        known = max(known, 1 / change.before.count)
        spread = np.sqrt(known * (1 - known) * (1 / change.after.count + 1 / change.before.count))
        if seen - known <= SIGMAS * spread or body > change.noise + (seen - known) or seen > MOST_BEYOND:
            continue  # rows that went out are missing in the body
        was, now = (float(side.quantiles([level])[0]) for side in (change.before, change.after))
        text = f"{percent(seen)} of the values are {word} {figure(point)} (before {percent(known)})"
        found = Finding(Kind.TAIL, f"{text}; p{100 * level:.0f} {figure(was)} -> {figure(now)}", TAIL)
        best = found if best is None or seen > OUTER else best
    return best


def plain(change: Change) -> Finding | None:
    """The middle moved, the spread changed, or else the shape: by whichever is the largest effect."""
    (low, middle, high), (low2, middle2, high2) = (
        side.quantiles([0.25, 0.5, 0.75]) for side in (change.before, change.after)
    )
    unit = max((high - low) / 1.35, change.before.std / 10, 1e-300)
    effects = {Kind.LOCATION: abs(middle2 - middle) / unit, Kind.SPREAD: 0.0, Kind.SHAPE: 0.25}
    if high > low and high2 > low2:
        effects[Kind.SPREAD] = abs(np.log((high2 - low2) / (high - low)))
    kind = max(effects, key=lambda one: effects[one])
    tops = [float(side.quantiles([0.99])[0]) for side in (change.before, change.after)]
    text = (
        f"median {figure(middle)} -> {figure(middle2)}, IQR {figure(high - low)} -> {figure(high2 - low2)}, "
        f"p99 {figure(tops[0])} -> {figure(tops[1])}"
    )
    return Finding(kind, text, FALLBACK)


def _beyond(side: Distribution, point: float, word: str) -> float:
    share = side.mass[side.upper <= point] if word == "below" else side.mass[side.lower >= point]
    return float(share.sum())
