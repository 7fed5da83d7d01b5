"""Estimated performance through `modelwatch analyze`: without labels, when they come, when they disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from alerts.tables import incidents
from collector.store.database import Database
from collector.store.read import Reader
from modelwatch import schema
from modelwatch.analyze import ingest
from modelwatch.estimating import learned_estimators, of_labelled
from modelwatch.evaluation import Evaluation
from modelwatch.references import Windows, profiles_of
from modelwatch.references.install import install_file
from profiles import Outcomes, Profile, ScoreGrid
from tests.modelwatch.flows import START, Workplace, of_signal

DAY = 86_400
DAYS, ROWS, SINCE = 14, 300, 7  # of production; something changes on day `SINCE`
REALISED: dict[str, Callable[[Any], float]] = {
    "roc_auc": lambda rows: roc_auc_score(rows["label"], rows["score"]),
    "accuracy": lambda rows: accuracy_score(rows["label"], rows["prediction"]),
    "f1": lambda rows: f1_score(rows["label"], rows["prediction"]),
}
CAVEAT = "estimated: it cannot see concept drift"
MONITOR: dict[str, Any] = {"window": "1d", "features": {"x": "numeric"}, "slos": None, "segments": ["region"]}


def sigmoid(value: Any) -> Any:
    return 1 / (1 + np.exp(-value))


def days(count: int, seed: int, *, first: int = START, shift: str = "") -> pd.DataFrame:
    """Predictions of some days with labels half a day late; the score is too sure of itself."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, count * DAY, count * ROWS)).round(3)
    changed = (seconds >= SINCE * DAY) & bool(shift)
    x = np.where(
        changed & (shift == "covariates"), rng.normal(0, 0.3, seconds.size), rng.normal(0, 1, seconds.size)
    )
    slope = np.where(changed & (shift == "concept"), 0.1, 1.6)
    score = sigmoid(2.5 * x)
    times: Any = pd.to_datetime(first + seconds, unit="s", utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "ts": times,
            "prediction_id": [f"{seed}-{place}" for place in range(seconds.size)],
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "label": (rng.random(seconds.size) < sigmoid(slope * x)).astype(float),
            "label_ts": times + pd.Timedelta(hours=12),
            "x": x,
            "region": rng.choice(["north", "south"], seconds.size),
            "version": "v1",
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("estimates"))


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return days(21, 1, first=START - 21 * DAY)


def by_day(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for start, rows in table.groupby(table["ts"].dt.floor("D")):
        yield pd.Timestamp(str(start)).strftime("%Y-%m-%dT%H:%M:%SZ"), rows


def whole(lines: list[dict[str, Any]], signal: str) -> dict[str, dict[str, Any]]:
    """The lines of a signal of all rows, by window start."""
    return {line["window_start"]: line for line in of_signal(lines, signal)}


def late(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for _, line in sorted(found.items())][SINCE:]


def test_without_labels_the_band_holds_what_is_realised_later(
    place: Workplace, reference: pd.DataFrame
) -> None:
    production = days(DAYS, 12, shift="covariates")
    unlabelled = production.drop(columns=["label", "label_ts"])
    lines = place.lines(reference, unlabelled, monitor=place.monitor(**MONITOR))
    held, misses = [], []
    for metric, realise in REALISED.items():
        found = whole(lines, f"performance.estimated.{metric}")
        assert len(found) == DAYS
        for start, rows in by_day(production):
            line = found[start]
            misses.append(line["value"] - realise(rows))
            held.append(line["lower"] <= realise(rows) <= line["upper"])
            assert line["diagnosis"].startswith(CAVEAT)
    assert np.mean(held) >= 0.9
    assert abs(np.mean(misses)) < 0.02
    aucs = whole(lines, "performance.estimated.roc_auc")
    assert {line["verdict"] for line in late(aucs)} == {"breach"}
    # nobody has told whether the estimator is right: that is never ok
    assert {line["verdict"] for line in lines if "estimated" in line["signal"]} <= {"breach", "insufficient"}
    assert "no labels have come to check it by" in aucs["2024-01-01T00:00:00Z"]["diagnosis"]
    assert not list(of_signal(lines, "performance.estimation_error.roc_auc"))


def test_a_healthy_model_is_estimated_checked_and_ok(place: Workplace, reference: pd.DataFrame) -> None:
    lines = place.lines(reference, days(DAYS, 3), monitor=place.monitor(**MONITOR))
    assert not [line for line in lines if line["alert"]]
    told = [line["verdict"] for line in late(whole(lines, "performance.estimated.accuracy"))]
    assert told.count("ok") >= len(told) - 1
    estimated, measured = (whole(lines, f"performance.{name}") for name in ("estimated.f1", "f1"))
    errors = whole(lines, "performance.estimation_error.f1")
    assert len(errors) == DAYS
    for start, line in errors.items():
        assert line["value"] == pytest.approx(measured[start]["value"] - estimated[start]["value"])
        assert line["lower"] < line["value"] < line["upper"]
    segments = {line["segment"] for line in lines if line["signal"] == "performance.estimated.f1"}
    assert segments == {None, "region=north", "region=south"}


def test_concept_drift_is_told_by_the_labels_and_ends_the_belief_in_estimates(
    place: Workplace, reference: pd.DataFrame
) -> None:
    lines = place.lines(reference, days(DAYS, 4, shift="concept"), monitor=place.monitor(**MONITOR))
    errors = late(whole(lines, "performance.estimation_error.roc_auc"))
    assert {line["verdict"] for line in errors} == {"breach"}
    first = errors[0]
    assert first["value"] < first["threshold"] < 0
    assert "labels disagree with the estimate by -" in first["diagnosis"]
    assert "concept drift; estimates cannot see it" in first["diagnosis"]
    # a day's labels are in half a day later: from the day after the next nothing is believed
    estimates = late(whole(lines, "performance.estimated.roc_auc"))[2:]
    assert {line["verdict"] for line in estimates} == {"insufficient"}
    assert all("labels disagree with it by -" in line["diagnosis"] for line in estimates)
    assert all(line["value"] > 0.75 for line in estimates)


def test_estimates_can_be_switched_off(place: Workplace, reference: pd.DataFrame) -> None:
    monitor = place.monitor(**MONITOR, estimates="none")
    lines = place.lines(reference, days(3, 5), monitor=monitor)
    assert not [line for line in lines if "estimat" in line["signal"]]


def test_a_regression_is_estimated_from_its_predictions(tmp_path: Path) -> None:
    def regression(table: pd.DataFrame, shift: float = 0.0) -> pd.DataFrame:
        rng = np.random.default_rng(len(table))
        made = table.drop(columns=["score"])
        made["prediction"] = made["x"] + shift
        made["label"] = made["prediction"] + rng.normal(0, 1, len(made)) * sigmoid(2 * made["prediction"])
        return made

    place = Workplace(tmp_path)
    monitor = place.monitor(**MONITOR, task="regression")
    production = regression(days(5, 7), shift=1.0)
    lines = place.lines(regression(days(21, 6, first=START - 21 * DAY)), production, monitor=monitor)
    found = whole(lines, "performance.estimated.mae")
    for start, rows in by_day(production):
        realised = (rows["prediction"] - rows["label"]).abs().mean()
        assert found[start]["value"] == pytest.approx(realised, rel=0.15)
        assert found[start]["lower"] <= realised <= found[start]["upper"]
    assert {line["verdict"] for line in found.values()} == {"breach"}


def test_several_classes_are_estimated_from_their_probabilities(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "emu"])

    def classes(count: int, seed: int, first: int = START, sure: float = 1.0) -> pd.DataFrame:
        """Calibrated probabilities; `sure` makes some rows plainer than others."""
        table = days(count, seed, first=first)
        rng = np.random.default_rng(seed)
        chance = np.exp(sure * rng.normal(0, 1.5, (len(table), 3)))
        chance /= chance.sum(axis=1, keepdims=True)
        drawn = (rng.random((len(table), 1)) > chance.cumsum(axis=1)).sum(axis=1).clip(0, 2)
        made = table.drop(columns=["score"]).assign(
            prediction=names[chance.argmax(axis=1)], label=names[drawn]
        )
        return made.assign(**{f"p_{name}": chance[:, place] for place, name in enumerate(names)})

    place = Workplace(tmp_path)
    columns = {"timestamp": "ts", "id": "prediction_id", "label_time": "label_ts"}
    columns["scores"] = {name: f"p_{name}" for name in names.tolist()}  # type: ignore[assignment]
    monitor = place.monitor(**MONITOR, task="multiclass", columns=columns)
    production = classes(6, 8, sure=0.3)
    lines = place.lines(classes(21, 9, START - 21 * DAY), production, monitor=monitor)
    realised: dict[str, Callable[[Any], float]] = {
        "accuracy": lambda rows: accuracy_score(rows["label"], rows["prediction"]),
        "macro_f1": lambda rows: f1_score(rows["label"], rows["prediction"], average="macro"),
    }
    for metric, realise in realised.items():
        found = whole(lines, f"performance.estimated.{metric}")
        held = [
            found[start]["lower"] <= realise(rows) <= found[start]["upper"]
            for start, rows in by_day(production)
        ]
        assert held.count(False) <= 1
        assert found["2024-01-06T00:00:00Z"]["verdict"] == "breach"
        assert len(whole(lines, f"performance.estimation_error.{metric}")) == 6


def test_a_bad_estimate_that_is_over_ends_its_incident_without_labels(
    place: Workplace, reference: pd.DataFrame
) -> None:
    """It is never ok again, as nobody checks it; but what is no longer bad is resolved."""
    bad = days(DAYS, 14, shift="covariates")
    after = days(DAYS, 15, first=START + DAYS * DAY)
    production = pd.concat([bad, after]).drop(columns=["label", "label_ts", "x"])
    known = reference.drop(columns=["x"]).assign(c="a")
    path = place.file("known", known)
    monitor = place.monitor(
        **MONITOR | {"features": {"c": "categorical"}},
        reference={"kind": "file", "path": str(path)},
        detectors=[{"kind": "missing"}],
    )
    with closing(Database(None)) as database:
        schema.create(database)
        assert monitor.reference.file is not None
        install_file(database, monitor, monitor.reference.file)
        ingest(database, monitor, place.file("unlabelled", production.assign(c="a")), None, lambda *_: None)
        Evaluation(database, monitor, "").advance(None, flush=True)
        with database.read() as connection:
            (incident,) = connection.execute(sa.select(incidents)).all()
    assert "performance.estimated" in incident.title
    assert incident.status == "resolved"
    assert incident.resolved_at < (START + 2 * DAYS * DAY) * 1_000_000


def test_windows_whose_features_drift_still_say_how_estimates_vary(place: Workplace) -> None:
    monitor = place.monitor(**MONITOR, reference={"kind": "trailing", "windows": 28})
    with closing(Database(None)) as database:
        schema.create(database)
        ingest(database, monitor, place.file("labelled", days(6, 7)), None, lambda *_: None)
        with database.read() as connection:
            reader = Reader(connection, monitor.model)
            starts = reader.starts("production")
            usual = Windows("production", tuple(starts[:4]), tuple(starts))
            held = {"": profiles_of(reader, usual, "", 1 << 62)}
            traffic, outcomes = of_labelled(reader, usual, held, "binary")[""]
            every = profiles_of(reader, replace(usual, starts=usual.outcomes), "", 1 << 62)
    assert list(held[""][0]) == starts[:4]
    assert list(traffic) == list(outcomes) == starts
    for start in starts:
        assert traffic[start].parts["scored"] == every[0][start].parts["scored"]


def test_profiles_of_an_older_shape_are_not_estimated() -> None:
    """They do not say what was predicted at which score."""
    score = np.random.default_rng(0).random(400)
    joined = Outcomes().summarize(score, (score > 0.5).astype(float), (score > 0.3).astype(float))
    traffic = {start: Profile(400, {"score": ScoreGrid().summarize(score)}) for start in range(9)}
    outcomes = {start: Profile(400, {"performance": joined}) for start in range(9)}
    assert learned_estimators("binary", {"": (traffic, outcomes)}, DAY) == {}
