"""evidently's drift share as a signal, within the false-alarm budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.sampled.calibration import BEYOND, SampleBaseline
from detectors.season import Phase
from profiles.sample import Sample

Numeric = Literal[
    "ks", "wasserstein", "anderson", "cramer_von_mises", "es", "mannw", "ed", "t_test",
    "jensenshannon", "kl_div", "psi", "hellinger",
]  # fmt: skip
Categorical = Literal["chisquare", "z", "TVD", "g_test", "jensenshannon", "kl_div", "psi", "hellinger"]


class EvidentlyDrift(Detector):
    """The share of columns that evidently finds drifted: features, score and prediction, but no vectors.

    evidently tests each column with a fixed threshold, so healthy windows have drifted columns too. How many
    is learned from at most 12 of the reference's windows, each against the rest of it.
    """

    spaces: ClassVar[tuple[str, ...]] = ("sample",)
    kind: Literal["evidently"] = "evidently"
    numeric: Numeric | None = Field(default=None, description="evidently's test of numbers; it chooses.")
    categorical: Categorical | None = Field(default=None, description="Its test of categories; it chooses.")
    column_threshold: float | None = Field(
        default=None, gt=0, description="Of a column, in the unit of its test; evidently's own."
    )

    def signal(self, part: str) -> str:  # noqa: ARG002 - there is one sample
        """Multivariate drift, by evidently."""
        return "drift.multivariate.evidently"

    def learn(self, windows: Sequence[Sample], phases: Sequence[Phase] = ()) -> SampleBaseline:  # noqa: ARG002
        """The shares of windows of the reference against the rest of it."""
        return SampleBaseline.learn(windows, self.min_rows, self._stabilised)

    def judge(
        self,
        baseline: SampleBaseline,
        current: Sample,
        alpha: float,
        phase: Phase = (),  # noqa: ARG002 - seasons are part of what reference windows differ by
    ) -> Judgement:
        """The share of columns that have drifted, 0 to 1."""
        spread = baseline.spread_for(current, self.min_rows)
        if isinstance(spread, Judgement):
            return spread
        drifted, columns = self.drifted(baseline.whole, current)
        if not columns:
            return insufficient("window and reference have no column in common")
        stable, error = _stabilised(drifted, columns)
        limit = spread.threshold(alpha, error, higher_is_better=False)
        return Judgement(
            drifted / columns,
            threshold=_share(limit, columns),
            p_value=spread.p_value(stable, error, higher_is_better=False),
            note=f"{drifted} of {columns} columns",
            weight=spread.weight,
        )

    def drifted(self, reference: Sample, window: Sample) -> tuple[int, int]:
        """How many columns evidently finds drifted, and of how many."""
        from detectors.sampled.frame import Frames, drifts  # noqa: PLC0415 - pandas is slow to import

        methods = {"num": self.numeric, "cat": self.categorical}
        found = drifts(Frames.of(reference, window), methods, self.column_threshold)
        return sum(found.values()), len(found)

    def _stabilised(self, reference: Sample, window: Sample) -> tuple[float, float]:
        return _stabilised(*self.drifted(reference, window))


def _stabilised(drifted: int, columns: int) -> tuple[float, float]:
    """The share as an angle, with an error that is the same for all shares: Anscombe, Biometrika 35, 1948."""
    share = (drifted + 3 / 8) / (columns + 3 / 4)
    return float(np.arcsin(np.sqrt(share))), float(0.5 / np.sqrt(columns + 0.5))


def _share(angle: float, columns: int) -> float:
    """The share of an angle; `BEYOND` where there is none."""
    if angle > _stabilised(columns, columns)[0]:
        return BEYOND
    return max(float(np.sin(max(angle, 0.0)) ** 2 * (columns + 3 / 4) - 3 / 8) / columns, 0.0)
