"""Probabilities by class: every way to send them gives the same profiles; what is wrong with them is told."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.batch import Batch, Predictions
from collector.delivery import Delivery
from collector.fit import ShapeFitter
from collector.labels.blocks import Block, Recoder
from collector.labels.probabilities import held_probabilities, probabilities_of
from collector.log.drain import drain
from collector.log.encode import encode
from collector.schema import Schema
from collector.sources.files import PredictionFile
from collector.sources.layout import Layout
from collector.sources.mapping import FieldMap, Origin, compiled
from collector.sources.outcome import Output
from collector.store.ledger import Ledger
from collector.store.rows import store_shape
from collector.summarize import Key, summarize
from collector.validation.arrow import arrow_batch
from collector.validation.decode import BadBodyError, event_of_line
from collector.validation.validate import Validator
from profiles import NO_SCORE, Profile, ScoreGrid, Shape
from tests.collector.collecting import HOUR, T0, commit, counted, open_database, same

NAMED = {"ant": "p_ant", "bee": "p_bee", "cat": "p_cat"}
KINDS = Schema.model_validate(
    {
        "model": "k",
        "task": "multiclass",
        "features": {"x": "numeric"},
        "window": "1h",
        "columns": {"label_time": "label_ts", "scores": NAMED},
    }
)
SCHEMAS = {"k": KINDS}
grid = ScoreGrid()
chance = st.none() | st.sampled_from([0.0, 1.0, 0.5, 1e-15]) | st.floats(0, 1)
rows_of_three = st.lists(st.tuples(chance, chance, chance, st.none() | st.sampled_from("abc")), max_size=12)

anything = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=3) | st.floats(0, 1)
odd = (
    anything
    | st.lists(anything, max_size=2)
    | st.dictionaries(st.sampled_from([*NAMED, ""]), anything, max_size=3)
)


def event(number: int, scores: Any = None, **changes: Any) -> dict[str, Any]:
    """Prediction `number`: a minute after the last."""
    made = {"kind": "prediction", "model": "k", "id": str(number), "timestamp": T0 + 60.0 * number}
    return made | {"version": "v1", "features": {"x": 1.0}, "scores": scores} | changes


def label(number: int, name: str, delay: float = 5 * HOUR) -> dict[str, Any]:
    return {"kind": "label", "model": "k", "id": str(number), "label": name} | {
        "timestamp": T0 + 60.0 * number + delay
    }


def drawn(rows: int, seed: int = 1) -> list[dict[str, float]]:
    odds = np.random.default_rng(seed).dirichlet([1.0, 1.0, 1.0], rows).tolist()
    return [dict(zip(NAMED, one, strict=True)) for one in odds]


def shape_of(schema: Schema = KINDS, rows: int = 200) -> Shape:
    """As a reference fits it, in which the classes are predicted by their probabilities."""
    fitter = ShapeFitter(schema)
    events = [event(n, scores) for n, scores in enumerate(drawn(rows, 9))]
    for part in Validator({"k": schema}).batch(events, None, None).predictions["k"]:
        fitter.add(part)
    return fitter.shape()


SHAPE = shape_of()


def profiles(batches: list[Batch], shape: Shape) -> dict[Key, Profile]:
    """What batches come to in a database of their own."""
    database = open_database(None)
    with database.write() as connection:
        store_shape(connection, "k", shape, "test")
    for place, batch in enumerate(batches):
        Ledger(database, SCHEMAS).commit(Delivery("test", batch, str(place)), 0)
    found = counted(database, "k")
    database.close()
    return found


def careful(events: list[dict[str, Any]], _: Path) -> Batch:
    return Validator(SCHEMAS).batch([event_of_line(json.dumps(one).encode()) for one in events], None, None)


def struct_path(events: list[dict[str, Any]], _: Path) -> Batch:
    return Validator(SCHEMAS).lines([json.dumps(one).encode() for one in events], None, None)


def columns(events: list[dict[str, Any]]) -> dict[str, Any]:
    found = {name: pa.array([one.get(name) for one in events]) for name in ("id", "version")}
    found["prediction"] = pa.array([one.get("prediction") for one in events], pa.string())
    moments = [round(one["timestamp"] * 1e6) for one in events]
    return found | {
        "timestamp": pa.array(moments, pa.timestamp("us", "UTC")),
        "x": pa.array([1.0] * len(events)),
    }


def sent(held: dict[str, Any]) -> Batch:
    return arrow_batch(streamed(held), SCHEMAS, "prediction", "k", None)


def streamed(held: dict[str, Any]) -> bytes:
    record = pa.RecordBatch.from_pydict(held)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, record.schema) as writer:
        writer.write_batch(record.slice(1))  # a slice, for its offsets
        writer.write_batch(record.slice(0, 1))
    return bytes(sink.getvalue())


def arrow_struct(events: list[dict[str, Any]], _: Path) -> Batch:
    kind = pa.struct([(name, pa.float64()) for name in NAMED])
    return sent(columns(events) | {"scores": pa.array([one["scores"] for one in events], kind)})


def arrow_map(events: list[dict[str, Any]], _: Path) -> Batch:
    pairs = [None if one["scores"] is None else list(one["scores"].items()) for one in events]
    return sent(columns(events) | {"scores": pa.array(pairs, pa.map_(pa.string(), pa.float64()))})


def parquet(events: list[dict[str, Any]], folder: Path) -> Batch:
    held = columns(events)
    for name, column in NAMED.items():
        held[column] = pa.array([(one["scores"] or {}).get(name) for one in events], pa.float64())
    pq.write_table(pa.table(held), folder / "rows.parquet")
    (batch,) = PredictionFile(folder / "rows.parquet", KINDS).batches()
    return batch


def csv(events: list[dict[str, Any]], folder: Path) -> Batch:
    parquet(events, folder)
    pq.read_table(folder / "rows.parquet").to_pandas().to_csv(folder / "rows.csv", index=False)
    (batch,) = PredictionFile(folder / "rows.csv", KINDS).batches()
    return batch


def lines(events: list[dict[str, Any]], folder: Path) -> Batch:
    """A file of JSON lines that are no events: it has the columns of a table."""
    rows = [
        {name: one.get(name) for name in ("id", "timestamp", "version", "prediction", "scores")}
        for one in events
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row | {"x": 1.0}) + "\n" for row in rows))
    (batch,) = PredictionFile(folder / "rows.jsonl", KINDS).batches()
    return batch


WAYS = (struct_path, arrow_struct, arrow_map, parquet, csv, lines)


def waiting(batch: Batch) -> tuple[dict[Key, Profile], Any]:
    """What predictions come to at once, and what of their probabilities waits for labels."""
    (rows,) = batch.predictions["k"]
    order = np.argsort(rows.times)
    block = Block.of(rows.times[order].astype(np.uint64), held_probabilities(rows, order, SHAPE))
    found = probabilities_of(block, np.arange(len(rows)), SHAPE)
    return summarize(rows, KINDS, SHAPE), found and (found.bins.tolist(), found.likeliest.tolist())


def summed(batch: Batch) -> dict[Key, Profile]:
    sums: dict[Key, Profile] = defaultdict(Profile)
    for rows in batch.predictions["k"]:
        for key, profile in summarize(rows, KINDS, SHAPE).items():
            sums[key] += profile
    return sums


@settings(max_examples=30, deadline=None)
@given(rows_of_three)
def test_every_way_to_send_them_gives_the_same_profiles(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("ways")
    events = [event(0, drawn(1)[0])]
    for number, (*scores, prediction) in enumerate(rows, 1):
        given = None if scores == [None] * 3 else dict(zip(NAMED, scores, strict=True))
        events.append(event(number, given, prediction=prediction or ("cat" if given is None else None)))
    first = careful(events, folder)
    assert sum(
        one.parts["class_scores"].count for one in summed(first).values() if "class_scores" in one.parts
    )
    for way in WAYS:
        batch = way(events, folder)
        assert not batch.rejections
        assert same(summed(batch), summed(first)), way.__name__
        if len(batch.predictions["k"]) == 1:
            assert waiting(batch)[1] == waiting(first)[1], way.__name__


def test_every_way_to_send_them_joins_the_same_labels(tmp_path: Path) -> None:
    events = [event(n, scores) for n, scores in enumerate(drawn(40))] + [event(40, prediction="bee")]
    labels = Validator(SCHEMAS).batch([label(n, "abc"[n % 3]) for n in range(41)], None, None)
    want = profiles([careful(events, tmp_path), labels], SHAPE)
    assert sum(one.parts["performance"].ranks.total for key, one in want.items() if key.known) == 40
    for way in WAYS:
        assert same(profiles([labels, way(events, tmp_path)], SHAPE), want), way.__name__


def test_the_log_gives_the_same_profiles_as_what_was_logged() -> None:
    events = [event(n, scores) for n, scores in enumerate(drawn(50))] + [event(50, prediction="ant")]
    (rows,) = Validator(SCHEMAS).batch(events, None, None).predictions["k"]
    body, count = encode(rows, KINDS)
    assert count == 51
    with pa.ipc.open_stream(body) as stream:
        logged = stream.read_all()
    assert logged.column("scores").to_pylist()[50] is None
    again = arrow_batch(body, SCHEMAS, "prediction", "k", None)
    first = Validator(SCHEMAS).batch(events, None, None)
    assert same(profiles([again], SHAPE), profiles([first], SHAPE))


@pytest.mark.parametrize("order", ["before", "after"])
def test_labels_find_the_probabilities_of_their_predictions(order: str) -> None:
    scores = drawn(90)
    rng = np.random.default_rng(2)
    truth = [list(NAMED)[place] for place in rng.integers(0, 3, 90)]
    made = Validator(SCHEMAS).batch([event(n, one) for n, one in enumerate(scores)], None, None)
    labels = Validator(SCHEMAS).batch([label(n, name) for n, name in enumerate(truth)], None, None)
    found = profiles([labels, made] if order == "before" else [made, labels], SHAPE)
    whole = sum((one for key, one in found.items() if key.known), Profile())
    outcomes = whole.parts["performance"]
    for code, name in enumerate(NAMED):
        bins, positives, negatives = outcomes.scores_of_class(code)
        want = np.unique(grid.index(np.array([one[name] for one in scores])))
        assert bins.tolist() == want.tolist()
        assert (positives.sum(), negatives.sum()) == (truth.count(name), 90 - truth.count(name))
    places = [
        sorted(one, key=lambda name: -one[name]).index(name) + 1
        for one, name in zip(scores, truth, strict=True)
    ]
    assert outcomes.ranks.at(np.arange(4)).tolist() == [0, *(places.count(rank) for rank in (1, 2, 3))]
    assert outcomes.correct == places.count(1)  # what is left out is the most likely class
    assert outcomes.by_confidence()[1].sum() == places.count(1)


def test_with_and_without_probabilities_wait_side_by_side() -> None:
    """Blocks of both kinds become one: what has no probabilities has none afterwards."""
    shape, schema = SHAPE, KINDS
    batch = Validator({"k": schema}).batch([event(n, one) for n, one in enumerate(drawn(4))], None, None)
    (rows,) = batch.predictions["k"]
    scored = Block.of(np.arange(4, dtype=np.uint64), held_probabilities(rows, np.arange(4), shape))
    plain = Block.of(np.arange(4, 6, dtype=np.uint64), {})
    for parts in ([scored, plain], [plain, scored]):
        whole = Recoder([part.header() for part in parts]).whole(parts)
        found, alone = (probabilities_of(block, np.arange(4), shape) for block in (whole, scored))
        assert found is not None
        assert alone is not None
        assert np.array_equal(found.bins, alone.bins)
        assert np.array_equal(found.likeliest, alone.likeliest)
        assert probabilities_of(whole, np.arange(4, 6), shape) is None
    assert probabilities_of(plain, np.arange(2), shape) is None


def test_a_row_waits_in_two_bytes_a_class_and_one_a_place() -> None:
    (rows,) = (
        Validator(SCHEMAS)
        .batch([event(n, one) for n, one in enumerate(drawn(9))], None, None)
        .predictions["k"]
    )
    block = Block.of(np.arange(9, dtype=np.uint64), held_probabilities(rows, np.arange(9), SHAPE))
    assert len(block.to_bytes()) == 9 * (2 * 3 + 3)


@pytest.mark.parametrize(
    ("scores", "field", "reason"),
    [
        ({"ant": 1.5}, "scores.ant", "1.5 is outside 0 to 1"),
        ({"ant": 0.5, "bee": -0.1}, "scores.bee", "-0.1 is outside 0 to 1"),
        ({"ant": "0.5"}, "scores.ant", "expected a number, got a string"),
        ({"ant": True}, "scores.ant", "expected a number, got a boolean"),
        ({"ant": {"p": 0.5}}, "scores.ant", "expected a number, got an object"),
        ([0.5, 0.5], "scores", "expected an object, got an array"),
        (0.5, "scores", "expected an object, got a number"),
        ({"x" * 1001: 0.5}, "scores", "the text has 1001 characters"),
        ({f"class {n}": 0.0 for n in range(1001)}, "scores", "it has 1001 classes"),
    ],
)
@pytest.mark.parametrize("way", [careful, struct_path])
def test_a_bad_row_is_told_by_its_field_and_the_others_go_on(
    way: Callable[..., Batch], scores: Any, field: str, reason: str, tmp_path: Path
) -> None:
    batch = way([event(0, {"ant": 0.5}), event(1, scores), event(2, {"bee": 0.5})], tmp_path)
    (told,) = batch.rejections
    assert (told.row, told.field, told.reason) == (1, field, reason)
    assert told.fix
    assert len(batch.predictions["k"][0]) == 2


@settings(max_examples=100, deadline=None)
@given(st.lists(odd, min_size=1, max_size=6))
def test_lines_are_validated_as_their_decoded_events_are(values: list[Any]) -> None:
    events = [event(n, scores, prediction="ant") for n, scores in enumerate(values)]
    fast, slow = struct_path(events, Path()), careful(events, Path())
    told = [[(r.row, r.field, r.value, r.reason, r.fix) for r in one.rejections] for one in (fast, slow)]
    assert told[0] == told[1]
    assert same(summed(fast), summed(slow))


def test_a_bad_probability_in_a_file_is_told_by_its_class(tmp_path: Path) -> None:
    batch = parquet([event(0, {"ant": 0.5}), event(1, {"ant": 7.0, "cat": 0.1})], tmp_path)
    assert [(one.row, one.field) for one in batch.rejections] == [(1, "scores.ant")]


@pytest.mark.parametrize("way", [careful, struct_path])
def test_a_row_must_say_something(way: Callable[..., Batch], tmp_path: Path) -> None:
    nothing: list[Any] = [None, {}, {"ant": None}]
    batch = way([event(n, one) for n, one in enumerate(nothing)], tmp_path)
    assert [(one.field, one.fix) for one in batch.rejections] == [
        ("prediction", "send the prediction, or scores; or the status of a request that failed")
    ] * 3


def test_other_tasks_have_no_probabilities_by_class() -> None:
    with pytest.raises(ValueError, match="only task: multiclass has a probability for each class"):
        Schema.model_validate(
            {
                "model": "b",
                "task": "binary",
                "features": {"x": "numeric"},
                "columns": {"scores": {"a": "p_a"}},
            }
        )
    with pytest.raises(ValueError, match="write scores:"):
        Schema.model_validate(KINDS.model_dump() | {"columns": {"scores": ["p_a"]}})
    whole = Schema.model_validate(KINDS.model_dump() | {"columns": {"scores": {0: "p_0", True: "p_1"}}})
    assert whole.columns.scores == {"0": "p_0", "true": "p_1"}


def test_of_many_classes_the_frequent_ones_are_counted() -> None:
    names = [f"c{n:02}" for n in range(60)]
    odds = dict.fromkeys(names, 1 / 60)
    events = [event(n, odds, prediction=names[n % 55]) for n in range(110)]
    (rows,) = Validator(SCHEMAS).batch(events, None, None).predictions["k"]
    fitter = ShapeFitter(KINDS)
    fitter.add(rows)
    shape = fitter.shape()
    held: Any = shape.spaces["class_scores"]
    assert [held.classes.values[code] for code in held.codes] == names[:50]
    assert set(names) == set(held.classes.values)  # a class that is never predicted is one, too
    assert shape == Shape.from_json(shape.to_json())


def test_without_probabilities_in_the_reference_they_are_passed_over() -> None:
    fitter = ShapeFitter(KINDS)
    plain = Validator(SCHEMAS).batch([event(n, prediction="ant") for n in range(9)], None, None)
    fitter.add(plain.predictions["k"][0])
    shape = fitter.shape()
    assert "class_scores" not in shape.spaces
    made = Validator(SCHEMAS).batch([event(n, one) for n, one in enumerate(drawn(9))], None, None)
    labels = Validator(SCHEMAS).batch([label(n, "ant") for n in range(9)], None, None)
    found = profiles([made, labels], shape)
    whole = sum((one for key, one in found.items() if key.known), Profile())
    assert (whole.parts["performance"].count, whole.parts["performance"].ranks.total) == (9, 0)


def test_no_score_falls_on_the_bin_that_stands_for_none() -> None:
    scores = np.concatenate([np.linspace(0, 1, 10_001), [0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1)]])
    assert not np.isin(grid.index(scores), (0, NO_SCORE)).any()


def test_rows_that_disagree_on_their_classes_are_bounded() -> None:
    events = [event(n, {f"c{n}-{place}": 0.5 for place in range(900)}) for n in range(3)]
    (rows,) = Validator(SCHEMAS).batch(events, None, None).predictions["k"]
    assert isinstance(rows, Predictions)
    assert len(rows.scores or {}) == 1000


def test_a_corrected_label_takes_its_probabilities_along() -> None:
    made = Validator(SCHEMAS).batch([event(n, one) for n, one in enumerate(drawn(30))], None, None)
    wrong, right = (
        Validator(SCHEMAS).batch([label(n, name, delay * HOUR) for n in range(30)], None, None)
        for name, delay in (("ant", 5), ("bee", 9))
    )

    def known(*batches: Batch) -> Profile:
        found = profiles([*batches], SHAPE)
        return sum((one for key, one in found.items() if key.known), Profile())

    want = known(made, right)
    assert want.parts["performance"].ranks.total == 30
    for batches in ((made, wrong, right), (wrong, made, right), (wrong, right, made)):
        assert known(*batches).same_counts(want)


def test_the_probabilities_of_a_response_are_those_of_the_event() -> None:
    layout = Layout(outputs=(Output(classes=("ant", "bee")),))
    request, response = {"instances": [{"x": 1.0}] * 2}, {"predictions": [[0.25, 0.75], [-1.0, 3.0]]}
    base = {"id": "r", "model": "k", "kind": "prediction", "timestamp": T0}
    first, second = layout.events(KINDS, request, response, base)
    assert (first["prediction"], first["scores"]) == ("bee", {"ant": 0.25, "bee": 0.75})
    assert (second["prediction"], second["scores"]) == ("bee", None)  # those are no probabilities
    batch = Validator(SCHEMAS).batch([first, second], None, None)
    assert not batch.rejections


def test_the_logs_files_are_read_as_what_was_logged(tmp_path: Path) -> None:
    database = open_database(None)
    ledger = Ledger(database, SCHEMAS)
    events = [event(n, scores) for n, scores in enumerate(drawn(40))] + [event(40, prediction="bee")]
    for place in range(0, 41, 10):
        commit(ledger, events[place : place + 10], str(place), int((T0 + 5000) * 1e6))
    drain(database, tmp_path, everything=True)
    database.close()
    (path,) = tmp_path.rglob("*.parquet")
    batches = list(PredictionFile(path, KINDS).batches())
    assert same(profiles(batches, SHAPE), profiles([careful(events, tmp_path)], SHAPE))


KINDS_OF_SCORES = (pa.struct([(name, pa.float64()) for name in NAMED]), pa.map_(pa.string(), pa.float64()))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(KINDS_OF_SCORES),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=2),
)
def test_no_bytes_whatever_break_the_reading_of_probabilities(
    kind: Any, changes: list[tuple[int, int]]
) -> None:
    events = [event(n, scores) for n, scores in enumerate(drawn(9))]
    whole = bytearray(
        streamed(columns(events) | {"scores": pa.array([one["scores"] for one in events], kind)})
    )
    for at, byte in changes:
        whole[at % len(whole)] = byte
    try:
        batch = arrow_batch(bytes(whole), SCHEMAS, "prediction", "k", None)
    except BadBodyError:
        return
    assert batch.total <= 9


def test_a_name_within_a_struct_that_is_no_text_is_told() -> None:
    body = streamed(columns([event(0), event(1)]) | {"scores": pa.array([{"antbee": 0.5}] * 2)})
    with pytest.raises(BadBodyError, match="utf-8"):
        arrow_batch(body.replace(b"antbee", b"ant\xffee"), SCHEMAS, "prediction", "k", None)


@pytest.mark.parametrize("scores", ["out.p", {"ant": "out.p.ant", "bee": 'out.p["bee"]'}])
def test_a_message_in_a_layout_of_its_own_brings_probabilities(scores: Any) -> None:
    fields = FieldMap.model_validate({"id": "key", "timestamp": "at", "features": "in", "scores": scores})
    made = compiled(fields, {"kind": "prediction", "model": "k"}, "s")(
        {"key": "7", "at": T0, "in": {"x": 1.0}, "out": {"p": {"ant": 0.25, "bee": 0.75}}},
        Origin("topic/0@0", 0, None, []),
    )
    (rows,) = Validator(SCHEMAS).batch([made], None, None).predictions["k"]
    assert {name: column.tolist() for name, column in (rows.scores or {}).items()} == {
        "ant": [0.25],
        "bee": [0.75],
    }
