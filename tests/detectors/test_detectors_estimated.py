"""Estimates of performance: what they are made of, against direct computations on raw scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as exact
from sklearn.isotonic import IsotonicRegression

from detectors.estimated.calibration import Calibration, calibrations
from detectors.estimated.cells import cells_of
from detectors.estimated.curves import Beta, Isotonic
from detectors.estimated.metrics import BINARY
from profiles import ClassOutcomes, ClassScores, Outcomes, Probabilities, Scored, Vocabulary
from profiles.counts import Floats

shares = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=30)


@given(shares)
def test_isotonic_curves_are_scikit_learns(counts: list[tuple[int, int]]) -> None:
    hits = np.array([min(one) for one in counts], np.float64)
    rows = np.array([max(one) for one in counts], np.float64)
    keys = np.arange(len(counts))
    wanted = IsotonicRegression(y_min=0, y_max=1).fit_transform(keys, hits / rows, sample_weight=rows)
    assert np.allclose(Isotonic(keys, hits[None], rows[None]).at(keys)[0], wanted)


def test_beta_calibration_finds_the_curve_that_made_the_labels() -> None:
    keys = np.unique(Scored().scores.index(np.linspace(0.01, 0.99, 400)))
    score = Scored().scores.middle(keys)
    chance = 1 / (1 + np.exp(-(1.5 * np.log(score) - 0.7 * np.log1p(-score) + 0.3)))
    rows = np.full((1, keys.size), 1e4)
    assert np.allclose(Beta(keys, chance[None] * rows, rows).at(keys)[0], chance, atol=1e-3)


def test_a_curve_of_few_rows_stays_near_the_scores() -> None:
    keys = Scored().scores.index(np.array([0.2, 0.8]))
    fitted = Beta(keys, np.zeros((1, 2)), np.zeros((1, 2))).at(keys)[0]
    assert np.allclose(fitted, [0.2, 0.8], atol=0.01)


def sample(rows: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    score = rng.beta(1.3, 2, rows)
    return score, (score > 0.4).astype(np.float64)


def expected(metric: str, score: Floats, chance: Floats, predicted: Floats) -> float:
    """The metric of rows that are each positive by a share, negative by the rest."""
    truth, twice = np.repeat([1, 0], score.size), np.tile(score, 2)
    weight, said = np.concatenate([chance, 1 - chance]), np.tile(predicted, 2)
    by_name: dict[str, Any] = {
        "roc_auc": lambda: exact.roc_auc_score(truth, twice, sample_weight=weight),
        "accuracy": lambda: exact.accuracy_score(truth, said, sample_weight=weight),
        "f1": lambda: exact.f1_score(truth, said, sample_weight=weight),
        "precision": lambda: exact.precision_score(truth, said, sample_weight=weight),
        "recall": lambda: exact.recall_score(truth, said, sample_weight=weight),
        "specificity": lambda: exact.recall_score(1 - truth, 1 - said, sample_weight=weight),
        "log_loss": lambda: exact.log_loss(truth, twice, sample_weight=weight),
        "brier": lambda: exact.brier_score_loss(truth, twice, sample_weight=weight),
    }
    return float(by_name[metric]())


@pytest.mark.parametrize("metric", sorted(BINARY))
def test_an_expected_metric_is_that_of_the_rows_themselves(metric: str) -> None:
    """Row by row on raw scores, within what the bins of the score grid lose."""
    score, predicted = sample(3000, 1)
    cells = cells_of({"": Scored().summarize(score, predicted)}, ())[1]
    chance = Scored().scores.middle(cells.keys) ** 2
    found = BINARY[metric](cells, chance).value
    assert found == pytest.approx(expected(metric, score, score**2, predicted), rel=0.01)


@pytest.mark.parametrize("metric", sorted(BINARY))
def test_influences_are_derivatives(metric: str) -> None:
    """One more row of a cell changes the metric by its influence."""
    score, predicted = sample(400, 2)
    cells = cells_of({"": Scored().summarize(score, predicted)}, ())[1]
    chance = Scored().scores.middle(cells.keys)
    made = BINARY[metric](cells, chance)
    assert cells.rows @ (chance * made.positive + (1 - chance) * made.negative) == pytest.approx(0, abs=1e-9)
    for place in (0, len(chance) // 2, len(chance) - 1):
        step = np.zeros(chance.size)
        step[place] = 1e-5
        slope = cells.rows[place] * (made.positive - made.negative)[place]
        moved = BINARY[metric](cells, chance + step).value - made.value
        assert moved == pytest.approx(1e-5 * slope, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "f1"])
def test_of_calibrated_scores_the_estimate_is_what_labels_come_to(metric: str) -> None:
    """Over many draws of labels the realised metric is on average, and as variable as, expected."""
    score, predicted = sample(500, 3)
    cells = cells_of({"": Scored().summarize(score, predicted)}, ())[1]
    chance = Scored().scores.middle(cells.keys)
    made = BINARY[metric](cells, chance)
    noise = float((cells.rows * chance * (1 - chance) * np.square(made.positive - made.negative)).sum())
    rng = np.random.default_rng(4)
    drawn = rng.random((300, score.size)) < score
    by_name: dict[str, Any] = {
        "roc_auc": lambda label: exact.roc_auc_score(label, score),
        "accuracy": lambda label: exact.accuracy_score(label, predicted),
        "f1": lambda label: exact.f1_score(label, predicted),
    }
    realised = np.array([by_name[metric](label) for label in drawn])
    assert realised.mean() == pytest.approx(made.value, abs=4 * np.sqrt(noise / len(drawn)) + 0.002)
    assert realised.std() == pytest.approx(np.sqrt(noise), rel=0.2)


def windows_of(seeds: Sequence[int], rows: int = 400) -> list[dict[str, Any]]:
    made = []
    for seed in seeds:
        score, predicted = sample(rows, seed)
        label = (np.random.default_rng(seed + 99).random(rows) < score).astype(np.float64)
        made.append({"": Outcomes().summarize(score, predicted, label)})
    return made


def fitted(windows: Sequence[Any], parts: Sequence[int]) -> Calibration:
    return calibrations("binary", "", (), windows, np.array(parts))[1]


def test_estimates_of_merged_windows_are_those_of_the_whole() -> None:
    score, predicted = sample(1000, 5)
    model = fitted(windows_of(range(6)), range(6))
    whole = Scored().summarize(score, predicted)
    merged = Scored().summarize(score[:321], predicted[:321]) + Scored().summarize(
        score[321:], predicted[321:]
    )
    assert model.expected(("roc_auc", "f1"), {"": whole}) == model.expected(("roc_auc", "f1"), {"": merged})


def test_a_fold_that_is_left_out_is_not_learned_from() -> None:
    windows = windows_of(range(4))
    score, predicted = sample(1000, 5)
    seen = {"": Scored().summarize(score, predicted)}
    without = fitted(windows[1:], range(3)).expected(("f1",), seen)["f1"]
    left_out = fitted(windows, range(4)).expected(("f1",), seen, fold=0)["f1"]
    assert left_out.value == pytest.approx(without.value, abs=1e-6)


def test_multi_class_estimates_are_those_of_the_rows() -> None:
    classes, rng = Vocabulary(("a", "b", "c")), np.random.default_rng(6)
    space = ClassScores(classes)

    def drawn(rows: int) -> tuple[Any, Any, Any]:
        chance = rng.dirichlet((1.0, 1.5, 2.0), rows)
        label = (rng.random((rows, 1)) > chance.cumsum(axis=1)).sum(axis=1)
        return chance, chance.argmax(axis=1), label

    def bins_of(chance: Any) -> Any:
        return space.bins(dict(zip(classes.values, chance.T, strict=True)), len(chance))

    outcomes = []
    for _ in range(5):
        chance, predicted, label = drawn(4000)
        ranked = np.argsort(-chance, axis=1)
        joined = Probabilities(space.codes, bins_of(chance), ranked)
        outcomes.append({"": ClassOutcomes(classes).summarize(predicted, label, joined)})
    model = calibrations("multiclass", "", (), outcomes, np.arange(5))[0]
    chance, predicted, label = drawn(20_000)
    seen = {"": space.summarize(bins_of(chance), predicted)}
    told = model.expected(("accuracy", "macro_f1", "macro_roc_auc"), seen)
    assert told["accuracy"].value == pytest.approx(exact.accuracy_score(label, predicted), abs=0.015)
    assert told["macro_f1"].value == pytest.approx(
        exact.f1_score(label, predicted, average="macro"), abs=0.015
    )
    auc = exact.roc_auc_score(label, chance, multi_class="ovr")
    assert told["macro_roc_auc"].value == pytest.approx(auc, abs=0.015)
