"""Drift of a slice of rows that nobody has named: it is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.proportion import wilson
from detectors.sampled.calibration import SampleBaseline
from detectors.sampled.subgroups import ROWS, worst_slice
from detectors.season import Phase
from profiles.sample import Sample

SUSPICIOUS = 1e-3  # so unlikely a window is worth the words
NOTHING = (0.0, 1.0)  # no effect, and hardly known


class WorstSlice(Detector):
    """The share of the slice that has changed most; of the rows outside of it, where it has become smaller.

    The slice is found on some of the sampled rows, and its share measured on others (see `subgroups`).
    Windows of the reference, at most 12, are compared with the rest of it in the same way, so what healthy
    windows differ by is no alarm. A judgement takes some hundredths of a second.
    """

    spaces: ClassVar[tuple[str, ...]] = ("sample",)
    kind: Literal["worst_slice"] = "worst_slice"
    min_rows: int = Field(default=100, ge=1, description="Fewer sampled rows in a window are insufficient.")
    rows: int = Field(default=ROWS, ge=100, description="Rows of window and reference, each at most.")

    def signal(self, part: str) -> str:  # noqa: ARG002 - there is one sample
        """Drift of a slice."""
        return "drift.slice"

    def learn(self, windows: Sequence[Sample], phases: Sequence[Phase] = ()) -> SampleBaseline:  # noqa: ARG002
        """How much slices of healthy windows change; seasons are part of that."""
        return SampleBaseline.learn(windows, self.min_rows, self._effect)

    def _effect(self, reference: Sample, window: Sample) -> tuple[float, float]:
        found = worst_slice(reference, window, self.rows)
        return (found.effect, found.error) if found else NOTHING

    def judge(
        self,
        baseline: SampleBaseline,
        current: Sample,
        alpha: float,
        phase: Phase = (),  # noqa: ARG002 - as above
    ) -> Judgement:
        """The share of the slice in the window, with its 95 % interval; and which slice it is."""
        spread = baseline.spread_for(current, self.min_rows)
        if isinstance(spread, Judgement):
            return spread
        found = worst_slice(baseline.whole, current, self.rows)
        if found is None:
            return insufficient("too few rows, or features that hardly vary, make no slices")
        p_value = spread.p_value(found.effect, found.error, higher_is_better=False)
        limit = spread.threshold(alpha, found.error, higher_is_better=False)
        inside, rows = found.best.counted[0], found.best.rows[0]
        return Judgement(
            inside / rows,
            *wilson(inside, rows),
            found.threshold(limit),
            p_value,
            note=str(found.best) if p_value < SUSPICIOUS else None,
            weight=spread.weight,
        )
