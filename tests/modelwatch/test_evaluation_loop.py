"""The evaluation loop: which windows close when, and what happens between ingest and evaluation."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from collector.batch import Batch
from collector.delivery import Delivery
from collector.validation.validate import Validator
from tests.modelwatch.flows import HOUR, START, Workplace, alike, events_of, traffic
from tests.modelwatch.loops import Loop, predictions

MINUTE = 60


def test_a_window_closes_when_event_time_passes_its_end(loop: Loop) -> None:
    events = predictions(3)
    loop.take([event for event in events if event["timestamp"] < START + 2 * HOUR])
    assert {line["window_start"] for line in loop.advance()} == {"2024-01-01T00:00:00Z"}
    loop.take([event for event in events if event["timestamp"] >= START + 2 * HOUR])
    assert len(loop.judged()) == 1
    loop.advance()
    assert len(loop.judged()) == 2


def test_lateness_keeps_a_window_open(workplace: Workplace, good: pd.DataFrame) -> None:
    loop = Loop(workplace, good, lateness="30m")
    loop.take(predictions(1))
    loop.take([{**predictions(1)[0], "id": "a", "timestamp": START + HOUR + 29 * MINUTE}])
    assert loop.advance() == []
    late = [{**event, "id": f"late-{event['id']}"} for event in predictions(1)]
    loop.take(late)
    loop.take([{**late[0], "id": "b", "timestamp": START + HOUR + 31 * MINUTE}])
    lines = loop.advance()
    assert next(line["value"] for line in lines if line["signal"] == "quality.freshness") == 240


def test_a_live_model_waits_for_its_senders_even_without_a_lateness(loop: Loop) -> None:
    events = predictions(1)
    loop.take(events, now=START + HOUR)
    loop.take([{**events[0], "id": "next", "timestamp": START + HOUR + 1}], now=START + HOUR + 1)
    assert loop.advance(START + HOUR + 30) == []
    loop.take([{**events[0], "id": "slow", "timestamp": START + HOUR - 1}], now=START + HOUR + 31)
    lines = loop.advance(START + HOUR + 61)
    assert next(line["value"] for line in lines if line["signal"] == "quality.freshness") == 121


@pytest.mark.parametrize(
    "origin", ["2024-02-01T06:30:00Z", "2023-02-01T06:30:00", "2024-01-01T08:30:00+02:00"]
)
def test_windows_begin_at_their_origin(workplace: Workplace, good: pd.DataFrame, origin: str) -> None:
    loop = Loop(workplace, good, window={"size": "6h", "origin": origin})
    loop.take(predictions(24))
    lines = loop.advance(flush=True)
    starts = sorted({line["window_start"] for line in lines})
    assert starts[:2] == ["2023-12-31T18:30:00Z", "2024-01-01T00:30:00Z"]
    fresh = [line for line in lines if line["signal"] == "quality.freshness"]
    assert [line["value"] for line in fresh][1:4] == [
        sum(a <= event["timestamp"] - START < a + 6 * HOUR for event in predictions(24))
        for a in (HOUR / 2, 6.5 * HOUR, 12.5 * HOUR)
    ]


def test_a_restart_between_ingest_and_evaluation_changes_nothing(
    workplace: Workplace, good: pd.DataFrame
) -> None:
    events = events_of(traffic(12, bad_from=8))
    found = []
    for restarts in (False, True):
        folder = workplace.folder / str(restarts)
        folder.mkdir()
        loop = Loop(Workplace(folder), good)
        for first in range(0, len(events), 200):
            loop.take(events[first : first + 200])
            if restarts:
                loop.start()
            if not restarts or first % 3 == 0:
                loop.advance()
        found.append(loop.advance())
    assert alike(found[0], found[1])


def test_an_evaluation_that_fails_is_repeated_whole(loop: Loop) -> None:
    loop.take(predictions(6))
    with loop.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER broken BEFORE INSERT ON progress BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(Exception, match="full"):
        loop.advance()
    assert loop.judged() == []
    with loop.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER broken")
    loop.advance()
    assert len(loop.judged()) == 5


def test_wider_windows_after_a_restart_are_judged(workplace: Workplace, good: pd.DataFrame) -> None:
    loop = Loop(workplace, good)
    loop.take(predictions(10))
    loop.advance()
    wide = Loop(workplace, good, window="6h")
    wide.batches = 100
    later = predictions(40, first=START + 10 * HOUR, seed=8)
    wide.take(later)
    lines = [line for line in wide.advance() if line["window_start"] >= "2024-01-01T12"]
    assert [line["value"] for line in lines if line["signal"] == "quality.freshness"] == [
        sum(at <= event["timestamp"] < at + 6 * HOUR for event in later)
        for at in range(START + 12 * HOUR, START + 48 * HOUR, 6 * HOUR)
    ]


@pytest.mark.parametrize("kind", ["learned", "trailing"])
def test_a_reference_from_production_needs_no_file(
    workplace: Workplace, good: pd.DataFrame, kind: str
) -> None:
    size = {"windows": 8} if kind == "learned" else {"windows": 12, "at_least": 8}
    loop = Loop(workplace, good, reference={"kind": kind, **size})
    loop.take(events_of(traffic(30, bad_from=24)))
    lines = loop.advance(flush=True)
    whole = [line for line in lines if line["segment"] is None and line["signal"] == "latency.p50"]
    assert [line["verdict"] for line in whole[:8]] == ["insufficient"] * 8
    assert {line["verdict"] for line in whole[8:24]} == {"ok"}
    assert {line["verdict"] for line in whole[24:]} == {"breach"}


def test_a_learned_reference_judges_a_stream_and_a_file_alike(
    workplace: Workplace, good: pd.DataFrame
) -> None:
    """Segments that appear later must not change what was judged before them."""
    table = traffic(24, bad_from=18)
    table.loc[table["ts"] >= table["ts"].iloc[0] + pd.Timedelta(hours=15), "region"] = "west"
    events = events_of(table)
    found = []
    for step in (len(events), 150):
        folder = workplace.folder / str(step)
        folder.mkdir()
        loop = Loop(Workplace(folder), good, reference={"kind": "learned", "windows": 6})
        loop.ledger.commit(Delivery("fit", _first(loop, events), "fit"), 0)  # the same shape for both
        for first in range(0, len(events), step):
            loop.take(events[first : first + step])
            loop.advance()
        found.append(loop.advance())
    assert alike(found[0], found[1])


def _first(loop: Loop, events: list[dict[str, Any]]) -> Batch:
    return Validator({"m": loop.monitor}).batch(events[:300], None, None)


def test_another_reference_file_is_taken_from_then_on(workplace: Workplace, good: pd.DataFrame) -> None:
    loop = Loop(workplace, good)
    loop.take(predictions(5))
    loop.advance()
    changed = Loop(workplace, good.assign(x=good["x"] + 100))
    changed.batches = 100
    changed.take(predictions(5, first=START + 5 * HOUR, seed=8))
    lines = changed.advance(flush=True)
    drift = [
        line["verdict"] for line in lines if line["subject"] == "x" and line["signal"].startswith("drift")
    ]
    whole = drift[::3]  # of all rows; two segments follow
    assert set(whole[:4]) == {"ok"}
    assert set(whole[6:]) == {"breach"}
