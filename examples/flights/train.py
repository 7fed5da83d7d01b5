"""Trains the two releases and writes the reference: v1's predictions right after its training data.

v1 is a small forest, trained on the winter. v2 is an ensemble of gradient boostings, trained on as many
flights from January to August: better on paper, and some twenty times slower.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from examples.flights import data, dates, features, model
from examples.flights.data import FEATURES
from examples.flights.dates import REFERENCE_END, V1_TRAINED, V2_TRAINED
from examples.flights.features import Encoding
from examples.flights.model import INPUT, Model

V2_ROWS = 40_000
TOLERANCE = 1e-4
SEED = 2013
CORES = 2


def train(table: pd.DataFrame, folder: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """Trains both releases and writes the reference, unless the same code did it before.

    Args:
        table: the event table.
        folder: the cache; each version of the code has its own folder in it.
        say: is told what happens next.

    Returns:
        The folder with v1, v2 and reference.parquet.
    """
    sources = [Path(str(module.__file__)) for module in (data, dates, features, model)]
    models = folder / f"models-{data.fingerprint(*sources, Path(__file__))}"
    reference = models / "reference.parquet"
    if not reference.exists():
        models.mkdir(parents=True, exist_ok=True)
        say("training v1")
        fit(known_by(table, V1_TRAINED), forest(), models, "v1")
        say("training v2")
        fit(sample(known_by(table, V2_TRAINED), V2_ROWS), boosting(), models, "v2")
        say("scoring the reference")
        after = table[(table["ts"] >= V1_TRAINED) & (table["ts"] < REFERENCE_END)]
        part = reference.with_suffix(".part")
        scored(after, Model.load(models, "v1")).to_parquet(part, index=False)
        part.replace(reference)  # last, and whole: its presence says that the rest is there
    return models


def known_by(table: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """The flights whose label was known at a moment; NaT, for no label ever, is not before it."""
    return table[table["label_ts"] < moment]


def sample(table: pd.DataFrame, rows: int) -> pd.DataFrame:
    """A fixed random choice of rows, in their order."""
    return table.sample(min(rows, len(table)), random_state=SEED).sort_index()


def forest(trees: int = 50) -> Any:
    """The classifier of v1."""
    return RandomForestClassifier(trees, max_depth=9, min_samples_leaf=40, n_jobs=CORES, random_state=SEED)


def boosting(members: int = 8, trees: int = 250) -> Any:
    """The classifier of v2."""
    settings = {"max_depth": 5, "learning_rate": 0.05, "subsample": 0.1, "max_features": 5}
    parts = [
        (f"m{i}", GradientBoostingClassifier(n_estimators=trees, random_state=SEED + i, **settings))
        for i in range(members)
    ]
    return VotingClassifier(parts, voting="soft", flatten_transform=False, n_jobs=CORES)


def fit(table: pd.DataFrame, classifier: Any, folder: Path, version: str) -> Any:
    """Trains a classifier, writes it as ONNX, and checks that the file says the same as the classifier.

    Raises:
        ValueError: it does not.
    """
    encoding = Encoding.fit(table)
    matrix, labels = encoding.matrix(table), table["label"].to_numpy()
    pipeline = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), classifier)
    pipeline.fit(matrix, labels)
    scores = pipeline.predict_proba(matrix)[:, 1]
    # As many flights are said to be late as were: half the probability would be a rare prediction.
    threshold = float(np.quantile(scores, 1 - labels.mean()))
    model.save(folder, version, to_onnx(pipeline, matrix.shape[1]), encoding, threshold)
    apart = float(np.abs(Model.load(folder, version).scores(matrix) - scores).max())
    if apart > TOLERANCE:
        raise ValueError(f"{version}.onnx differs from the trained model by {apart:.1e}; retrain it")
    return pipeline


def to_onnx(pipeline: Any, width: int) -> bytes:
    """The pipeline as an ONNX file's content, with plain probabilities as the second output."""
    inputs = [(INPUT, FloatTensorType([None, width]))]
    converted: bytes = convert_sklearn(
        pipeline,
        "flights",  # without a name skl2onnx draws one at random, and no two files are the same
        initial_types=inputs,
        options={"zipmap": False},
    ).SerializeToString()
    return converted


def scored(table: pd.DataFrame, served: Model) -> pd.DataFrame:
    """The events as a prediction log."""
    score = served.scores(served.encoding.matrix(table)).astype("float64")
    log = table[["prediction_id", "ts", *FEATURES]].copy()
    log["prediction"] = (score >= served.threshold).astype("int64")
    log["score"] = score
    log["label"] = table["label"].astype("Int64")
    log["label_ts"] = table["label_ts"]
    return log


def main() -> None:
    """Trains, and copies the models and the reference to where they are used."""
    parser = argparse.ArgumentParser(prog="python -m examples.flights.train", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="where data and models are kept")
    parser.add_argument("--out", type=Path, required=True, help="where the models and the reference go")
    given = parser.parse_args()
    console = Console()
    console.print("reading the flights of 2013")
    models = train(data.events(given.cache), given.cache, console.print)
    shutil.copytree(models, given.out, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
