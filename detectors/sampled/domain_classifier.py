"""Drift of all features at once: a classifier tells the window from its reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from detectors.detector import Detector
from detectors.judgement import Judgement
from detectors.proportion import Z95
from detectors.sampled.calibration import BEYOND, SampleBaseline
from detectors.sampled.separation import ROWS, Separation, separate
from detectors.sampled.table import Table
from detectors.season import Phase
from profiles.sample import Sample

SUSPICIOUS = 1e-3  # so unlikely a window is worth a ranking of its features


class DomainClassifier(Detector):
    """The area under the ROC curve of a classifier that tells window from reference (see `separation`).

    It sees changes that no single feature shows. The reference's own windows are told from the rest of it,
    at most 12 of them, so seasons and slow changes are no alarm. A judgement takes a good part of a second.
    """

    spaces: ClassVar[tuple[str, ...]] = ("sample",)
    kind: Literal["domain_classifier"] = "domain_classifier"
    rows: int = Field(default=ROWS, ge=100, description="Rows of window and reference, each at most.")

    def signal(self, part: str) -> str:  # noqa: ARG002 - there is one sample
        """Multivariate drift, by classifier."""
        return "drift.multivariate.classifier"

    def learn(self, windows: Sequence[Sample], phases: Sequence[Phase] = ()) -> SampleBaseline:  # noqa: ARG002
        """Tell windows of the reference from the rest of it; seasons are part of what they differ by."""
        return SampleBaseline.learn(windows, self.min_rows, self._area)

    def _area(self, reference: Sample, window: Sample) -> tuple[float, float]:
        found = self._separate(reference, window, ranked=False)
        return found.auc, found.healthy_error

    def _separate(self, reference: Sample, window: Sample, *, ranked: bool) -> Separation:
        nothing = Separation(0.5, 0.5, 0.5, 1.0)  # where there are no features, or too few rows
        return separate(Table.of(reference, window, self.rows), ranked=ranked) or nothing

    def judge(
        self,
        baseline: SampleBaseline,
        current: Sample,
        alpha: float,
        phase: Phase = (),  # noqa: ARG002 - as above
    ) -> Judgement:
        """The area of a window, 0.5 when it cannot be told from the reference; and what it is told by."""
        spread = baseline.spread_for(current, self.min_rows)
        if isinstance(spread, Judgement):
            return spread
        found = self._separate(baseline.whole, current, ranked=False)
        # how far a healthy window strays: near an area of 1 its own error is small
        p_value = spread.p_value(found.auc, found.healthy_error, higher_is_better=False)
        limit = spread.threshold(alpha, found.healthy_error, higher_is_better=False)
        if p_value < SUSPICIOUS:
            found = self._separate(baseline.whole, current, ranked=True)
        reach = Z95 * found.error
        return Judgement(
            found.auc,
            max(found.auc - reach, 0.0),
            min(found.auc + reach, 1.0),
            min(max(limit, 0.0), BEYOND),
            p_value,
            note=found.sentence() if p_value < SUSPICIOUS else None,
            weight=spread.weight,
        )
