"""What a delivery tool should do, from the comparisons by all measures."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from detectors.comparison.compare import Difference, Verdict

BAD = (Verdict.WORSE, Verdict.DIFFERENT)


class Result(StrEnum):
    """What to do with the candidate."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    WAIT = "wait"


def result(differences: Sequence[Difference]) -> Result:
    """Fail where one measure is worse, pass where each is better or not worse by the margin, else wait."""
    if any(one.verdict in BAD for one in differences):
        return Result.FAIL
    return Result.PASS if differences and all(one.not_worse for one in differences) else Result.WAIT


def verdict(differences: Sequence[Difference]) -> Verdict:
    """All measures in one word: the gravest, and better only where every measure has enough data."""
    found = {one.verdict for one in differences}
    order = (*BAD, Verdict.INSUFFICIENT, Verdict.BETTER, Verdict.SAME)
    return next((one for one in order if one in found), Verdict.INSUFFICIENT)
