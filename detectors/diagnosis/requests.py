"""What slower or failing requests look like: all of them or the tail, and which class of failure."""

from __future__ import annotations

from detectors.diagnosis.finding import Finding, Kind, percent
from detectors.diagnosis.request_measures import SLOWER, LatencyLevel
from profiles import FAILURES, LatencySummary

MIDDLE = LatencyLevel(50)
TAILS = (LatencyLevel(99), LatencyLevel(90))  # the first that there are requests enough for
MOSTLY = 0.5  # of the tail's change, on the log scale: then the middle has it too
NAMED = 3


def slower(reference: LatencySummary, current: LatencySummary) -> Finding | None:
    """Whether all requests take longer or shorter, or the tail alone; None where neither does, or few came.

    >>> import numpy as np
    >>> from profiles import LatencyGrid
    >>> took = np.random.default_rng(0).lognormal(3, 0.5, 5000)
    >>> one, two = (LatencyGrid().summarize(took * factor, None) for factor in (1, 2))
    >>> str(slower(one, two))
    'all requests slower: p50 19.8 ms -> 39.6 ms, p99 62.9 ms -> 126 ms'
    """
    tail = next((one for one in TAILS if one.value(reference) > 0 and one.value(current) > 0), None)
    if tail is None:
        return None
    pairs = [(one, one.value(reference), one.value(current)) for one in (MIDDLE, tail)]
    told = [f"{one.name} {one.text(before)} -> {one.text(after)}" for one, before, after in pairs]
    moved = [one.scaled(after) - one.scaled(before) for one, before, after in pairs]
    if max(map(abs, moved)) < MIDDLE.scaled(SLOWER):
        return None
    if abs(moved[0]) >= MOSTLY * abs(moved[1]):
        kind = Kind.SLOWER if moved[0] > 0 else Kind.FASTER
    else:
        kind = Kind.SLOWER_TAIL if moved[1] > 0 else Kind.FASTER
    return Finding(kind, ", ".join(told), 1.0)


def failing(reference: LatencySummary, current: LatencySummary) -> Finding | None:
    """The classes of failure whose shares changed, the largest change first; None where none is known."""
    if not reference.requests or not current.requests:
        return None
    shares = {
        one: (reference.failed(one) / reference.requests, current.failed(one) / current.requests)
        for one in FAILURES
    }
    changed = [one for one, (before, after) in shares.items() if before != after]
    changed.sort(key=lambda one: -abs(shares[one][1] - shares[one][0]))
    told = [f"{one.words} {percent(shares[one][0])} -> {percent(shares[one][1])}" for one in changed]
    return Finding(Kind.FAILURES, ", ".join(told[:NAMED]), 1.0) if told else None
