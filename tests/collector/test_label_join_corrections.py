"""Corrected labels: whatever comes in whatever portions, the latest label of an id counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.delivery import Delivery
from collector.labels import side
from collector.schema import Schema
from collector.store import tables
from collector.store.compaction import compact
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.read import Reader
from collector.store.retention import roll_up
from collector.store.rows import load_shape
from profiles import Profile
from tests.collector.collecting import (
    CLASSES,
    HOUR,
    NUMBERS,
    SCHEMA,
    T0,
    balanced,
    book,
    commit,
    counted,
    fix_shape,
    label,
    open_database,
    prediction,
    validated,
)
from tests.databases import KINDS, created

TASKS: dict[str, Schema] = {schema.task: schema for schema in (SCHEMA, CLASSES, NUMBERS)}
IDS = 6


def made(task: str, number: int) -> dict[str, Any]:
    """Prediction `number` of a task's model."""
    values: dict[str, dict[str, Any]] = {
        "binary": {},
        "multiclass": {"score": None, "prediction": "abc"[number % 3]},
        "regression": {"score": None, "prediction": 7},
    }
    return prediction(number, model=TASKS[task].model, **values[task])


def said(task: str, number: int, value: int, delay: float) -> dict[str, Any]:
    """A label of prediction `number`."""
    values: dict[str, Any] = {"binary": value % 2, "multiclass": "abcd"[value], "regression": 1 + value / 4}
    return label(number, delay, model=TASKS[task].model, label=values[task])


def labels_of(events: list[dict[str, Any]], until: float) -> dict[str, dict[str, Any]]:
    """A plain dictionary: of each id the label with the latest time, of equal times the last that came."""
    held: dict[str, dict[str, Any]] = {}
    for event in events:
        latest = held.get(event["id"], event)["timestamp"]
        if event["kind"] == "label" and latest <= event["timestamp"] < until:
            held[event["id"]] = event
    return held


def expected(events: list[dict[str, Any]], schema: Schema, until: float) -> Profile:
    """The outcomes of what is in the dictionary, counted all at once by a ledger of its own."""
    made_by_then = [one for one in events if one["kind"] == "prediction" and one["timestamp"] < until]
    predictions = {event["id"]: event for event in made_by_then}
    pairs = [one for name, one in labels_of(events, until).items() if name in predictions]
    database = open_database(None)
    fix_shape(database, schema)
    commit(Ledger(database, {schema.model: schema}), [*predictions.values(), *pairs], "all")
    found = total(database, schema, until=np.inf)
    database.close()
    return found


def total(database: Database, schema: Schema, until: float) -> Profile:
    """All outcomes that were known before a moment, in seconds."""
    profiles = counted(database, schema.model).items()
    known = [p for key, p in profiles if key.known and not key.segment and key.known < until * 1e6]
    return sum(known, Profile())


def alike(one: Profile, other: Profile) -> bool:
    """Whether all counts are equal to the bit; extremes cannot be taken back, and are bounds."""
    parts = {name: part.space.zero() for profile in (one, other) for name, part in profile.parts.items()}
    return one.rows == other.rows and all(
        equal(getattr(one.parts.get(name, zero), part.name), getattr(other.parts.get(name, zero), part.name))
        for name, zero in parts.items()
        for part in fields(zero)
        if part.name != "space" and "merge" not in part.metadata
    )


def equal(value: Any, other: Any) -> bool:
    """Whether two fields of a summary are equal; sums of numbers but for rounding."""
    if isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
        return bool(np.allclose(value, other, rtol=1e-9, atol=1e-9, equal_nan=True))
    return bool(np.all(value == other))


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("made"), st.integers(0, IDS - 1), st.just(0), st.just(0)),
        st.tuples(st.just("said"), st.integers(0, IDS - 1), st.integers(0, 3), st.integers(-3, 40)),
    ),
    max_size=30,
)


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite, and an empty PostgreSQL database."""
    with created(request.param, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=EVENTS, cuts=st.lists(st.integers(0, 30), max_size=5), in_time=st.booleans())
def test_outcomes_are_those_of_a_plain_dictionary(
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    drawn: list[tuple[str, int, int, int]],
    cuts: list[int],
    in_time: bool,
) -> None:
    monkeypatch.setattr(side, "SMALL", 4)
    monkeypatch.setattr(side, "CHUNK", 2)
    schema = TASKS[task]
    events = [
        made(task, n) if kind == "made" else said(task, n, value, delay * HOUR / 2)
        for kind, n, value, delay in drawn
    ]
    if in_time:
        events.sort(key=lambda event: event["timestamp"])
    database = open_database(None)
    fix_shape(database, schema)
    ledger = Ledger(database, {schema.model: schema})
    for number, (low, high) in enumerate(pairwise(sorted({0, *cuts, len(events)}))):
        commit(ledger, events[low:high], str(number))
    for until in (T0 + 7 * HOUR, T0 + 14 * HOUR, np.inf) if in_time else (np.inf,):
        assert alike(total(database, schema, until), expected(events, schema, until))
    assert balanced(database)
    database.close()


def test_what_was_known_before_a_correction_stays(both: Database) -> None:
    fix_shape(both)
    ledger = Ledger(both, {"m": SCHEMA})
    commit(ledger, [prediction(1), prediction(2), label(1, HOUR, label=0), label(2, HOUR, label=0)], "a")
    before = total(both, SCHEMA, T0 + 2 * HOUR)
    receipt = commit(Ledger(both, {"m": SCHEMA}), [label(1, 5 * HOUR, label=1)], "b")
    assert (receipt.accepted, receipt.duplicate) == (1, 0)
    assert alike(total(both, SCHEMA, T0 + 2 * HOUR), before)
    corrections = [p for key, p in counted(both).items() if key.known == int((T0 + 5 * HOUR) * 1e6)]
    assert {profile.rows for profile in corrections} == {0}
    whole = total(both, SCHEMA, np.inf).parts["performance"]
    assert whole.confusion.tolist() == (before.parts["performance"].confusion + moved(before)).tolist()
    assert (whole.positives.total, whole.negatives.total) == (1, 1)
    with both.read() as connection:
        reader = Reader(connection, "m")
        start = int(T0 * 1e6)
        assert reader.labels([start], 1 << 62) == {start: 2}
        assert reader.coverage([start], 1 << 62) == {start: (2, 2)}


def moved(before: Profile) -> Any:
    """What becomes of confusion counts when the label of prediction 1 turns from 0 to 1."""
    positive = prediction(1)["score"] >= 0.5
    change = np.zeros(4, np.int64)
    change[2 * positive], change[2 * positive + 1] = -1, 1
    assert before.parts["performance"].confusion[2 * positive] > 0
    return change


@pytest.mark.parametrize(
    ("labels", "accepted", "positive"),
    [
        ([(0, 1.0), (1, 2.0)], 2, True),  # corrected
        ([(0, 1.0), (1, 0.5)], 1, False),  # superseded before it came
        ([(0, 1.0), (1, 1.0)], 2, True),  # of equal times the last
        ([(1, 1.0), (1, 2.0)], 1, True),  # said again
        ([(0, 1.0), (0, 3.0), (1, 2.0)], 1, False),  # said again after what came late
        ([(0, 1.0), (1, 2.0), (0, 3.0)], 3, False),  # back again
    ],
)
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_the_latest_label_counts(
    database: Database,
    ledger: Ledger,
    labels: list[tuple[int, float]],
    accepted: int,
    positive: bool,
    together: bool,
    first: bool,
) -> None:
    events = [label(1, hours * HOUR, label=value) for value, hours in labels]
    if first:
        commit(ledger, [prediction(1)], "p")
    for number, part in enumerate([events] if together else [[event] for event in events]):
        commit(ledger, part, str(number))
    if not first:
        commit(ledger, [prediction(1)], "p")
    assert book(database) == (1 + len(labels), 1 + accepted, len(labels) - accepted, 0)
    whole = total(database, SCHEMA, np.inf)
    assert (whole.rows, whole.parts["performance"].positives.total) == (1, int(positive))
    assert whole.parts["performance"].negatives.total == int(not positive)


def bringing(value: float, delay: float) -> Delivery:
    """Prediction 1 with its label in the same row, as a file has it."""
    batch = validated([prediction(1)])
    (rows,) = batch.predictions["m"]
    known = rows.times + int(delay * 1e6)
    labelled = replace(rows, label=np.array([value]), label_times=known)
    return Delivery("test", replace(batch, predictions={"m": [labelled]}), "row")


@pytest.mark.parametrize(("row", "event", "positive"), [(0.0, HOUR, 1), (2 * HOUR, HOUR, 0)])
@pytest.mark.parametrize("row_first", [True, False])
def test_a_label_in_the_predictions_row_is_one_of_several(
    database: Database, ledger: Ledger, row: float, event: float, positive: int, row_first: bool
) -> None:
    later = Delivery("test", validated([label(1, event, label=1)]), "event")
    parts = [bringing(0.0, row), later]
    for part in parts if row_first else parts[::-1]:
        ledger.commit(part, 0)
    outcomes = total(database, SCHEMA, np.inf).parts["performance"]
    assert (outcomes.positives.total, outcomes.count) == (positive, 1)


def test_a_correction_beyond_the_horizon_changes_nothing(database: Database, ledger: Ledger) -> None:
    commit(ledger, [prediction(1), label(1, HOUR, label=0)], "a")
    before = total(database, SCHEMA, np.inf)
    commit(ledger, [label(1, 61 * 24 * HOUR, label=1)], "b")
    assert alike(total(database, SCHEMA, np.inf), before)


def test_a_profile_with_negative_counts_is_stored_and_added(database: Database, ledger: Ledger) -> None:
    shape = fix_shape(database)
    commit(ledger, [event for n in range(40) for event in (prediction(n), label(n))], "a")
    for profile in (profile for key, profile in counted(database).items() if key.known):
        negative = Profile() - profile
        again = Profile.from_bytes(negative.to_bytes(), shape)
        assert again.same_counts(negative)
        assert (again + profile).rows == 0
        assert not (again + profile).parts["performance"].confusion.any()


def test_a_correction_of_what_is_lost_leaves_no_negative_counts(database: Database, ledger: Ledger) -> None:
    events = [event for n in (1, 2, 40) for event in (prediction(n), label(n, 3 * HOUR, label=0))]
    commit(ledger, events, "a")
    lost = tables.profiles.delete().where(
        tables.profiles.c.known > 0, tables.profiles.c.start == int(T0 * 1e6)
    )
    with database.write() as connection:
        connection.execute(lost)
    commit(Ledger(database, {"m": SCHEMA}), [label(n, 5 * HOUR, label=1) for n in (1, 40)], "b")
    with database.read() as connection:
        reader = Reader(connection, "m")
        found = reader.outcomes("production", reader.starts("production"))
    later = int((T0 + HOUR) * 1e6)
    assert found.keys() == {later}
    assert found[later].parts["performance"].positives.total == 1


def test_corrections_are_compacted_and_rolled_up(both: Database) -> None:
    fix_shape(both)
    for number, value in enumerate((0, 1, 0, 1)):
        events = [prediction(n) for n in range(5)] if not number else []
        events += [label(n, (1 + number / 4) * HOUR, label=value) for n in range(5)]
        commit(Ledger(both, {"m": SCHEMA}), events, str(number))
    before = total(both, SCHEMA, np.inf)
    assert before.parts["performance"].positives.total == before.rows == 5
    assert compact(both, "m", 1 << 62) > 0
    assert alike(total(both, SCHEMA, np.inf), before)
    assert roll_up(both, "m", int((T0 + 48 * HOUR) * 1e6), set()) > 0
    with both.read() as connection:
        held = tables.profiles.c
        query = sa.select(held.profile, held.shape).filter_by(model="m", role="daily", segment="")
        rows = connection.execute(query.where(held.known > 0)).all()
        days = [Profile.from_bytes(row.profile, load_shape(connection, row.shape)) for row in rows]
    assert alike(sum(days, Profile()), before)
