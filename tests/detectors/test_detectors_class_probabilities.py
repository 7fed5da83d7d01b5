"""Metrics of class probabilities against scikit-learn's from rows, within the bounds that are stated."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from collector.validation.probabilities import ranked
from detectors.performance.metrics import metric_of
from profiles import ClassOutcomes, ClassScores, Probabilities, Vocabulary

Array = npt.NDArray[np.float64]
NAMES = ("ant", "bee", "cat", "dog")
law = settings(max_examples=100, deadline=None)
weights = st.lists(st.sampled_from([0, 0, 1, 2, 3, 1000, 10**9]) | st.integers(0, 50), min_size=4, max_size=4)
rows_of_four = st.lists(st.tuples(weights.filter(sum), st.integers(0, 3)), min_size=1, max_size=40)


def summary(probabilities: Array, labels: Any, names: tuple[str, ...] = NAMES) -> Any:
    """What the joined rows come to, the most likely class being the prediction."""
    classes = Vocabulary(names)
    scores = dict(zip(names, probabilities.T, strict=True))
    bins = ClassScores(classes).bins(scores, len(labels))
    likeliest = np.column_stack([place.codes for place in ranked(scores, 10)])
    scored = Probabilities(np.arange(len(names)), bins, likeliest)
    return ClassOutcomes(classes).summarize(probabilities.argmax(axis=1), np.asarray(labels), scored)


def drawn(rows: list[tuple[list[int], int]]) -> tuple[Array, npt.NDArray[np.int64]]:
    probabilities = np.array([row for row, _ in rows], np.float64)
    return probabilities / probabilities.sum(axis=1, keepdims=True), np.array([label for _, label in rows])


def realistic(rows: int, classes: int, seed: int) -> tuple[Array, npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    logits = rng.normal(0, 1, (rows, classes)) + 1.5 * (np.arange(classes) == labels[:, None])
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), labels


def value(name: str, held: Any) -> float:
    return metric_of("multiclass", name).compute(held)[0]


@law
@given(rows_of_four, st.integers(1, 3))
def test_top_k_accuracy_is_exact_ties_included(rows: list[tuple[list[int], int]], k: int) -> None:
    probabilities, labels = drawn(rows)
    exact = metrics.top_k_accuracy_score(labels, probabilities, k=k, labels=range(4))
    assert value(f"top_{k}_accuracy", summary(probabilities, labels)) == pytest.approx(exact)


@law
@given(rows_of_four)
def test_log_loss_is_within_four_per_mille_a_row(rows: list[tuple[list[int], int]]) -> None:
    probabilities, labels = drawn(rows)
    exact = metrics.log_loss(labels, probabilities, labels=range(4))
    own = probabilities[np.arange(labels.size), labels]
    rest = np.minimum(own, 1 - own)
    extreme = ((rest > 0) & (rest < 2.0**-50)).mean()  # those of exactly 0 or 1 are as near as all others
    held = summary(probabilities, labels)
    assert abs(value("log_loss", held) - exact) <= 0.004 + 2 * np.log(2) * extreme


@law
@given(rows_of_four)
def test_roc_auc_is_off_by_no_more_than_the_pairs_in_one_bin(rows: list[tuple[list[int], int]]) -> None:
    probabilities, labels = drawn(rows)
    exact, bounds = [], []
    for place in np.unique(labels):
        own, score = labels == place, probabilities[:, place]
        if own.all():
            continue
        bins = ClassOutcomes(Vocabulary(NAMES)).grid.index(score)
        together = (bins[own][:, None] == bins[~own]) & (score[own][:, None] != score[~own])
        bounds.append(together.mean() / 2)
        exact.append(metrics.roc_auc_score(own, score))
    found = value("roc_auc", summary(probabilities, labels))
    if exact:
        assert abs(found - np.mean(exact)) <= np.mean(bounds) + 1e-12
    else:
        assert np.isnan(found)


@pytest.mark.parametrize("classes", [3, 12])
def test_many_rows_agree_with_scikit_learn(classes: int) -> None:
    probabilities, labels = realistic(5000, classes, 1)
    held = summary(probabilities, labels, tuple(f"c{place:02}" for place in range(classes)))
    auc = metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert value("roc_auc", held) == pytest.approx(auc, abs=5e-4)
    assert value("log_loss", held) == pytest.approx(metrics.log_loss(labels, probabilities), abs=5e-4)
    for k in (2, 3, 10):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of 3 classes all 10 are more than there are
            exact = metrics.top_k_accuracy_score(labels, probabilities, k=k)
        assert value(f"top_{k}_accuracy", held) == pytest.approx(exact)


def test_ece_is_that_of_the_most_likely_class() -> None:
    probabilities, labels = realistic(5000, 5, 2)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    tenth = np.minimum((sure * 10).astype(int), 9)
    gaps = [abs((sure - right)[tenth == place].sum()) for place in range(10)]
    held = summary(probabilities, labels, tuple("abcde"))
    assert value("ece", held) == pytest.approx(sum(gaps) / labels.size, abs=0.005)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "top_2_accuracy"])
def test_errors_are_at_least_those_of_a_bootstrap_and_of_its_size(name: str) -> None:
    probabilities, labels = realistic(600, 4, 3)
    rng = np.random.default_rng(4)
    samples = rng.integers(0, labels.size, (200, labels.size))
    values = [value(name, summary(probabilities[chosen], labels[chosen])) for chosen in samples]
    _, error = metric_of("multiclass", name).compute(summary(probabilities, labels))
    assert 0.85 * np.std(values) <= error <= 2.5 * np.std(values)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "ece", "top_3_accuracy"])
def test_without_probabilities_nothing_is_defined(name: str) -> None:
    held = ClassOutcomes(Vocabulary(NAMES)).summarize(np.array([0, 1]), np.array([0, 0]))
    assert np.isnan(metric_of("multiclass", name).compute(held)).all()


def test_a_class_without_a_probability_is_no_zero() -> None:
    probabilities = np.array([[0.9, np.nan, 0.1, np.nan], [0.4, np.nan, 0.6, np.nan]])
    held = summary(probabilities, [0, 1])
    assert value("log_loss", held) == pytest.approx(-np.log(0.9), abs=0.004)
    assert value("top_10_accuracy", held) == 0.5  # the class of the second label was not sent


def test_more_than_ten_places_are_not_told_apart() -> None:
    with pytest.raises(ValueError, match=r"top_11_accuracy is no metric .*top_K_accuracy"):
        metric_of("multiclass", "top_11_accuracy")
