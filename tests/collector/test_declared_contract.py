"""The contract that a monitor declares for its features, and the counts of what was rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.batch import Coded
from collector.contract import declared
from collector.delivery import Delivery
from collector.schema import Schema
from collector.store.ledger import Ledger
from collector.store.read import Reader
from collector.validation.validate import Validator
from profiles import ARRIVALS, Groups, Violation
from tests.collector.collecting import HOUR, SCHEMA, T0, fix_shape, open_database, prediction

START = int(T0) * 1_000_000
HEAD: dict[str, Any] = {"model": "m", "task": "binary"}


def schema(**features: Any) -> Schema:
    return Schema.model_validate(HEAD | {"features": features})


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        ({"kind": "numeric", "min": 5, "max": 1}, "min 5 is above max 1; swap them"),
        ({"kind": "numeric", "min": "low"}, "valid number"),
        ({"kind": "numeric", "max": float("nan")}, "finite number"),
        ({"kind": "numeric", "values": ["a"]}, "Extra inputs"),
        ({"kind": "categorical", "values": []}, "at least 1 item"),
        ({"kind": "categorical", "values": "red"}, "no list of categories; write values: [red, green]"),
        ({"kind": "categorical", "values": [["red"]]}, "expected a string, got an array"),
        ({"kind": "categorical", "min": 1}, "Extra inputs"),
        ({"kind": "embedding", "columns": ["a"], "max": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_contract_is_told(feature: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match="(?i)" + told.replace("[", r"\[")):
        schema(x=feature)


def test_categories_are_declared_as_events_have_them() -> None:
    colour = schema(c={"kind": "categorical", "values": [1, 2.0, True, "red"]}).features["c"]
    assert colour.model_dump()["values"] == ("1", "2", "true", "red")
    assert schema(x="numeric", c={"kind": "numeric", "max": 3}).declared() == {"c"}


numbers = st.one_of(st.just(float("nan")), st.floats(-10, 10), st.sampled_from([-2.0, 3.0, np.inf]))


@settings(deadline=None)
@given(
    st.lists(st.tuples(numbers, st.integers(-1, 3), st.integers(0, 2)), max_size=40),
    st.none() | st.floats(-5, 0),
    st.none() | st.floats(0, 5),
)
def test_rows_against_the_contract_are_counted_by_group(
    rows: list[tuple[float, int, int]], low: float | None, high: float | None
) -> None:
    names = ("red", "green", "blue", "grey")
    one = schema(
        x={"kind": "numeric", "min": low, "max": high},
        c={"kind": "categorical", "values": ["red", "green"]},
        free="numeric",
    )
    x = np.array([row[0] for row in rows], np.float64)
    codes = np.array([row[1] for row in rows], np.int64)
    groups = np.array([row[2] for row in rows], np.int64)
    wanted = [np.array([0]), np.array([0, 1, 2]), np.array([2])]
    columns: dict[str, Any] = {"x": x, "c": Coded(codes, names), "free": x}
    found = declared(columns, one, Groups(groups, 3, wanted))
    beyond = (x < (-np.inf if low is None else low)) | (x > (np.inf if high is None else high))
    for part, bad, violation in (
        ("contract.x", beyond, Violation.OUT_OF_BOUNDS),
        ("contract.c", codes >= 2, Violation.NOT_ALLOWED),
    ):
        for place, members in enumerate(wanted):
            expected = int((bad & np.isin(groups, members)).sum())
            held = found[part][place] if part in found else None
            assert (held.broken(violation) if held else 0) == expected
    assert set(found) <= {"contract.x", "contract.c"}
    if "contract.c" in found:
        assert set(found["contract.c"][1].examples) == {repr(names[code]) for code in codes if code >= 2}


def bad_events() -> list[dict[str, Any]]:
    """Two hours; in the second rows of every kind of fault."""
    wrong: list[dict[str, Any]] = [
        {"features": {"x": "1", "c": "a"}},
        {"features": {"x": "2", "c": "a"}},
        {"features": {"e": [1.0]}},
        {"score": 7},
        {"timestamp": "yesterday", "features": {"x": "3"}},
        {"version": "v" * 300},
    ]
    made = [prediction(n) for n in range(72)]
    return made + [{**prediction(100 + n, timestamp=T0 + HOUR + n), **one} for n, one in enumerate(wrong)]


@pytest.mark.parametrize("step", [1000, 7])
def test_rejected_rows_are_counted_in_their_window_by_feature(step: int, tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db")
    fix_shape(database)
    schemas = {"m": SCHEMA}
    events = bad_events()
    for first in range(0, len(events), step):
        some = events[first : first + step]
        lines = Validator(schemas).batch(some, None, None)
        for _ in range(2):  # a repeated delivery counts once
            Ledger(database, schemas).commit(Delivery("test", lines, str(first)), 0)
    with database.read() as connection:
        found = Reader(connection, "m").traffic("production", [START, START + 3_600_000_000])
    first_hour, second = found[START], found[START + 3_600_000_000]
    assert (first_hour.rows, first_hour.came) == (36, 36)
    assert first_hour.part("contract.x").broken(Violation.WRONG_TYPE) == 0
    assert (second.rows, second.came) == (36, 41)
    of_x = second.part("contract.x")
    assert (of_x.broken(Violation.WRONG_TYPE), of_x.rows) == (2, 41)
    assert of_x.examples[0].startswith("'1': expected a number, got a string; send")
    assert second.part("contract.e").broken(Violation.WRONG_TYPE) == 1
    assert second.part(ARRIVALS.kind).rejected == 5  # that without a time is in no window
    database.close()


def test_rows_that_came_before_are_counted_apart_from_the_profiles(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db")
    fix_shape(database)
    ledger = Ledger(database, {"m": SCHEMA})
    events = [prediction(n) for n in range(30)]
    for key, some in (("a", events), ("b", events[:9]), ("c", [prediction(40), prediction(40)])):
        ledger.commit(Delivery("test", Validator({"m": SCHEMA}).batch(some, None, None), key), 0)
    with database.read() as connection:
        found = Reader(connection, "m").traffic("production", [START, START + 3_600_000_000])
    assert found[START].part(ARRIVALS.kind).duplicates == 9
    assert found[START + 3_600_000_000].part(ARRIVALS.kind).duplicates == 1
    assert (found[START].rows, found[START + 3_600_000_000].rows) == (30, 1)
    database.close()


def test_a_required_feature_is_still_rejected_when_missing(tmp_path: Path) -> None:
    features = {**SCHEMA.features, **schema(x={"kind": "numeric", "required": True}).features}
    strict = SCHEMA.model_copy(update={"features": features})
    database = open_database(tmp_path / "a.db")
    fix_shape(database, strict)
    events = [prediction(n) | ({"features": {"c": "a"}} if n % 3 == 0 else {}) for n in range(30)]
    batch = Validator({"m": strict}).batch(events, None, None)
    assert {one.reason for one in batch.rejections} == {"missing"}
    Ledger(database, {"m": strict}).commit(Delivery("test", batch, "a"), 0)
    with database.read() as connection:
        found = Reader(connection, "m").traffic("production", [START])[START]
    assert found.part("contract.x").broken(Violation.MISSING) == 10
    assert found.part("contract.x").broken(Violation.WRONG_TYPE) == 0
    database.close()
