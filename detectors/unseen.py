"""Data quality: categories that the reference does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from detectors.judgement import Judgement
from detectors.proportion import ProportionDetector, Shares
from detectors.season import Phase
from profiles import CategoricalSummary


class Unseen(ProportionDetector):
    """The share of values outside the reference's vocabulary has grown."""

    spaces: ClassVar[tuple[str, ...]] = ("categorical",)
    kind: Literal["unseen"] = "unseen"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Unseen categories."""
        return "quality.unseen"

    def rows_of(self, summary: CategoricalSummary) -> tuple[int, int]:
        """Values outside the vocabulary, and values."""
        return summary.unseen, summary.count

    def judge(
        self, baseline: Shares, current: CategoricalSummary, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """The share of unseen values, naming some of them."""
        judged = super().judge(baseline, current, alpha, phase)
        if not current.unseen_examples or not judged.sufficient:
            return judged
        names = ", ".join(repr(name) for name in current.unseen_examples)
        return replace(judged, note=f"unseen values: {names}")
