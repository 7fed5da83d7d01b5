"""Positions: a delivery commits with the move that it makes, once, whoever else tries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector.batch import Batch
from collector.delivery import Advance, Delivery, FencedError
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.positions import positions
from collector.validation.validate import Validator
from tests.collector.collecting import SCHEMAS, book, fix_shape, prediction, validated
from tests.databases import KINDS, created


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with created(request.param, tmp_path) as made:
        fix_shape(made)
        yield made


def moved(numbers: range, expected: int | None, following: int, partition: str = "t/0") -> Delivery:
    batch = validated([prediction(number) for number in numbers])
    return Delivery("kafka:k", batch, advances=(Advance(partition, expected, following),))


def test_a_position_moves_with_what_it_stands_for(either: Database) -> None:
    ledger = Ledger(either, SCHEMAS)
    ledger.commit(moved(range(10), None, 10), 0)
    ledger.commit(moved(range(10, 15), 10, 15), 0)
    ledger.commit(moved(range(15, 18), None, 3, "t/1"), 0)
    assert positions(either, "kafka:k") == {"t/0": 15, "t/1": 3}
    assert positions(either, "kafka:other") == {}
    assert book(either) == (18, 18, 0, 0)


@pytest.mark.parametrize("expected", [None, 9, 11])
def test_a_worker_behind_the_times_changes_nothing(either: Database, expected: int | None) -> None:
    Ledger(either, SCHEMAS).commit(moved(range(10), None, 10), 0)
    with pytest.raises(FencedError, match=f"no longer at {expected}"):
        Ledger(either, SCHEMAS).commit(moved(range(50, 60), expected, 20), 0)
    assert positions(either, "kafka:k") == {"t/0": 10}
    assert book(either) == (10, 10, 0, 0)


def test_rejected_rows_say_which_message_they_came_in(either: Database) -> None:
    events = [prediction(1), prediction(2, id=None), prediction(3), prediction(4, timestamp="?")]
    batch = Validator(SCHEMAS).batch(events, None, None)
    Ledger(either, SCHEMAS).commit(Delivery("kafka:k", batch, origins=["t/0@7", "t/2@1"]), 0)
    with either.read() as connection:
        rows = connection.execute(sa.select(tables.rejected).order_by(tables.rejected.c.id)).all()
    assert [(row.key, row.field) for row in rows] == [("t/0@7", "id"), ("t/2@1", "timestamp")]
    with pytest.raises(ValueError, match="zip"):  # none may get lost
        Ledger(either, SCHEMAS).commit(Delivery("kafka:k", batch, origins=["t/0@7"]), 0)


def test_a_position_may_move_with_nothing_else(either: Database) -> None:
    Ledger(either, SCHEMAS).commit(Delivery("kafka:k", Batch({}), advances=(Advance("t/0", None, 500),)), 0)
    assert positions(either, "kafka:k") == {"t/0": 500}
