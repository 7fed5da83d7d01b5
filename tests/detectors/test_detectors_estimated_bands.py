"""Bands of estimates under covariate shift, and what tells that an estimator is wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special

from detectors.estimated import METRICS, Agreement, Estimators, Parts, learn_estimators, strata_of
from detectors.judgement import Judgement
from detectors.performance.metrics import metric_of
from profiles import Grid, Losses, Outcomes, Profile, ResidualGrid, Scored
from profiles.counts import Floats

Rows = tuple[Floats, Floats, Floats]
Make = Callable[[np.random.Generator, int, float], Rows]
ALPHA = 1e-5


def logistic(rng: np.random.Generator, rows: int, shift: float) -> Rows:
    """Scores that are too sure."""
    x = rng.normal(shift, 1, rows)
    label = rng.random(rows) < special.expit(1.2 * x - 0.3)
    score = special.expit(2 * x)
    return score, (score > 0.5).astype(np.float64), label.astype(np.float64)


def blurred(rng: np.random.Generator, rows: int, shift: float) -> Rows:
    """A coarse, noisy score of few values, cut at an odd threshold."""
    x = rng.normal(shift, 1, rows)
    label = rng.random(rows) < special.expit(2 * x - 1)
    score = np.round(special.expit(x + rng.normal(0, 0.3, rows)), 1)
    return score, (score > 0.35).astype(np.float64), label.astype(np.float64)


def rare(rng: np.random.Generator, rows: int, shift: float) -> Rows:
    """One positive in ten, more or fewer with the shift."""
    x = rng.normal(shift, 1, rows)
    label = rng.random(rows) < special.expit(1.5 * x - 3)
    score = special.expit(1.4 * x - 2.8)
    return score, (score > 0.2).astype(np.float64), label.astype(np.float64)


def parts_of(rows: Rows) -> Parts:
    score, predicted, label = rows
    joined = Outcomes().summarize(score, predicted, label)
    return Parts({"": {"": Scored().summarize(score, predicted)}}, {"": {"": joined}}, joined)


def learned(make: Make, rng: np.random.Generator, rows: int = 500, windows: int = 20) -> Estimators:
    found = learn_estimators(
        "binary", [parts_of(make(rng, rows, rng.normal(0, 0.2))) for _ in range(windows)]
    )
    assert found is not None
    return found


@pytest.mark.parametrize("make", [logistic, blurred, rare])
def test_bands_hold_what_is_realised_while_the_concept_stays(make: Make) -> None:
    """Under covariate shift, in about 95 % of windows, and they are no wider than they must be."""
    rng = np.random.default_rng(0)
    inside: dict[str, list[bool]] = {metric: [] for metric in METRICS["binary"]}
    widths: dict[str, list[float]] = {metric: [] for metric in METRICS["binary"]}
    misses: dict[str, list[float]] = {metric: [] for metric in METRICS["binary"]}
    for _ in range(8):
        found = learned(make, rng)
        for shift in np.linspace(-0.8, 0.8, 15):
            seen = parts_of(make(rng, 500, shift))
            expected = found.model.expected(METRICS["binary"], seen.traffic[""])
            for metric, estimator in found.by_metric.items():
                one = estimator.judge(expected[metric], ALPHA)
                realised, _ = metric_of("binary", metric).compute(seen.realised)
                assert one.lower is not None
                assert one.upper is not None
                assert one.value is not None
                inside[metric].append(one.lower <= realised <= one.upper)
                widths[metric].append(one.upper - one.lower)
                misses[metric].append(realised - one.value)
    for metric, held in inside.items():
        assert np.mean(held) >= 0.91
        assert np.mean(widths[metric]) < 2 * 1.96 * 1.6 * np.std(misses[metric])


def test_healthy_windows_agree_and_changed_concepts_do_not() -> None:
    rng = np.random.default_rng(1)
    found = learned(logistic, rng)
    estimator = found.by_metric["roc_auc"]
    healthy: list[Judgement] = []
    changed: list[Judgement] = []
    for shift in np.linspace(-0.8, 0.8, 40):
        score, predicted, label = logistic(rng, 500, shift)
        for concept, told in ((label, healthy), (np.where(rng.random(500) < 0.4, 1 - label, label), changed)):
            seen = parts_of((score, predicted, concept))
            expected = found.model.expected(("roc_auc",), seen.traffic[""])["roc_auc"]
            told.append(estimator.check(expected.value, expected, seen.realised, 500, ALPHA))
    assert np.mean([(one.p_value or 0) < 0.05 for one in healthy]) < 0.15
    assert all((one.p_value or 1) < 1e-3 for one in changed)
    assert all((one.value or 0) < (one.threshold or 0) < 0 for one in changed[10:30])


def test_a_bad_estimate_is_beyond_its_threshold_and_a_usual_one_is_not() -> None:
    rng = np.random.default_rng(2)
    found = learned(logistic, rng)
    estimator = found.by_metric["roc_auc"]
    score, predicted, label = logistic(rng, 500, 0)
    usual = found.model.expected(("roc_auc",), parts_of((score, predicted, label)).traffic[""])["roc_auc"]
    dull = special.expit(0.3 * special.logit(score))
    bad = found.model.expected(("roc_auc",), parts_of((dull, predicted, label)).traffic[""])["roc_auc"]
    fine, worse = estimator.judge(usual, ALPHA), estimator.judge(bad, ALPHA)
    assert fine.p_value is not None
    assert fine.p_value > 1e-3
    assert worse.p_value is not None
    assert worse.p_value < ALPHA
    assert worse.value is not None
    assert worse.threshold is not None
    assert worse.value < worse.threshold


def segmented(
    rng: np.random.Generator, rows: int, share: float, effect: float
) -> dict[str, dict[str, Profile]]:
    """Profiles of traffic and outcomes by segment; a score means something else in the north."""
    north = rng.random(rows) < share
    x = rng.normal(0, 1, rows)
    label = (rng.random(rows) < special.expit(1.5 * x + effect * north)).astype(np.float64)
    score = special.expit(1.5 * x)
    predicted = (score > 0.5).astype(np.float64)
    every = {"": np.ones(rows, bool), "side=north": north, "side=south": ~north}
    traffic = {
        name: Profile(int(own.sum()), {"scored": Scored().summarize(score[own], predicted[own])})
        for name, own in every.items()
    }
    outcomes = {
        name: Profile(
            int(own.sum()), {"performance": Outcomes().summarize(score[own], predicted[own], label[own])}
        )
        for name, own in every.items()
    }
    return {"traffic": traffic, "outcomes": outcomes}


def divided(made: dict[str, dict[str, Profile]]) -> Parts:
    traffic, outcomes = strata_of(made["traffic"], "scored"), strata_of(made["outcomes"], "performance")
    return Parts(traffic, outcomes, made["outcomes"][""].parts["performance"])


def test_segments_correct_for_a_shift_between_them_where_they_matter() -> None:
    rng = np.random.default_rng(3)
    found = learn_estimators("binary", [divided(segmented(rng, 1000, 0.3, -2.5)) for _ in range(20)])
    assert found is not None
    assert found.model.column == "side"
    seen = divided(segmented(rng, 20_000, 0.9, -2.5))
    realised, _ = metric_of("binary", "accuracy").compute(seen.realised)
    (told,) = found.model.expected(("accuracy",), seen.traffic["side"]).values()
    assert told.value == pytest.approx(realised, abs=0.02)
    plain = learn_estimators("binary", [divided(segmented(rng, 1000, 0.3, 0.0)) for _ in range(20)])
    assert plain is not None
    assert plain.model.column == ""


def test_losses_are_expected_by_predicted_value() -> None:
    """Errors that grow with the prediction: a shift of the predictions shows in the estimate."""
    rng = np.random.default_rng(4)
    grid = Grid(0.0, 1.0)
    losses = Losses.fit(grid, rng.normal(0, 1, 5000))

    def window(shift: float) -> Parts:
        predicted = rng.normal(shift, 1, 800)
        label = predicted + rng.normal(0, 1, 800) * special.expit(2 * predicted)
        joined = losses.summarize(predicted, label)
        realised = ResidualGrid(Grid(0.0, 0.3)).summarize(predicted, label)
        return Parts({"": {"": grid.summarize(predicted)}}, {"": {"": joined}}, realised)

    found = learn_estimators("regression", [window(rng.normal(0, 0.1)) for _ in range(20)])
    assert found is not None
    inside = []
    for shift in np.linspace(-1, 1, 60):
        seen = window(shift)
        expected = found.model.expected(("mae", "rmse"), seen.traffic[""])
        for metric, estimator in found.by_metric.items():
            realised, _ = metric_of("regression", metric).compute(seen.realised)
            one = estimator.judge(expected[metric], ALPHA)
            assert one.lower is not None
            assert one.upper is not None
            inside.append(one.lower <= realised <= one.upper)
    assert np.mean(inside) >= 0.9


@pytest.mark.parametrize("windows", [0, 1, 2, 5])
def test_too_few_labels_are_nothing_to_learn_from(windows: int) -> None:
    rng = np.random.default_rng(5)
    assert learn_estimators("binary", [parts_of(logistic(rng, 39, 0)) for _ in range(windows)]) is None


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_reference_of_one_label_estimates_what_it_can(label: float) -> None:
    rng = np.random.default_rng(6)
    rows = [logistic(rng, 300, 0) for _ in range(5)]
    found = learn_estimators("binary", [parts_of((one[0], one[1], np.full(300, label))) for one in rows])
    assert found is not None
    assert "roc_auc" not in found.by_metric
    expected = found.model.expected(tuple(found.by_metric), parts_of(rows[0]).traffic[""])
    for metric, estimator in found.by_metric.items():
        assert np.isfinite(estimator.judge(expected[metric], ALPHA).value or 0.0)


def test_an_estimator_is_believed_while_labels_agree_and_lately() -> None:
    agreed, wrong = Judgement(value=0.01, p_value=0.6), Judgement(value=-0.3, p_value=1e-12)
    known = Agreement().add(10, agreed, in_breach=False)
    assert known.doubt(5) is None
    assert known.doubt(10) == "no labels have come lately"
    failed = known.add(20, wrong, in_breach=True)
    assert failed.doubt(5) == "labels disagree with it by -0.3"
    for end in range(30, 90, 10):
        failed = failed.add(end, agreed, in_breach=False)
    assert failed.doubt(5) is None
    assert Agreement.from_json(failed.to_json()) == failed
    assert len(failed.checks) == 5
