"""Availability: the share of requests that fail."""

from __future__ import annotations

from typing import ClassVar, Literal

from detectors.proportion import ProportionDetector
from profiles import LatencySummary


class ErrorRate(ProportionDetector):
    """The share of failed requests has grown beyond what the reference's windows show.

    A request has failed if its status says so, whoever was to blame: client errors count, as they do for
    availability. See docs/requests.md.
    """

    spaces: ClassVar[tuple[str, ...]] = ("latency",)
    kind: Literal["error_rate"] = "error_rate"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Failed requests."""
        return "requests.errors"

    def reads(self, summary: LatencySummary) -> bool:
        """Whether any status was logged."""
        return summary.requests > 0

    def rows_of(self, summary: LatencySummary) -> tuple[int, int]:
        """Failed requests, and those whose status is known."""
        return summary.errors, summary.requests
