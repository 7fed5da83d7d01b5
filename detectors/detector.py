"""What every detector is: a frozen configuration with two pure functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from detectors.judgement import Judgement
from detectors.season import Phase


class Detector(BaseModel, ABC):
    """Learns a baseline from the reference's windows, then judges one window against it.

    Both functions are pure, and read only counts, so a stream, a replay and a backfill of the same events are
    judged alike. The configuration that a monitor file parses into *is* the detector.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spaces: ClassVar[tuple[str, ...]]
    """The kinds of `profiles` spaces whose summaries it reads."""

    from_past: ClassVar[bool] = False
    """Whether what is healthy is known from the windows before alone, whatever the reference is."""

    min_rows: int = Field(default=50, ge=1, description="Fewer rows than this in a window are insufficient.")

    @abstractmethod
    def signal(self, part: str) -> str:
        """The dotted name of what it measures on a part of the profile."""

    def reads(self, summary: Any) -> bool:  # noqa: ARG002 - all that there is, unless it says otherwise
        """Whether a summary holds anything of what it judges; if none does, nothing is said of it."""
        return True

    @abstractmethod
    def learn(self, windows: Sequence[Any], phases: Sequence[Phase] = ()) -> Any:
        """A baseline from the summaries of the reference's windows: at least one, in time order.

        A window without rows says nothing. The order matters only to the weight of evidence.

        Args:
            windows: the summaries.
            phases: where each window lies in the day and the week (see `season`); empty if that is unknown.
        """

    @abstractmethod
    def judge(self, baseline: Any, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """Judge the summary of one window.

        Args:
            baseline: what `learn` returned.
            current: the window's summary, on the same space.
            alpha: the p-value that alone is a breach, for the threshold that people are shown.
            phase: where the window lies in the day and the week.
        """


def drift_signal(part: str) -> str:
    """The name of drift on a part: of a feature, of what the model says, or of what is true.

    >>> drift_signal("features.age"), drift_signal("score"), drift_signal("label")
    ('drift.univariate', 'drift.prediction', 'drift.label')
    """
    if part == "label":
        return "drift.label"
    return "drift.univariate" if part.startswith("features.") else "drift.prediction"
