"""What a detector says of one window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`insufficient` is neither good nor bad: there was too little to judge by."""

    OK = "ok"
    BREACH = "breach"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Judgement:
    """A window's value of one signal, and the evidence against the model being healthy.

    Attributes:
        value: the signal's value in its own unit; None when it could not be computed.
        lower: lower end of the value's 95 % confidence interval, or None.
        upper: upper end, or None.
        threshold: the value that alone would be a breach, or None.
        p_value: the probability of a value at least this bad on a healthy model; None when an objective
            decides (`breach`), or when there is too little to judge by.
        breach: an objective's own decision; None for a statistical signal.
        note: why there is no judgement, or what a person should know beside the value.
        weight: the exponent of this window's evidence where it adds to that of others (see `persistence`).
        parts: p-value, weight and share of each way in which a window may differ, where there are several:
            evidence adds up for each, and its mean counts, weighted by the shares.
    """

    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    breach: bool | None = None
    note: str | None = None
    weight: float = 1.0
    parts: tuple[tuple[float, float, float], ...] = ()

    @property
    def sufficient(self) -> bool:
        """Whether there was enough to judge by."""
        return self.p_value is not None or self.breach is not None


def insufficient(note: str, value: float | None = None) -> Judgement:
    """A judgement that says why there is none."""
    return Judgement(value=value, note=note)
