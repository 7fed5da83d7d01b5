"""The blocks of the label join: merging keeps every row, retention drops the old, others' rows are seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.batch import Coded
from collector.labels import side as module
from collector.labels.blocks import Block, Recoder
from collector.labels.filter import Filter
from collector.labels.halves import PREDICTIONS, Halves
from collector.labels.side import FAN, Side
from collector.store import tables
from collector.store.database import Database
from tests.collector.collecting import open_database

ONE, OTHER = 0x9E3779B9 << 32, 0x2545F491 << 32
KINDS = {"prediction": "<f8"}


def block(ids: list[int], word: str = "g") -> Block:
    """A block whose columns follow from its ids."""
    held = np.array(sorted(ids), np.uint64)
    group = Coded((held % 3).astype(np.int64) - 1, (word, "other"))
    return Block.of(held, {"prediction": held.astype(np.float64) / 2, "group": group})


def groups(one: Block) -> dict[int, str | None]:
    """The group of each id by name."""
    column = one.column("group")
    names = (*column.names, None)
    return {int(i): names[code] for i, code in zip(one.ids, column.codes, strict=True)}


@pytest.fixture
def empty() -> Iterator[Database]:
    """An empty database in memory."""
    database = open_database(None)
    yield database
    database.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, (1 << 64) - 1), max_size=40), max_size=60))
def test_every_row_is_found_whatever_was_merged(
    monkeypatch: pytest.MonkeyPatch, batches: list[set[int]]
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    monkeypatch.setattr(module, "SMALL", 8)
    monkeypatch.setattr(module, "AT_ONCE", 5)
    monkeypatch.setattr(module, "MERGED_AT_ONCE", 64)
    database, side, seen = open_database(None), Side("m", "predictions"), set[int]()
    with database.write() as connection:
        for number, batch in enumerate(batches):
            fresh = sorted(batch - seen)
            seen |= batch
            side.add(connection, block(fresh, word=f"w{number % 5}"), number, number, 0)
        for reader in (side, Side("m", "predictions")):
            reader.refresh(connection)
            every = np.array(sorted(seen), np.uint64)
            found: dict[int, str | None] = {}
            for one, places in reader.find(connection, every):
                assert (one.ids == every[places]).all()
                assert (one.column("prediction") == one.ids / 2).all()
                found |= groups(one)
            assert found.keys() == seen
            assert all((found[one] is None) is (one % 3 == 0) for one in seen)
            assert all(found[one] == "other" for one in seen if one % 3 == 2)
            ids = [int(i) for item in reader.stored for part in reader.ids(connection, item) for i in part]
            assert sorted(ids) == sorted(seen)
        tiers = [item.tier for item in side.stored]
        assert max(map(tiers.count, tiers), default=0) < FAN
    database.close()


def test_a_row_is_rewritten_a_logarithmic_number_of_times(empty: Database) -> None:
    written = 0
    draw = np.random.default_rng(0)
    side = Side("m", "predictions")
    with empty.write() as connection:
        for number in range(100):
            ids = np.unique(draw.integers(0, 1 << 64, 20_000, dtype=np.uint64))
            before = {item.key for item in side.stored}
            side.add(connection, Block.of(ids, {"prediction": ids / 2}), number, number, 0)
            written += sum(item.rows for item in side.stored if item.key not in before)
    assert sum(item.rows for item in side.stored) == 2_000_000
    assert written <= 4 * 2_000_000
    assert len(side.stored) <= 3 * FAN


def test_what_is_wholly_too_old_is_dropped_with_its_rows(empty: Database) -> None:
    side = Side("m", "predictions")
    with empty.write() as connection:
        for number, newest in enumerate((10, 20, 100)):
            ids = np.arange(number * 9000, (number + 1) * 9000, dtype=np.uint64)
            side.add(
                connection, Block.of(ids, {"prediction": ids / 2}), newest, number, 15 if newest == 100 else 0
            )
        held = [
            int(i)
            for one, _ in side.find(connection, np.arange(0, 27_000, 9000, dtype=np.uint64))
            for i in one.ids
        ]
        assert sorted(held) == [9000, 18_000]
        stored = connection.execute(sa.select(sa.func.count()).select_from(tables.chunks)).scalar_one()
    assert stored == sum(item.firsts.size for item in side.stored) == 2 * -(-9000 // module.CHUNK)


def test_putting_together_keeps_the_first_of_equal_ids() -> None:
    parts = [block([5, 1], word="a"), block([5, 7], word="b")]
    whole = Recoder([part.header() for part in parts]).whole(parts)
    assert whole.ids.tolist() == [1, 5, 7]
    assert groups(whole) == {1: "a", 5: "other", 7: "a"} | {7: "b"}


@given(st.sets(st.integers(0, 1 << 62), max_size=50))
def test_bytes_come_back_to_the_bit(ids: set[int]) -> None:
    one = block(list(ids))
    again = Block.from_bytes(one.ids, one.to_bytes(), one.header())
    assert again.names == one.names
    assert again.columns.keys() == one.columns.keys()
    for name, column in one.columns.items():
        assert again.columns[name].dtype == column.dtype
        assert (again.columns[name] == column).all()


def test_codes_widen_as_names_come() -> None:
    ids = np.arange(300, dtype=np.uint64)
    many = Block.of(ids, {"group": Coded(np.arange(300), tuple(f"n{n}" for n in range(300)))})
    few = Block.of(ids[:0] + 1, {"group": Coded(np.zeros(0, np.int64), ("n299",))})
    assert (many.columns["group"].dtype, few.columns["group"].dtype) == (np.uint16, np.uint8)
    again = Recoder([few.header(), many.header()]).whole([few, many])
    assert groups(again) == groups(many)


@given(st.sets(st.integers(0, (1 << 64) - 1), max_size=300), st.integers(0, (1 << 64) - 1))
@settings(max_examples=50, deadline=None)
def test_the_filter_never_misses(ids: set[int], salt: int) -> None:
    held = np.array(sorted(ids), np.uint64)
    small = Filter(bits=14)
    small.add(held, salt)
    assert small.maybe(held, salt).all()


def test_the_filter_is_seldom_wrong_and_keeps_salts_apart() -> None:
    draw = np.random.default_rng(0)
    filled = Filter(bits=24)
    held = np.sort(draw.integers(0, 1 << 64, 600_000, dtype=np.uint64))
    filled.add(held, ONE)
    assert filled.maybe(np.sort(draw.integers(0, 1 << 64, 100_000, dtype=np.uint64)), ONE).mean() < 0.003
    assert filled.maybe(held, OTHER).mean() < 0.003


def test_a_worker_sees_what_another_has_committed(tmp_path: Path) -> None:
    database = open_database(tmp_path / "m.db")
    workers = [Halves("m", Filter(bits=16), KINDS) for _ in range(2)]
    revision = 0
    for turn in range(40):
        worker = workers[turn % 2]
        with database.write() as connection:
            worker.refresh(connection, revision)
            ids = np.arange(turn * 1000, (turn + 2) * 1000, dtype=np.uint64)  # half of them are new
            fresh = worker.fresh(connection, PREDICTIONS, ids)
            assert fresh.size == (2000 if turn == 0 else 1000)
            revision += 1
            new = Block.of(ids[fresh], {"prediction": ids[fresh] / 2})
            worker.add(connection, PREDICTIONS, new, turn, revision, 0)
    assert [worker.rows(PREDICTIONS) for worker in workers][1] == 41_000
    database.close()


def test_equal_ids_in_one_batch_count_once(empty: Database) -> None:
    halves = Halves("m", Filter(bits=16), KINDS)
    with empty.write() as connection:
        halves.refresh(connection, 0)
        ids = np.array([9, 3, 9, 1, 3], np.uint64)
        order = halves.fresh(connection, PREDICTIONS, ids)
    assert order.tolist() == [3, 1, 0]


def of_task(kind: Any) -> Block:
    """A block of another task."""
    ids = np.array([1], np.uint64)
    return Block.of(ids, {"prediction": kind})


def test_what_another_task_held_is_dropped(empty: Database) -> None:
    first = Halves("m", Filter(bits=16), {"prediction": ""})
    named = Coded(np.zeros(1, np.int64), ("cat",))
    with empty.write() as connection:
        first.refresh(connection, 0)
        first.add(connection, PREDICTIONS, of_task(named), 1, 1, 0)
        later = Halves("m", Filter(bits=16), KINDS)
        later.refresh(connection, 1)
        assert later.rows(PREDICTIONS) == 0
        later.add(connection, PREDICTIONS, of_task(np.array([0.5])), 2, 2, 0)
        assert later.rows(PREDICTIONS) == 1


@pytest.mark.parametrize("column", ["ids", "columns"])
@pytest.mark.parametrize("damage", [b"", b"\xff" * 5])
def test_a_damaged_chunk_is_put_aside_and_the_rest_goes_on(
    empty: Database, column: str, damage: bytes
) -> None:
    side = Side("m", "predictions")
    ids = np.arange(20_000, dtype=np.uint64)
    with empty.write() as connection:
        side.add(connection, Block.of(ids, {"prediction": ids / 2}), 1, 1, 0)
        broken = tables.chunks.update().where(tables.chunks.c.place == 1).values(**{column: damage})
        connection.execute(broken)
        found = {int(i) for one, _ in side.find(connection, ids) for i in one.ids}
        assert found == {*range(module.CHUNK), *range(2 * module.CHUNK, 20_000)}
        side.add(connection, Block.of(ids[:9] + 30_000, {"prediction": ids[:9] / 2}), 2, 2, 0)
        assert len(connection.execute(sa.select(tables.quarantine)).all()) == 1
        for _ in range(8):
            ids = ids + 100_000
            side.add(connection, Block.of(ids, {"prediction": ids / 2}), 3, 3, 0)
        assert sum(1 for one, _ in side.find(connection, ids[:3]) for i in one.ids) == 3
