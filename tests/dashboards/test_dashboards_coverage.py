"""Label coverage over age: windows that are still young say nothing of ages that they have not reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.schema import Schema
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.read import Reader
from dashboards.queries.coverage import Coverage, coverage
from tests.collector.collecting import HOUR, SCHEMA, T0, commit, fix_shape, label, open_database, prediction
from tests.databases import KINDS, created

START = int(T0 * 1e6)
PER_HOUR = 36  # `prediction` makes one every 100 seconds


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite, and an empty PostgreSQL database."""
    with created(request.param, tmp_path) as opened:
        yield opened


def starts(hours: int) -> list[int]:
    """The first windows."""
    return [START + hour * int(HOUR * 1e6) for hour in range(hours)]


def read(database: Database, hours: int, segment: str = "", version: str | None = None) -> Coverage:
    """Coverage over the first windows."""
    with database.read() as connection:
        return coverage(connection, SCHEMA, starts(hours), segment, version)


def test_coverage_is_counted_by_the_hour(both: Database) -> None:
    fix_shape(both)
    ledger = Ledger(both, {"m": SCHEMA})
    commit(ledger, [prediction(n) for n in range(PER_HOUR)], "predictions")
    late = [label(n, (n % 4) * HOUR) for n in range(PER_HOUR) if n % 4]
    commit(ledger, late, "labels")
    commit(ledger, [label(1, 3.5 * HOUR, label=0), label(2, 3.5 * HOUR, label=1)], "corrections")
    commit(ledger, [prediction(0, id="later", timestamp=T0 + 6 * HOUR)], "later")
    found = read(both, 1)
    assert found.ages.tolist() == [0, 3600, 7200, 10_800, 14_400, 18_000]
    assert found.predictions.tolist() == [PER_HOUR] * 6
    known = [
        sum(n * 100 + (n % 4) * 3600 < (hour + 1) * 3600 for n in range(PER_HOUR) if n % 4)
        for hour in range(6)
    ]
    assert np.allclose(found.shares * PER_HOUR, known)
    assert known[-1] == 27


def test_young_windows_say_nothing_of_ages_that_they_have_not_reached(both: Database) -> None:
    fix_shape(both)
    ledger, hours = Ledger(both, {"m": SCHEMA}), 10
    commit(ledger, [prediction(n) for n in range(hours * PER_HOUR)], "predictions")
    # every second prediction has its label two hours later, if that is over yet
    labels = [label(n, 2 * HOUR) for n in range(0, hours * PER_HOUR, 2)]
    commit(ledger, [one for one in labels if one["timestamp"] < T0 + hours * HOUR], "labels")
    found = read(both, hours)
    assert found.predictions.tolist() == [PER_HOUR * reached for reached in range(hours - 1, 0, -1)]
    assert found.shares[:2].tolist() == [0, 0]
    assert np.allclose(found.shares[2:], 0.5)


def test_a_segment_and_a_version_have_curves_of_their_own(both: Database) -> None:
    fix_shape(both)
    ledger = Ledger(both, {"m": SCHEMA})
    commit(ledger, [prediction(n, version=f"v{n % 2}") for n in range(PER_HOUR)], "predictions")
    commit(ledger, [label(n, HOUR) for n in range(PER_HOUR) if n % 2], "labels")
    commit(ledger, [prediction(0, id="later", timestamp=T0 + 4 * HOUR)], "later")
    assert np.allclose(read(both, 1).shares[-1], 0.5)
    assert read(both, 1, version="v1").shares[-1] == 1
    assert read(both, 1, segment="region=n").shares[-1] == 0
    assert read(both, 1, segment="region=s").predictions.tolist() == [PER_HOUR // 2] * 4


def test_without_predictions_there_is_no_curve(both: Database) -> None:
    assert read(both, 3).ages.size == 0


def test_of_a_sampled_window_the_sample_is_what_can_be_covered() -> None:
    database, said = open_database(None), {"label_horizon": "100d", "labels": {"most": 100_000}}
    schema = Schema.model_validate(
        SCHEMA.model_dump() | said | {"features": {"x": "numeric"}, "segments": [], "log": "none"}
    )
    ledger, rows = Ledger(database, {"m": schema}), 4000
    times = [T0 + HOUR * n / rows for n in range(rows)]
    made = [prediction(n, timestamp=at, features={"x": 1}, tags={}) for n, at in enumerate(times)]
    commit(ledger, made, "predictions")
    known = [label(n, 0, timestamp=T0 + HOUR + 1 + HOUR * (n % 2)) for n in range(rows)]
    commit(ledger, [*known, label(-1, 0, timestamp=T0 + 9 * HOUR)], "labels")
    with database.read() as connection:
        found = coverage(connection, schema, starts(1))
    assert 0 < found.predictions[0] < 0.6 * rows
    assert 0.4 < found.shares[1] < 0.6
    assert found.shares[2] == 1
    database.close()


@settings(max_examples=20, deadline=None)
@given(
    delays=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    hours=st.integers(1, 6),
)
def test_shares_never_fall_and_stay_shares(delays: list[int], hours: int) -> None:
    database = open_database(None)
    schema = Schema.model_validate(SCHEMA.model_dump() | {"features": {"x": "numeric"}, "segments": []})
    ledger = Ledger(database, {"m": schema})
    spread = [prediction(n, timestamp=T0 + (n % hours) * HOUR, features={"x": 1}) for n in range(len(delays))]
    commit(ledger, spread, "predictions")
    commit(
        ledger,
        [
            label(n, 0, timestamp=T0 + (n % hours + delay) * HOUR)
            for n, delay in enumerate(delays)
            if delay < 6
        ],
        "labels",
    )
    found = read(database, hours)
    assert (np.diff(found.shares) >= -1e-12).all()
    assert ((found.shares >= 0) & (found.shares <= 1 + 1e-12)).all()
    assert (np.diff(found.predictions) <= 0).all()
    with database.read() as connection:
        counted = Reader(connection, "m").coverage(starts(hours), 1 << 62)
    assert sum(of for _, of in counted.values()) == len(delays)
    assert sum(have for have, _ in counted.values()) == sum(delay < 6 for delay in delays)
    database.close()
