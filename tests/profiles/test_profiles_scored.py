"""Scores by prediction: counts that a threshold divides are those of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles import Groups, Scored, ScoreGrid
from profiles.counts import Floats, Ints

scores = st.one_of(
    st.floats(0, 1), st.sampled_from((0.0, 1.0, 0.5, np.nextafter(0.5, 0), 1e-18, -0.5, 1.5, np.inf, -np.inf))
)


@given(
    st.lists(st.tuples(scores, st.integers(0, 2), st.booleans()), max_size=60),
    scores,
    st.sampled_from(("by threshold", "by chance")),
)
def test_known_counts_are_divided_as_rows_are(
    rows: list[tuple[float, int, bool]], threshold: float, how: str
) -> None:
    score = np.array([one for one, *_ in rows], np.float64)
    group = np.array([one for _, one, _ in rows], np.int64)
    predicted = np.array([one for *_, one in rows], np.float64)
    if how == "by threshold":
        predicted = (score >= threshold).astype(np.float64)
    groups = Groups(group, 3, [np.array([0]), np.array([1, 2]), np.array([0, 1, 2])])
    known = [one.counts for one in ScoreGrid().tally(score, groups)]
    found = Scored().tally(score, predicted, groups, known)
    for one, wanted in zip(found, groups.wanted, strict=True):
        own = np.isin(group, wanted)
        assert one.same_counts(Scored().summarize(score[own], predicted[own]))


@pytest.mark.parametrize("threshold", [0.5, 0.4123])
def test_a_threshold_is_cheap(threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bins of scores that are counted already are not read again but at the threshold."""
    score = np.random.default_rng(0).random(20_000)
    groups = Groups.whole(score.size)
    known = [one.counts for one in ScoreGrid().tally(score, groups)]
    looked: list[int] = []
    index = ScoreGrid.index

    def counted(space: ScoreGrid, values: Floats) -> Ints:
        looked.append(len(values))
        return index(space, values)

    monkeypatch.setattr(ScoreGrid, "index", counted)
    Scored().tally(score, (score > threshold).astype(np.float64), groups, known)
    assert sum(looked) < 1000
