"""The stored sample of each window: the rows of the smallest hashes, however the events came."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.batch import Coded, Predictions
from collector.delivery import Advance, Delivery
from collector.samples import writer
from collector.samples.encode import decode, encode
from collector.samples.rows import row_hashes
from collector.store import samples, tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.ids import hashes
from profiles.sample import BottomK, Sample
from tests.collector.collecting import SCHEMA, T0, commit, open_database, prediction, validated
from tests.databases import KINDS, created

ROWS = 12
COUNT = 150
MONITORED = {"m": SCHEMA.model_copy(update={"sample": SCHEMA.sample.model_copy(update={"rows": ROWS})})}
START = int(T0 * 1e6)
HOUR = 3_600_000_000
SPACE = BottomK(ROWS)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with created(request.param, tmp_path) as made:
        yield made


def stored(database: Database, rows: int = ROWS) -> dict[int, Sample]:
    with database.read() as connection:
        starts = connection.execute(sa.select(tables.samples.c.start).distinct()).scalars().all()
        return samples.read(connection, "m", "production", starts, BottomK(rows))


def pieces(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(tables.samples)).all())


def events(low: int = 0, high: int = COUNT) -> list[dict[str, Any]]:
    return [prediction(n, version=f"v{n % 2}", prediction=n % 2) for n in range(low, high)]


def expected(number: int, window: int) -> list[int]:
    """The hashes that belong to a window, from the ids alone."""
    inside = [str(n) for n in range(number) if n // 36 == window]
    return sorted(hashes(inside).tolist())[:ROWS]


def test_a_window_keeps_the_rows_of_the_smallest_hashes_with_their_values(database: Database) -> None:
    commit(Ledger(database, MONITORED), events(), "all")
    found = stored(database)
    assert sorted(found) == [START + hour * HOUR for hour in range(5)]
    for hour in range(5):
        sample = found[START + hour * HOUR]
        assert sample.hashes.tolist() == expected(COUNT, hour)
        for place, hashed in enumerate(sample.hashes):
            number = next(n for n in range(COUNT) if hashes([str(n)])[0] == hashed)
            event = prediction(number)
            held = {name: column[place] for name, column in sample.columns.items()}
            assert held["features.x"] == event["features"]["x"]
            assert held["features.c"] == event["features"]["c"]
            assert held["features.e"].tolist() == pytest.approx(event["features"]["e"], rel=1e-6)
            assert held["segments.region"] == event["tags"]["region"]
            assert held["version"] == f"v{number % 2}"
            assert held["time"] == event["timestamp"] * 1e6
            assert held["score"] == event["score"]
            assert held["prediction"] == number % 2
            assert "label" not in held


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_split_over_any_workers_gives_the_same_samples(data: st.DataObject) -> None:
    every, count = events(), COUNT
    order = data.draw(st.permutations(range(count)), "order")
    order += data.draw(st.lists(st.sampled_from(range(count)), max_size=20), "repeated")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), max_size=40), "cuts"))
    workers = data.draw(st.integers(1, 3), "workers")
    restarts = data.draw(st.sets(st.sampled_from([0, *cuts]), max_size=4), "restarts")
    folds = data.draw(st.sets(st.sampled_from([0, *cuts]), max_size=4), "folds")
    database = open_database(None)
    ledgers = [Ledger(database, MONITORED) for _ in range(workers)]
    for first, last in itertools.pairwise([0, *cuts, len(order)]):
        if first in restarts:
            ledgers = [Ledger(database, MONITORED) for _ in range(workers)]
        if first in folds:
            samples.fold(database, "m", START + 3 * HOUR, ROWS)
        commit(ledgers[first % workers], [every[place] for place in order[first:last]], str(first))
    found = stored(database)
    whole = open_database(None)
    commit(Ledger(whole, MONITORED), every, "all")
    assert found == stored(whole)
    assert {start: one.hashes.tolist() for start, one in found.items()} == {
        START + hour * HOUR: expected(COUNT, hour) for hour in range(5)
    }
    database.close()
    whole.close()


def test_pieces_are_merged_while_they_come_and_when_the_window_has_closed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PIECES", 5)
    workers = [Ledger(database, MONITORED) for _ in range(2)]
    for place, event in enumerate(events(0, 36)):
        commit(workers[place % 2], [event], str(place))
        assert len(pieces(database)) <= 2 * 5
    before = stored(database)
    assert before[START].hashes.tolist() == expected(36, 0)
    assert samples.fold(database, "m", START, ROWS) == 0, "an open window is left alone"
    assert len({row.shard for row in pieces(database)}) == 2
    assert samples.fold(database, "m", START + 1, ROWS) > 0
    (row,) = pieces(database)
    assert (row.shard, row.piece) == (0, 0)
    assert stored(database) == before
    commit(workers[0], events(36, 40), "next")
    assert samples.fold(database, "m", START + 1, ROWS) == 0
    assert len(stored(database)) == 2


def test_what_a_failed_transaction_wrote_is_written_again(database: Database) -> None:
    ledger = Ledger(database, MONITORED)
    commit(ledger, events(0, 5), "first")

    def fail(_connection: sa.Connection) -> None:
        raise RuntimeError("the disk is full")

    batch = validated(events(5, 36), MONITORED)
    with pytest.raises(RuntimeError, match="disk"):
        ledger.commit(Delivery("test", batch, "second", also=fail), 0)
    assert stored(database)[START].hashes.tolist() == expected(5, 0)
    ledger.commit(Delivery("test", batch, "second"), 0)
    assert stored(database)[START].hashes.tolist() == expected(36, 0)


def test_it_can_be_switched_off(database: Database) -> None:
    off = {"m": SCHEMA.model_copy(update={"sample": SCHEMA.sample.model_copy(update={"rows": 0})})}
    commit(Ledger(database, off), events(), "all")
    assert pieces(database) == []


def test_old_samples_are_deleted_but_for_those_that_are_needed(database: Database) -> None:
    commit(Ledger(database, MONITORED), events(), "all")
    assert samples.delete(database, "m", START + 3 * HOUR, {START + HOUR}) == 2
    assert sorted(stored(database)) == [START + HOUR, START + 3 * HOUR, START + 4 * HOUR]


def test_a_damaged_piece_is_left_out_then_put_aside(database: Database, caplog: Any) -> None:
    ledger = Ledger(database, MONITORED)
    commit(ledger, events(0, 30), "one")
    commit(ledger, events(30, 36), "two")
    first = min(row.piece for row in pieces(database))
    with database.write() as connection:
        connection.execute(tables.samples.update().filter_by(piece=first).values(sample=b"noise" * 9))
    assert 0 < stored(database)[START].count < ROWS
    assert "damaged" in caplog.text
    assert samples.fold(database, "m", START + 1, ROWS) > 0
    with database.read() as connection:
        entry = connection.execute(sa.select(tables.quarantine)).one()
    assert (entry.kind, entry.model, entry.content) == ("sample", "m", b"noise" * 9)
    assert len(pieces(database)) == 1


def anonymous(rows: int) -> Predictions:
    versions = Coded(np.zeros(rows, np.int64), ("v1",))
    return Predictions(None, np.full(rows, START), versions, {"x": np.ones(rows)})


def test_rows_without_ids_are_told_apart_by_their_place_in_their_delivery() -> None:
    batch = validated(events(0, 1), MONITORED)
    one = Delivery("file", batch, "1")
    others = [
        Delivery("file", batch, "2"),
        Delivery("other", batch, "1"),
        Delivery("file", batch, "", (Advance("p", 0, 5),)),
        Delivery("file", batch, "", (Advance("p", 5, 9),)),
        Delivery("file", batch),
    ]
    alone = [row_hashes(anonymous(5), [each], np.zeros(5, np.int64)) for each in (one, *others)]
    assert len({value for part in alone for value in part.tolist()}) == 5 * len(alone)
    together = row_hashes(anonymous(30), [one, *others], np.repeat(np.arange(6), 5))
    assert together.tolist() == np.concatenate(alone).tolist()


@pytest.mark.parametrize("packed", [True, False])
def test_a_sample_survives_its_storage(packed: bool) -> None:
    columns = {
        "x": np.array([1.5, np.nan, -0.0]),
        "word": np.array(["a", None, "naïve 🙂"], object),
        "vector": np.array([[1, 2], [np.nan, np.nan], [3, 4]], np.float32),
    }
    sample = SPACE.summarize(np.array([7, 2**64 - 1, 0], np.uint64), columns)
    assert decode(encode(sample, packed=packed), SPACE) == sample
    assert decode(encode(SPACE.zero(), packed=packed), SPACE) == SPACE.zero()


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_bytes_raise_nothing_but_value_errors(data: st.DataObject) -> None:
    sample = SPACE.summarize(
        np.arange(5, dtype=np.uint64), {"x": np.ones(5), "w": np.array([*"abcde"], object)}
    )
    blob = bytearray(encode(sample, packed=True))
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        decode(bytes(blob[: data.draw(st.integers(0, len(blob)))]), SPACE)
