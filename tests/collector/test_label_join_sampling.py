"""The label join within its budget: which ids it holds is known from their hashes alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.batch import Batch, Coded, Labels, Predictions
from collector.delivery import Delivery
from collector.labels import side
from collector.schema import Schema
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.read import Reader
from collector.validation.ids import hashes
from profiles import Profile
from tests.collector.collecting import SCHEMA, T0, balanced, counted, open_database
from tests.databases import KINDS, created

START, HOUR = int(T0 * 1e6), 3_600_000_000
MOST, DAYS = 100_000, 100  # rows, and days of the horizon
ROOM = MOST * 3 // 4 // 2  # for predictions
SHARE = ROOM // 2 // (24 * DAYS + 1)
FIRST = SHARE + ROOM // 2 // 8  # of a window when there is no other


def schema(days: int = DAYS) -> Schema:
    """A model with little room."""
    said = {
        "model": "s",
        "task": "binary",
        "features": {"x": "numeric"},
        "window": "1h",
        "sample": {"rows": 0},
    }
    return Schema.model_validate({**said, "label_horizon": f"{days}d", "labels": {"most": MOST}})


def truth(ids: Any) -> Any:
    """A label for each id."""
    return (ids % np.uint64(5) < 2).astype(np.float64)


def predictions(ids: Any, hour: int) -> Delivery:
    """Predictions of an hour."""
    times = START + hour * HOUR + np.arange(ids.size, dtype=np.int64)
    score = (ids % np.uint64(101)).astype(np.float64) / 101
    version = Coded(np.zeros(ids.size, np.int64), ("v1",))
    rows = Predictions(ids, times, version, {"x": score}, np.rint(score), score)
    return Delivery("test", Batch({"s": ids.size}, {"s": [rows]}))


def labels(ids: Any, hour: int) -> Delivery:
    """The labels of some ids, known in an hour."""
    rows = Labels(ids, np.full(ids.size, START + hour * HOUR), truth(ids))
    return Delivery("test", Batch({"s": ids.size}, labels={"s": [rows]}))


def drawn(seed: int, count: int) -> Any:
    """Hashes of ids."""
    return np.random.default_rng(seed).integers(0, 1 << 64, count, dtype=np.uint64)


def levels(database: Database) -> dict[int, int]:
    """The level of each hour."""
    with database.read() as connection:
        rows = connection.execute(sa.select(tables.label_samples)).all()
    return {(row.start - START) // HOUR: row.level for row in rows}


def level_of(ids: Any) -> int:
    """The least level at which ids fit: the rule, written down in another way."""
    level = 0
    while (ids < np.uint64(1 << (64 - level)) if level else ids == ids).sum() > FIRST:  # noqa: PLR0124 - all
        level += 1
    return level


def outcome(database: Database, hour: int) -> Profile:
    """The joined labels of an hour's predictions."""
    found = counted(database, "s").items()
    return sum((p for key, p in found if key.known and key.start == START + hour * HOUR), Profile())


def rows(database: Database) -> int:
    """Rows that are held."""
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.sum(tables.blocks.c.rows))).scalar() or 0)


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite, and an empty PostgreSQL database."""
    with created(request.param, tmp_path) as opened:
        yield opened


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1 << 30),
    count=st.integers(1, 20_000),
    cuts=st.lists(st.integers(0, 20_000), max_size=4),
    backwards=st.booleans(),
)
def test_what_joins_is_what_the_hashes_say(seed: int, count: int, cuts: list[int], backwards: bool) -> None:
    database, ids = open_database(None), np.unique(drawn(seed, count))
    ledger = Ledger(database, {"s": schema()})
    given_ids = ids[::-1] if backwards else np.random.default_rng(seed).permutation(ids)
    for part in np.split(given_ids, sorted(cut for cut in cuts if cut < ids.size)):
        if part.size:
            ledger.commit(predictions(part, 0), 0)
    level = level_of(ids)
    sample = ids[ids >> np.uint64(64 - level) == 0] if level else ids
    assert levels(database) == {0: level}
    ledger.commit(labels(ids, 2), 0)
    found = outcome(database, 0)
    assert found.rows == sample.size
    if sample.size:
        expected = (sample % np.uint64(5) < 2).sum()
        part = found.parts["performance"]
        assert (part.positives.total, part.negatives.total) == (expected, sample.size - expected)
    with database.read() as connection:
        covered = Reader(connection, "s").coverage([START], 1 << 62)
    assert covered == {START: (sample.size, sample.size)}
    assert balanced(database)
    database.close()


@pytest.mark.parametrize("bursts", [(3000,), (20_000, 10, 10, 6000, 100)])
def test_the_budget_is_kept_while_traffic_goes_on(
    monkeypatch: pytest.MonkeyPatch, both: Database, bursts: tuple[int, ...]
) -> None:
    monkeypatch.setattr(side, "SMALL", 512)
    tight = schema(days=1)
    ledger, most = Ledger(both, {"s": tight}), 0
    for hour in range(48):
        ids = drawn(hour, bursts[hour % len(bursts)])
        ledger.commit(predictions(ids, hour), 0)
        ledger.commit(labels(ids, hour), 0)
        most = max(most, rows(both))
    assert MOST / 3 < most <= MOST
    assert len(levels(both)) <= 24 + 2
    with both.read() as connection:
        reader = Reader(connection, "s")
        covered = reader.coverage(reader.starts("production"), 1 << 62)
    assert all(have == of for have, of in list(covered.values())[-24:])
    assert min(have for have, _ in covered.values() if have) >= 1


def test_a_window_begins_with_the_level_of_the_one_before(both: Database) -> None:
    ledger = Ledger(both, {"s": schema()})
    for hour, count in enumerate((10_000, 10_000, 10, 10, 10, 10, 10)):
        ledger.commit(predictions(drawn(hour, count), hour), 0)
    found = levels(both)
    assert found[0] == level_of(drawn(0, 10_000)) == 3
    assert found[1] in {3, 4}
    assert [found[hour] for hour in range(2, 7)] == [found[1], 0, 0, 0, 0]


def test_labels_before_their_predictions_are_held_by_the_last_level(both: Database) -> None:
    ledger = Ledger(both, {"s": schema()})
    ledger.commit(predictions(drawn(0, 10_000), 0), 0)
    level = levels(both)[0]
    ids = drawn(1, 10_000)
    ledger.commit(labels(ids, 0), 0)
    ledger.commit(predictions(ids, 1), 0)
    final = levels(both)[1]
    assert outcome(both, 1).rows == (ids >> np.uint64(64 - max(level, final)) == 0).sum()


def test_a_sampled_window_has_no_duplicates_within_its_sample(both: Database) -> None:
    ledger, ids = Ledger(both, {"s": schema()}), drawn(0, 10_000)
    ledger.commit(predictions(ids, 0), 0)
    sampled = ids[ids >> np.uint64(64 - levels(both)[0]) == 0]
    receipt, _ = ledger.commit(predictions(sampled, 0), 0)
    assert (receipt.accepted, receipt.duplicate) == (0, sampled.size)
    receipt, _ = Ledger(both, {"s": schema()}).commit(labels(np.repeat(sampled, 2), 1), 0)
    assert (receipt.accepted, receipt.duplicate) == (sampled.size, sampled.size)


def test_nothing_is_left_out_while_there_is_room(both: Database) -> None:
    ledger, ids = Ledger(both, {"s": schema()}), drawn(0, 2000)
    ledger.commit(predictions(ids, 0), 0)
    ledger.commit(labels(ids, 1), 0)
    assert levels(both) == {0: 0}
    assert outcome(both, 0).rows == 2000


@pytest.mark.parametrize("name", ["{}", "request-{}", "2026-01-01-{:012d}"])
def test_the_first_bits_of_ids_are_spread_evenly(name: str) -> None:
    found = hashes([name.format(n) for n in range(1 << 16)]) >> np.uint64(56)
    counts = np.bincount(found.astype(np.int64), minlength=256)
    chi_square = float(((counts - 256.0) ** 2 / 256).sum())
    assert 150 < chi_square < 380  # 255 degrees of freedom: beyond it one time in a million
    assert SCHEMA.labels.most == 200_000_000
