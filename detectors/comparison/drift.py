"""How far apart the predictions of two versions are."""

from __future__ import annotations

from typing import Any

from detectors.distance import Pairs
from detectors.jensen_shannon import JensenShannon


def prediction_distance(baseline: Any, candidate: Any) -> float:
    """The Jensen-Shannon distance (base 2, 0 to 1) of two summaries of scores or predictions, by tenths.

    It has no threshold: versions may differ in what they say. See `JensenShannon` for the source.

    >>> import numpy as np
    >>> from profiles.score import ScoreGrid
    >>> scores = ScoreGrid().summarize(np.linspace(0.1, 0.4, 100))
    >>> prediction_distance(scores, scores), prediction_distance(scores, scores.space.zero())
    (0.0, nan)
    """
    if not baseline.count or not candidate.count:
        return float("nan")
    detector = JensenShannon()
    cells = detector.cells([baseline])
    one, other = (cells.row(summary)[None] for summary in (baseline, candidate))
    rows, others = one.sum(axis=1), other.sum(axis=1)
    pairs = Pairs(one / rows[:, None], other / others[:, None], rows, others)
    return float(detector.squared(cells, pairs)[0] ** 0.5)
