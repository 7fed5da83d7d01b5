"""Models of several classes and ranking models: a stream is judged as files are, and pages show both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fastapi import FastAPI

from collector.store.database import Database
from collector.store.ledger import Ledger
from dashboards.app import router
from modelwatch import schema
from modelwatch.analyze import analyze, ingest, stored_lines
from modelwatch.evaluation import Evaluation
from modelwatch.monitor import Monitor, load_monitor
from modelwatch.references.install import install_file
from tests.collector.collecting import commit, counted, same
from tests.dashboards.page import Client
from tests.modelwatch.flows import HOUR, START, alike

CLASSES = ("ant", "bee", "cat")
ROWS, WINDOWS, BAD_FROM = 80, 6, 3
CONFIG: dict[str, Any] = {
    "model": "m",
    "window": "1h",
    "columns": {"timestamp": "ts", "id": "prediction_id", "label_time": "label_ts"},
    "features": {"x": "numeric"},
}
COLUMNS = CONFIG["columns"] | {"scores": {name: f"p_{name}" for name in CLASSES}}
METRICS = {
    "multiclass": ("accuracy", "macro_f1", "log_loss", "roc_auc", "top_2_accuracy"),
    "ranking": ("ndcg_at_10", "mrr", "hit_rate_at_3"),
}
CONFIGS: dict[str, dict[str, Any]] = {
    task: CONFIG
    | {"task": task, "columns": COLUMNS if task == "multiclass" else CONFIG["columns"]}
    | {"detectors": ["defaults", *({"kind": "performance", "metric": name} for name in METRICS[task][2:])]}
    for task in METRICS
}


def times(windows: int, first: float, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
    seconds = np.sort(rng.uniform(0, windows * HOUR, windows * ROWS)).round(3)
    moments, known = (
        pd.to_datetime(first + late + seconds, unit="s", utc=True).astype("datetime64[us, UTC]")
        for late in (0, HOUR)
    )
    held = {"ts": moments, "label_ts": known, "x": rng.normal(0, 1, seconds.size)}
    return pd.DataFrame(held), seconds >= BAD_FROM * HOUR


def classified(windows: int, first: float, seed: int, *, bad: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    made, worse = times(windows, first, rng)
    labels = rng.integers(0, 3, len(made))
    sure = np.where(worse & bad, 0.0, 2.0)[:, None] * (np.arange(3) == labels[:, None])
    odds = np.exp(sure + rng.normal(0, 1, (len(made), 3)))
    for place, name in enumerate(CLASSES):
        made[f"p_{name}"] = odds[:, place] / odds.sum(axis=1)
    made["label"] = np.array(CLASSES)[labels]
    return made


def ranked(windows: int, first: float, seed: int, *, bad: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    made, worse = times(windows, first, rng)
    relevant = (rng.random((len(made), 8)) < 0.2).astype(float)
    guess = relevant * np.where(worse & bad, 0.0, 4.0)[:, None] + rng.normal(0, 1, relevant.shape)
    order = np.argsort(-guess, axis=1)
    made["prediction"] = [[f"item-{place}" for place in row] for row in order.tolist()]
    made["label"] = np.take_along_axis(relevant, order, axis=1).tolist()
    return made


MAKERS = {"multiclass": classified, "ranking": ranked}


def events_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Predictions and labels as events, in the order in which they happen."""
    made = []
    for row in table.to_dict("records"):
        common = {"model": "m", "id": row["prediction_id"]}
        prediction = {"kind": "prediction", "timestamp": row["ts"].timestamp(), "features": {"x": row["x"]}}
        if "prediction" in row:
            prediction["prediction"] = row["prediction"]
        else:
            prediction["scores"] = {name: row[f"p_{name}"] for name in CLASSES}
        label = {"kind": "label", "label": row["label"], "timestamp": row["label_ts"].timestamp()}
        made += [common | prediction, common | label]
    return sorted(made, key=lambda event: float(event["timestamp"]))


class World:
    """A model's monitor, its files, and its events."""

    def __init__(self, task: str, folder: Path) -> None:
        self.task = task
        tables = {
            "reference": MAKERS[task](20, START - 100 * HOUR, 1, bad=False),
            "production": MAKERS[task](WINDOWS, START, 2, bad=True),
        }
        for name, table in tables.items():
            table["prediction_id"] = [f"{name}-{place}" for place in range(len(table))]
        labels = tables["production"][["prediction_id", "label", "label_ts"]]
        tables["labels"] = labels.rename(columns={"label_ts": "ts"})
        self.events = events_of(tables["production"])
        tables["shown"] = tables["production"].drop(columns=["label", "label_ts"])
        self.paths = {name: folder / f"{name}.parquet" for name in tables}
        for name, table in tables.items():
            table.to_parquet(self.paths[name], index=False)
        reference = {"kind": "file", "path": "reference.parquet"}
        text = yaml.safe_dump(CONFIGS[task] | {"reference": reference})
        (folder / "monitor.yaml").write_text(text, encoding="utf-8")
        self.monitor: Monitor = load_monitor(folder / "monitor.yaml")

    def database(self) -> Database:
        """One that has the reference."""
        opened = Database(None)
        schema.create(opened)
        install_file(opened, self.monitor, self.paths["reference"])
        return opened


@pytest.fixture(scope="module", params=METRICS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def stream(world: World) -> Iterator[Database]:
    """What a stream of the events has come to."""
    with closing(world.database()) as database:
        ledger, evaluation = Ledger(database, {"m": world.monitor}), Evaluation(database, world.monitor, "")
        for first in range(0, len(world.events), 97):
            commit(ledger, world.events[first : first + 97], str(first))
            evaluation.advance(None)
        evaluation.advance(None, flush=True)
        yield database


def lines_of(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        return [line.public() for line in stored_lines(connection, "m")]


@pytest.mark.parametrize("apart", [False, True], ids=["labels inline", "labels apart"])
def test_a_stream_counts_as_files_do(world: World, stream: Database, *, apart: bool) -> None:
    paths = world.paths
    with closing(world.database()) as database:
        production = paths["shown"] if apart else paths["production"]
        ingest(database, world.monitor, production, paths["labels"] if apart else None, lambda *_: None)
        assert same(counted(database), counted(stream))


def test_a_stream_is_judged_as_files_are(world: World, stream: Database) -> None:
    found = analyze(world.monitor, world.paths["reference"], world.paths["production"], None)
    lines = [json.loads(json.dumps(line.public())) for line in found]
    measured = [line for line in lines if line["signal"].startswith("performance.")]
    assert alike(measured, [line for line in lines_of(stream) if line["signal"].startswith("performance.")])
    for name in METRICS[world.task]:
        verdicts = [line["verdict"] for line in measured if line["signal"] == f"performance.{name}"]
        assert verdicts[:BAD_FROM] == ["ok"] * BAD_FROM
        assert "breach" in verdicts[BAD_FROM:]


def test_pages_show_it(world: World, stream: Database) -> None:
    app = FastAPI()
    app.include_router(router(stream, {"m": world.monitor}))
    client = Client(app)
    for path in ("/", "/models/m", "/models/m/performance", "/models/m/objectives", "/models/m/versions"):
        page = client.page(path)
        assert page.status == 200, (path, page.text)
    for name in METRICS[world.task][:2]:
        assert name in client.get("/models/m/performance").text
