"""Metrics of a ranking task, from counts of what each list's label says."""

from __future__ import annotations

import numpy as np

from detectors.performance.estimate import Estimate, mean, proportion
from profiles import RankingOutcomes
from profiles.counts import Counts, Floats
from profiles.ranking import CUTOFFS, STEPS


def ndcg_at(outcomes: RankingOutcomes, k: int) -> Estimate:
    """The mean normalised discounted cumulative gain of the first `k` items, `k` 5 or 10.

    Gains are linear, and lists without a relevant item count as 0, as in scikit-learn's `ndcg_score`; off it
    by at most half of 1 / 65535.
    """
    counts = dict(zip(CUTOFFS, (outcomes.ndcg_5, outcomes.ndcg_10), strict=True))[k]
    return _mean(counts.keys / STEPS, counts)


def mrr(outcomes: RankingOutcomes) -> Estimate:
    """The mean reciprocal rank of the first relevant item, 0 where there is none; exact."""
    firsts = outcomes.firsts
    return _mean(np.divide(1.0, firsts.keys, out=np.zeros(firsts.keys.size), where=firsts.keys > 0), firsts)


def hit_rate_at(outcomes: RankingOutcomes, k: int) -> Estimate:
    """The share of lists with a relevant item among the first `k`; exact."""
    return proportion(int(outcomes.firsts.at(np.arange(1, k + 1)).sum()), outcomes.count)


def precision_at_10(outcomes: RankingOutcomes) -> Estimate:
    """The mean share of relevant items among ten places, filled or not; exact."""
    return _mean(outcomes.hits.keys / CUTOFFS[-1], outcomes.hits)


def _mean(values: Floats, counts: Counts) -> Estimate:
    """The mean of values from 0 to 1; its error holds that lists may differ that so far are all alike."""
    total, squares = (float((part * counts.values).sum()) for part in (values, np.square(values)))
    value, error = mean(total, squares, counts.total)
    return value, max(error, 1 / (3 * counts.total)) if counts.total else error
