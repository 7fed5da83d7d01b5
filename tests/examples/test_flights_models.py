from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from examples.flights import train
from examples.flights.data import FEATURES
from examples.flights.features import PREPARE, Encoding, metric
from examples.flights.model import Model


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_onnx_says_what_the_trained_model_says(table: pd.DataFrame, tmp_path: Path, version: str) -> None:
    known = train.known_by(table, pd.Timestamp("2013-01-08", tz="UTC"))
    classifier = train.forest(trees=5) if version == "v1" else train.boosting(members=2, trees=10)
    pipeline = train.fit(train.sample(known, 3000), classifier, tmp_path, version)
    model = Model.load(tmp_path, version)
    matrix = model.encoding.matrix(table.tail(2000))
    assert np.isnan(matrix).any()
    np.testing.assert_allclose(model.scores(matrix), pipeline.predict_proba(matrix)[:, 1], atol=1e-4)


def test_a_wrong_conversion_is_found(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "scores", lambda _, matrix: np.zeros(len(matrix)))
    with pytest.raises(ValueError, match="differs from the trained model"):
        train.fit(table.dropna(subset="label"), train.forest(trees=2), tmp_path, "v1")


def test_one_row_is_scored_like_many(table: pd.DataFrame, models: Path) -> None:
    model = Model.load(models, "v1")
    rows = table.tail(200)
    flights = json.loads(rows[list(FEATURES)].to_json(orient="records"))
    single = [model.score(flight) for flight in flights]
    np.testing.assert_allclose(single, model.scores(model.encoding.matrix(rows)), atol=1e-6)


def test_an_unseen_category_gets_the_overall_rate(table: pd.DataFrame) -> None:
    encoding = Encoding.fit(table.dropna(subset="label"))
    row = encoding.row(dict.fromkeys(FEATURES) | {"carrier": "ZZ"})
    assert row[0, 0] == pytest.approx(encoding.default)


def test_v1_feeds_what_it_was_trained_on_and_v2_metric_units() -> None:
    flight = dict.fromkeys(FEATURES) | {"temp": 68.0, "wind_speed": 10.0, "visib": 10.0, "precip": 1.0}
    assert PREPARE["v1"](flight) == flight
    fed = PREPARE["v2"](flight)
    assert fed["temp"] == pytest.approx(20.0)
    assert fed["wind_speed"] == fed["visib"] == pytest.approx(16.09344)
    assert fed["precip"] == pytest.approx(25.4)
    assert fed["dewp"] is None
    assert {name for name in FEATURES if fed[name] != flight[name]} == {
        "temp",
        "wind_speed",
        "visib",
        "precip",
    }
    assert PREPARE["v2"] is metric


def test_training_knows_only_flights_that_had_landed(table: pd.DataFrame) -> None:
    moment = pd.Timestamp("2013-01-10", tz="UTC")
    known = train.known_by(table, moment)
    assert known["label"].notna().all()
    assert (known["label_ts"] < moment).all()


def test_the_reference_is_a_prediction_log(table: pd.DataFrame, models: Path) -> None:
    log = train.scored(table, Model.load(models, "v1"))
    assert set(log["prediction"]) == {0, 1}
    assert log["score"].between(0, 1).all()
    assert log["label"].isna().equals(table["label"].isna())
    assert list(log.columns[-4:]) == ["prediction", "score", "label", "label_ts"]


def test_training_is_kept_and_repeats_itself(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "forest", lambda build=train.forest: build(trees=3))
    monkeypatch.setattr(train, "boosting", lambda build=train.boosting: build(members=1, trees=3))
    for name, day in (("V1_TRAINED", 6), ("V2_TRAINED", 12), ("REFERENCE_END", 10)):
        monkeypatch.setattr(train, name, pd.Timestamp(2013, 1, day, tz="UTC"))
    first, second = train.train(table, tmp_path / "a"), train.train(table, tmp_path / "b")
    one, other = (pd.read_parquet(folder / "reference.parquet") for folder in (first, second))
    pd.testing.assert_frame_equal(one, other)
    assert one["ts"].min() >= pd.Timestamp("2013-01-06", tz="UTC")
    assert (first / "v2.onnx").read_bytes() == (second / "v2.onnx").read_bytes()
    monkeypatch.setattr(train, "fit", lambda *_: pytest.fail("trained twice"))
    assert train.train(table, tmp_path / "a") == first
