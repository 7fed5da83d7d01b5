"""Data quality: rows that break the contract, declared for a feature or needed of any row."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from detectors.judgement import Judgement
from detectors.proportion import ProportionDetector, Shares
from detectors.season import Phase
from profiles import ArrivalSummary, ContractSummary, Violation

SHOWN = 3


class ContractFault(ProportionDetector):
    """The share of rows that break the contract has grown.

    Of a feature these are the rows beyond its declared `min`, `max` or `values`, and those that lack it where
    it is `required`. Of the rows as a whole these are all that were rejected, for whatever reason.
    """

    spaces: ClassVar[tuple[str, ...]] = ("contract", "arrivals")
    kind: Literal["contract"] = "contract"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Rows against the contract."""
        return "quality.contract"

    def rows_of(self, summary: ContractSummary | ArrivalSummary) -> tuple[int, int]:
        """Rows that break the contract, and all rows that came."""
        if isinstance(summary, ArrivalSummary):
            return summary.rejected, summary.accepted + summary.rejected
        declared = (Violation.MISSING, Violation.OUT_OF_BOUNDS, Violation.NOT_ALLOWED)
        return summary.broken(*declared), summary.rows

    def judge(
        self, baseline: Shares, current: ContractSummary | ArrivalSummary, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """The share of rows against the contract, with some of them."""
        judged = super().judge(baseline, current, alpha, phase)
        if not judged.sufficient or not self.rows_of(current)[0]:
            return judged
        told = "rejected" if isinstance(current, ArrivalSummary) else "against the contract"
        return replace(judged, note=f"{told}: {' | '.join(current.examples[:SHOWN])}")
