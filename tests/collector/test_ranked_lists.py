"""Ranked lists: every way to send them gives the same profiles; what is wrong with them is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.batch import Batch
from collector.delivery import Delivery
from collector.fit import ShapeFitter, fits
from collector.log.encode import encode
from collector.schema import Schema
from collector.sources.files import LabelFile, PredictionFile
from collector.sources.layout import Layout
from collector.store.ledger import Ledger
from collector.store.rows import store_shape
from collector.summarize import Key
from collector.validation.arrow import arrow_batch
from collector.validation.decode import event_of_line
from collector.validation.rankings import relevances
from collector.validation.validate import Validator
from profiles import Profile
from profiles.ranking import unpacked
from tests.collector.collecting import HOUR, T0, counted, open_database, same

LISTS = Schema.model_validate(
    {
        "model": "l",
        "task": "ranking",
        "features": {"x": "numeric"},
        "window": "1h",
        "columns": {"label_time": "label_ts"},
    }
)
SCHEMAS = {"l": LISTS}
Events = list[dict[str, Any]]


def event(number: int, prediction: Any = 10, **changes: Any) -> dict[str, Any]:
    made = {"kind": "prediction", "model": "l", "id": str(number), "timestamp": T0 + 60.0 * number}
    return made | {"version": "v1", "features": {"x": 1.0}, "prediction": prediction} | changes


def label(number: int, relevance: Any) -> dict[str, Any]:
    moment = T0 + 60.0 * number + 5 * HOUR
    return {"kind": "label", "model": "l", "id": str(number), "label": relevance, "timestamp": moment}


def items(number: int) -> list[str]:
    return [f"item-{place}" for place in range(3 + number % 9)]


def shape_of() -> Any:
    fitter = ShapeFitter(LISTS)
    (rows,) = Validator(SCHEMAS).batch([event(n, items(n)) for n in range(50)], None, None).predictions["l"]
    fitter.add(rows)
    return fitter.shape()


SHAPE = shape_of()


def profiles(*batches: Batch) -> dict[Key, Profile]:
    """What batches come to in a database of their own."""
    database = open_database(None)
    with database.write() as connection:
        store_shape(connection, "l", SHAPE, "test")
    for place, batch in enumerate(batches):
        Ledger(database, SCHEMAS).commit(Delivery("test", batch, str(place)), 0)
    found = counted(database, "l")
    database.close()
    return found


def careful(events: Events, _: Path) -> Batch:
    return Validator(SCHEMAS).batch([event_of_line(json.dumps(one).encode()) for one in events], None, None)


def struct_path(events: Events, _: Path) -> Batch:
    return Validator(SCHEMAS).lines([json.dumps(one).encode() for one in events], None, None)


def table(events: Events) -> Any:
    columns: dict[str, Any] = {"id": pa.array([one["id"] for one in events])}
    moments = [round(one["timestamp"] * 1e6) for one in events]
    columns["timestamp"] = pa.array(moments, pa.timestamp("us", "UTC"))
    if events[0]["kind"] == "label":
        columns["label"] = pa.array([one["label"] for one in events])
    else:
        columns |= {"version": pa.array(["v1"] * len(events)), "x": pa.array([1.0] * len(events))}
        columns["prediction"] = pa.array([one["prediction"] for one in events])
    return pa.RecordBatch.from_pydict(columns)


def arrow(events: Events, _: Path) -> Batch:
    record, sink = table(events), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, record.schema) as writer:
        writer.write_batch(record.slice(2))  # a slice, for its offsets
        writer.write_batch(record.slice(0, 2))
    return arrow_batch(bytes(sink.getvalue()), SCHEMAS, events[0]["kind"], "l", None)


def parquet(events: Events, folder: Path) -> Batch:
    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_batches([table(events)]), path)
    kind = LabelFile if events[0]["kind"] == "label" else PredictionFile
    (batch,) = kind(path, LISTS).batches()
    return batch


WAYS: list[Callable[[Events, Path], Batch]] = [struct_path, arrow, parquet]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("truth", ["relevances", "graded", "places"])
def test_every_way_to_send_them_gives_the_same_profiles(
    way: Callable[[Events, Path], Batch], truth: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    shown = [event(n, items(n)) for n in range(60)]
    grades = [rng.integers(0, 4, 12).tolist() for _ in range(60)]
    if truth == "graded":
        grades = [[one / 3 for one in row] for row in grades]
    told = [label(n, int(rng.integers(0, 40)) if truth == "places" else grades[n]) for n in range(60)]
    want = profiles(careful(shown, tmp_path), careful(told, tmp_path))
    found = profiles(way(told, tmp_path), way(shown, tmp_path))
    assert same(found, want)
    whole = sum(want.values(), Profile())
    assert whole.parts["performance"].count == 60
    assert whole.parts["prediction"].count == 60


def test_labels_beside_their_predictions_in_a_file_count_as_those_that_come_later(tmp_path: Path) -> None:
    shown, told = [event(n, items(n)) for n in range(20)], [label(n, [0, 1, n % 3]) for n in range(20)]
    beside = table(shown).append_column("label", pa.array([one["label"] for one in told]))
    moments = [round(one["timestamp"] * 1e6) for one in told]
    beside = beside.append_column("label_ts", pa.array(moments, pa.timestamp("us", "UTC")))
    pq.write_table(pa.Table.from_batches([beside]), tmp_path / "both.parquet")
    (batch,) = PredictionFile(tmp_path / "both.parquet", LISTS).batches()
    want = profiles(careful(shown, tmp_path), careful(told, tmp_path))
    assert same(profiles(batch), want)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9))
def test_a_place_says_what_a_list_with_one_relevant_item_says(places: list[int]) -> None:
    whole = [[0.0] * (place - 1) + [float(place > 0)] for place in places]
    for given_as in (places, pa.array(places), list(map(float, places)), [*places, [1]]):
        labels, faults = relevances(given_as)
        assert not faults
        assert labels[: len(places)].tolist() == relevances(whole)[0].tolist()


def test_what_a_label_says() -> None:
    labels, _ = relevances([[0, 0, 2, 1], 1, 0, None, [0] * 11 + [1]])
    assert np.isnan(labels[3])
    of_5, of_10, first, hits = unpacked(labels[[0, 1, 2, 4]])
    reached, ideal = 2 / np.log2(4) + 1 / np.log2(5), 2 + 1 / np.log2(3)
    assert of_10.tolist() == [round(65535 * reached / ideal), 65535, 0, 0]
    assert of_5.tolist() == of_10.tolist()
    assert (first.tolist(), hits.tolist()) == ([3, 1, 0, 12], [2, 1, 0, 0])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ([0, -1], "the relevance -1 is outside 0 to 1e+300"),
        ([0, 10**400], "outside 0 to 1e+300"),
        ([0, "1"], "a relevance is a string, not a number"),
        ([0, True], "a relevance is a boolean, not a number"),
        ([0, None], "a relevance is null, not a number"),
        ([], "the list has 0 items"),
        ([0] * 1001, "the list has 1001 items"),
        (-1, "-1 is no whole number from 0 to 1000"),
        (2.5, "2.5 is no whole number from 0 to 1000"),
        (1001, "1001 is no whole number from 0 to 1000"),
        ("first", "expected a list of relevances, or a place, got a string"),
        (True, "expected a list of relevances, or a place, got a boolean"),
        ({"a": 1}, "expected a list of relevances, or a place, got an object"),
    ],
)
@pytest.mark.parametrize("way", [careful, struct_path])
@pytest.mark.parametrize("others", [3, [0, 1]])
def test_a_bad_label_is_told_and_the_others_go_on(
    way: Callable[..., Batch], bad: Any, reason: str, others: Any, tmp_path: Path
) -> None:
    batch = way([label(0, others), label(1, bad), label(2, others)], tmp_path)
    (told,) = batch.rejections
    assert (told.row, told.field) == (1, "label")
    assert reason in told.reason
    assert told.fix
    assert len(batch.labels["l"][0]) == 2


@pytest.mark.parametrize("bad", ["ten", -1, 2.5, True, {"a": 1}, 10**10])
@pytest.mark.parametrize("way", [careful, struct_path])
def test_a_bad_prediction_is_told_and_the_others_go_on(
    way: Callable[..., Batch], bad: Any, tmp_path: Path
) -> None:
    batch = way([event(0, ["a", 2]), event(1, bad), event(2, 7)], tmp_path)
    (told,) = batch.rejections
    assert (told.row, told.field) == (1, "prediction")
    (rows,) = batch.predictions["l"]
    assert np.asarray(rows.prediction).tolist() == [2.0, 7.0]


def test_a_bad_list_of_a_column_is_told(tmp_path: Path) -> None:
    batch = parquet([label(0, [1.0]), label(1, [None, 1.0]), label(2, [-1.0]), label(3, [])], tmp_path)
    assert [(one.row, one.field) for one in batch.rejections] == [(1, "label"), (2, "label"), (3, "label")]
    assert len(batch.labels["l"][0]) == 1


def test_the_log_keeps_how_many_were_shown() -> None:
    (rows,) = Validator(SCHEMAS).batch([event(n, items(n)) for n in range(5)], None, None).predictions["l"]
    body, _ = encode(rows, LISTS)
    with pa.ipc.open_stream(body) as stream:
        assert stream.read_all().column("prediction").to_pylist() == [3.0, 4.0, 5.0, 6.0, 7.0]


def test_the_shape_is_that_of_its_monitor() -> None:
    assert fits(SHAPE, LISTS)
    assert not fits(SHAPE, LISTS.model_copy(update={"task": "regression"}))


def test_the_list_of_a_response_is_the_prediction() -> None:
    request, response = {"instances": [{"x": 1.0}] * 2}, {"predictions": [["a", "b"], ["c", "d"]]}
    base = {"id": "r", "model": "l", "kind": "prediction", "timestamp": T0}
    events = Layout().events(LISTS, request, response, base)
    assert [one["prediction"] for one in events] == [["a", "b"], ["c", "d"]]


def test_places_in_csv_and_lists_in_json_lines(tmp_path: Path) -> None:
    shown, told = [event(n, 3 + n) for n in range(9)], [label(n, n) for n in range(9)]
    want = profiles(careful(shown, tmp_path), careful(told, tmp_path))
    for name, rows in (("shown", shown), ("told", told)):
        table(rows).to_pandas().to_csv(tmp_path / f"{name}.csv", index=False)
    (made,) = PredictionFile(tmp_path / "shown.csv", LISTS).batches()
    (truth,) = LabelFile(tmp_path / "told.csv", LISTS).batches()
    assert same(profiles(made, truth), want)
    relevances = [[0.0] * (n - 1) + [float(n > 0)] for n in range(9)]
    rows = [{"id": str(n), "timestamp": told[n]["timestamp"], "label": relevances[n]} for n in range(9)]
    (tmp_path / "told.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (truth,) = LabelFile(tmp_path / "told.jsonl", LISTS).batches()
    assert same(profiles(made, truth), want)
