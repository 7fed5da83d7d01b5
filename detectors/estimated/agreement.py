"""Whether an estimator has lately agreed with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import special

from detectors.evidence import SMALLEST_P
from detectors.judgement import Judgement

REMEMBERED = 5  # windows
FARTHEST = 2.58  # standard deviations: 1 in 100 healthy estimators is as far off


@dataclass(frozen=True)
class Agreement:
    """The latest checks of an estimate against labels: what an estimate is worth.

    Attributes:
        checks: the end of the window (microseconds), realised minus estimated, and that in standard
            deviations.
        in_breach: whether the disagreement is in breach.
    """

    checks: tuple[tuple[int, float, float], ...] = ()
    in_breach: bool = False

    def add(self, end: int, judged: Judgement, *, in_breach: bool) -> Agreement:
        """The state after one more check; it was of the window that ended at `end`."""
        value = judged.value or 0.0
        p_value = 1.0 if judged.p_value is None else judged.p_value
        far = float(-special.ndtri(max(p_value, SMALLEST_P) / 2))
        checks = sorted([*self.checks, (end, value, float(np.copysign(far, value)))])
        return Agreement(tuple(checks[-REMEMBERED:]), in_breach)

    def to_json(self) -> list[Any]:
        """As a JSON value."""
        return [self.in_breach, *self.checks]

    @classmethod
    def from_json(cls, stored: Sequence[Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(tuple((end, value, far) for end, value, far in stored[1:]), stored[0])

    def doubt(self, since: int) -> str | None:
        """Why the estimator is not to be believed; None if its estimates of windows since then were right.

        >>> Agreement().doubt(0)
        'no labels have come to check it by'
        >>> Agreement().add(9, Judgement(value=-0.2, p_value=1e-9), in_breach=False).doubt(0)
        'labels disagree with it by -0.2'
        >>> Agreement().add(9, Judgement(value=-0.01, p_value=0.5), in_breach=False).doubt(0)
        """
        recent = [check for check in self.checks if check[0] > since]
        if not recent:
            return "no labels have come to check it by" if not self.checks else "no labels have come lately"
        far = sum(one for *_, one in recent) / np.sqrt(len(recent))
        if self.in_breach or abs(far) > FARTHEST:
            last = recent[-1:] if self.in_breach else recent
            return f"labels disagree with it by {sum(value for _, value, _ in last) / len(last):+.3g}"
        return None
