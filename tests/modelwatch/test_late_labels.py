"""Late labels in the pipeline: of a sampled window the sample is judged; corrections change no verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from collector.store.read import Reader
from collector.window import iso
from tests.modelwatch.flows import HOUR, START, Workplace, events_of, traffic
from tests.modelwatch.loops import Loop


def labelled(rows: int, first: int = START) -> pd.DataFrame:
    """An hour of predictions, each with its label an hour later."""
    table = traffic(1, rows, seed=5, first=first)
    table["label"] = np.where(table["label"].isna(), 1.0, table["label"])
    table["label_ts"] = table["ts"] + pd.Timedelta(hours=1)
    table["prediction_id"] = [f"{first}-{n}" for n in range(rows)]
    return table


def performance(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The lines on the first hour's measured performance, of all rows."""
    return {
        line["signal"]: line
        for line in lines
        if line["signal"].startswith("performance.")
        and ".estimat" not in line["signal"]
        and line["window_start"] == iso(START * 1_000_000)
        and not line["segment"]
    }


def later(hours: float) -> list[dict[str, Any]]:
    """A prediction some hours later: time goes on."""
    return [
        event for event in events_of(labelled(1, START + int(hours * HOUR))) if event["kind"] == "prediction"
    ]


def test_labels_have_settled_when_the_sample_has_them(workplace: Workplace, good: pd.DataFrame) -> None:
    loop = Loop(workplace, good, labels={"most": 100_000}, label_horizon="100d")
    loop.take(events_of(labelled(4000)))
    loop.take(later(6))
    found = performance(loop.advance())
    with loop.database.read() as connection:
        ((have, of),) = Reader(connection, "m").coverage([START * 1_000_000], 1 << 62).values()
    assert have == of < 0.6 * 4000
    assert {line["known_at"] for line in found.values()} == {iso((START + 2 * HOUR) * 1_000_000)}
    line, table = found["performance.roc_auc"], labelled(4000)
    assert line["lower"] <= roc_auc_score(table["label"], table["score"]) <= line["upper"]


def test_a_correction_changes_outcomes_and_no_verdict(workplace: Workplace, good: pd.DataFrame) -> None:
    loop = Loop(workplace, good)
    events = events_of(labelled(400))
    loop.take(events)
    loop.take(later(6))
    before = performance(loop.advance())
    assert before
    corrected = [
        event | {"label": 1 - event["label"], "timestamp": event["timestamp"] + 10 * HOUR}
        for event in events
        if event["kind"] == "label"
    ]
    loop.take(corrected)
    loop.take(later(30))
    assert performance(loop.advance()) == before
    with loop.database.read() as connection:
        reader, start = Reader(connection, "m"), START * 1_000_000
        then = reader.outcomes("production", [start], before=start + 3 * HOUR * 1_000_000)[start]
        now = reader.outcomes("production", [start])[start]
    assert then.rows == now.rows == 400
    tn, fn, fp, tp = then.parts["performance"].confusion.tolist()
    assert now.parts["performance"].confusion.tolist() == [fn, tn, tp, fp]
