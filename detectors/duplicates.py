"""Data quality: rows whose id had come before."""

from __future__ import annotations

from typing import ClassVar, Literal

from detectors.proportion import ProportionDetector
from profiles import ArrivalSummary


class Duplicates(ProportionDetector):
    """The share of rows that had come before has grown: senders that retry, or log twice.

    How often rows are sent twice is a matter of transport, which a reference file knows nothing of. So the
    healthy share is that of the windows before, in production.
    """

    spaces: ClassVar[tuple[str, ...]] = ("arrivals",)
    from_past: ClassVar[bool] = True
    kind: Literal["duplicates"] = "duplicates"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Rows that came again."""
        return "quality.duplicates"

    def rows_of(self, summary: ArrivalSummary) -> tuple[int, int]:
        """Rows whose id had come before, and all rows that could be read."""
        return summary.duplicates, summary.accepted + summary.duplicates
