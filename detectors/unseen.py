"""Data quality: categories that the reference does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from detectors.judgement import Judgement
from detectors.proportion import ProportionDetector, Shares
from detectors.season import Phase
from profiles import CategoricalSummary
from profiles.categorical import MAX_CATEGORIES
from profiles.counts import aligned


class Unseen(ProportionDetector):
    """The share of values outside the reference's vocabulary has grown.

    Of a reference window those values count that would be unseen but for this window, as each new window
    brings some of the kind where a feature has many rare values: those that no *other* window has, or too few
    of to be in a vocabulary that is full. A single window is taken row by row (Good, Biometrika 40, 1953: the
    share of values that came once estimates the probability of what was never seen).
    """

    spaces: ClassVar[tuple[str, ...]] = ("categorical",)
    kind: Literal["unseen"] = "unseen"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Unseen categories."""
        return "quality.unseen"

    def rows_of(self, summary: CategoricalSummary) -> tuple[int, int]:
        """Values outside the vocabulary, and values."""
        return summary.unseen, summary.count

    def learn(self, windows: Sequence[CategoricalSummary], phases: Sequence[Phase] = ()) -> Shares:
        """The healthy share of values that are new to a window."""
        keys, matrix = aligned([window.counts for window in windows])
        words, totals = len(windows[0].space.values), matrix.sum(axis=0)
        single = (matrix.sum(axis=1) > 0).sum() == 1
        others = totals - (1 if single else matrix)
        # a full vocabulary has those that happened to come often: the last of them would not be in it again
        few = totals[keys < words].min(initial=totals.max(initial=0)) if words >= MAX_CATEGORIES else 0
        new = np.where((others <= few) | (keys >= words), matrix, 0).sum(axis=1)
        pairs = list(zip(new.tolist(), matrix.sum(axis=1).tolist(), strict=True))
        return Shares.learn(pairs, self.min_rows, phases)

    def judge(
        self, baseline: Shares, current: CategoricalSummary, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """The share of unseen values, naming some of them."""
        judged = super().judge(baseline, current, alpha, phase)
        if not current.unseen_examples or not judged.sufficient:
            return judged
        names = ", ".join(repr(name) for name in current.unseen_examples)
        return replace(judged, note=f"unseen values: {names}")
