"""The tracker: evidence that accumulates over windows, and stays valid under repeated looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, Protocol, Self

import numpy as np
from scipy import optimize

from detectors.judgement import Judgement, Verdict

SMALLEST_P = 1e-300
ALMOST_ONE = 0.999
CAP = 1e12  # more evidence than this would only make the end of a breach slower to see


class Tracker(Protocol):
    """A fold over the judgements of successive windows, run by one owner."""

    def step(self, judgement: Judgement, limit: float) -> Self:
        """The state after one more window; `limit` is the evidence that makes a breach."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on the last window."""


def e_value(p: float) -> float:
    """Turn a p-value into an e-value: the mixture of k p**(k-1) over k in (0, 1).

    Its mean is at most 1 when p is uniform. Vovk and Wang, "E-values: calibration, combination and
    applications", Annals of Statistics 49 (2021), section 2.

    >>> [round(e_value(p), 1) for p in (1e-6, 0.01, 0.5, 1.0)]
    [5239.1, 4.5, 0.6, 0.5]
    """
    if p >= ALMOST_ONE:
        return 0.5
    p = max(p, SMALLEST_P)
    return float((1 - p + p * np.log(p)) / (p * np.log(p) ** 2))


@cache
def p_of_evidence(evidence: float) -> float:
    """The p-value that alone is this much evidence: the inverse of `e_value`.

    >>> round(e_value(p_of_evidence(1200.0)))
    1200
    """
    if evidence <= e_value(ALMOST_ONE):
        return 1.0
    root = optimize.brentq(
        lambda log_p: np.log(e_value(np.exp(log_p)) / evidence), -680.0, np.log(ALMOST_ONE)
    )
    return float(np.exp(root))


@dataclass(frozen=True)
class Evidence:
    """The Shiryaev-Roberts e-detector of one signal, and whether it is in breach.

    Before a breach the evidence is M = (1 + M) e: its mean grows by at most 1 a window on a healthy model,
    so it takes at least `limit` windows on average to reach `limit` (Shin, Ramdas and Rinaldo, "E-detectors",
    New England Journal of Statistics in Data Science, 2023). A large change gets there in one window, a small
    lasting one in several. Where windows resemble their neighbours e counts by its `weight`, an exponent; the
    evidence of one window alone counts in full. A breach ends with a window that is unremarkable by itself.

    >>> state = Evidence()
    >>> for p in (0.3, 0.001, 0.001, 0.001):
    ...     state = state.step(Judgement(value=1.0, p_value=p), limit=1000)
    >>> state.verdict
    <Verdict.BREACH: 'breach'>
    >>> state.step(Judgement(value=0.0, p_value=0.4), limit=1000).verdict
    <Verdict.OK: 'ok'>
    """

    amount: float = 0.0
    in_breach: bool = False
    verdict: Verdict = Verdict.INSUFFICIENT
    parts: tuple[float, ...] = ()

    UNREMARKABLE: ClassVar[float] = 0.05

    def step(self, judgement: Judgement, limit: float) -> Evidence:
        """The state after one more window; a window without a judgement changes nothing but the verdict."""
        if not judgement.sufficient:
            return replace(self, verdict=Verdict.INSUFFICIENT)
        if judgement.p_value is None:  # an objective decides by itself
            return _decided(0.0, in_breach=bool(judgement.breach))
        if self.in_breach:
            lasting = judgement.p_value < self.UNREMARKABLE
            return _decided(self.amount if lasting else 0.0, in_breach=lasting)
        told = judgement.parts or ((judgement.p_value, judgement.weight, 1.0),)
        before = self.parts if len(self.parts) == len(told) else (self.amount,) * len(told)
        most = max(CAP, limit)
        pairs = zip(before, told, strict=True)
        parts = tuple(min(_grown(known, p, weight), most) for known, (p, weight, _) in pairs)
        amount = sum(share * part for part, (*_, share) in zip(parts, told, strict=True))
        return _decided(amount, in_breach=amount >= limit, parts=parts if judgement.parts else ())


def _grown(amount: float, p: float, weight: float) -> float:
    """The evidence after one more window, whose p-value is given."""
    alone = e_value(p)
    return float(max(alone, (1 + amount) * alone**weight))


def _decided(amount: float, *, in_breach: bool, parts: tuple[float, ...] = ()) -> Evidence:
    return Evidence(amount, in_breach, Verdict.BREACH if in_breach else Verdict.OK, parts)
