"""Missing values: more of them, or fewer."""

from __future__ import annotations

from detectors.diagnosis.finding import Finding, Kind, percent

SIGMAS = 4.0
TRUST = 0.9
LEAST = 0.002


def missing(before: tuple[int, int], after: tuple[int, int]) -> Finding | None:
    """The share of missing values has changed by more than chance.

    Args:
        before: missing values and all rows of the reference.
        after: of the window.

    >>> str(missing((10, 1000), (300, 1000)))
    'missing values: 1 % -> 30 % of the rows'
    """
    if not before[1] or not after[1]:
        return None
    was, now = before[0] / before[1], after[0] / after[1]
    pooled = (before[0] + after[0] + 1) / (before[1] + after[1] + 2)
    spread = (pooled * (1 - pooled) * (1 / before[1] + 1 / after[1])) ** 0.5
    if abs(now - was) <= max(SIGMAS * spread, LEAST):
        return None
    if after[0] == after[1]:
        return Finding(Kind.MISSING, f"every value is missing (before {percent(was)})", 1.0)
    return Finding(Kind.MISSING, f"{percent(was)} -> {percent(now)} of the rows", TRUST)
