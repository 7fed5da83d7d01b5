"""Data quality: values that are missing."""

from __future__ import annotations

from typing import ClassVar, Literal

from detectors.proportion import ProportionDetector
from profiles import CategoricalSummary, EmbeddingSummary, NumericSummary


class Missing(ProportionDetector):
    """The share of missing values has grown beyond what the reference's windows show."""

    spaces: ClassVar[tuple[str, ...]] = ("numeric", "categorical", "embedding")
    kind: Literal["missing"] = "missing"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Missing values."""
        return "quality.missing"

    def rows_of(self, summary: NumericSummary | CategoricalSummary | EmbeddingSummary) -> tuple[int, int]:
        """Missing values, and rows."""
        return summary.nulls, summary.nulls + summary.count
