"""Data quality: values that are not of the feature's type."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from detectors.judgement import Judgement
from detectors.proportion import ProportionDetector, Shares
from detectors.season import Phase
from profiles import ContractSummary, Violation

SHOWN = 3


class TypeFault(ProportionDetector):
    """The share of rows that were rejected because a feature could not be read has grown."""

    spaces: ClassVar[tuple[str, ...]] = ("contract",)
    kind: Literal["type_fault"] = "type_fault"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Values of a wrong type."""
        return "quality.type"

    def rows_of(self, summary: ContractSummary) -> tuple[int, int]:
        """Rows whose value cannot be read, and all rows that came."""
        return summary.broken(Violation.WRONG_TYPE), summary.rows

    def judge(self, baseline: Shares, current: ContractSummary, alpha: float, phase: Phase = ()) -> Judgement:
        """The share of unreadable values, with what was wrong with some of them."""
        judged = super().judge(baseline, current, alpha, phase)
        if not judged.sufficient or not self.rows_of(current)[0]:
            return judged
        return replace(judged, note=f"rejected: {' | '.join(current.examples[:SHOWN])}")
