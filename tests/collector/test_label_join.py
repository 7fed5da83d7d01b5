"""Labels: they join once, whenever they come."""

from __future__ import annotations

from typing import Any

import pytest

from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import (
    CLASSES,
    HOUR,
    NUMBERS,
    SCHEMA,
    SCHEMAS,
    T0,
    book,
    commit,
    counted,
    fix_shape,
    label,
    prediction,
    same,
)


def joined(database: Database, model: str = "m") -> int:
    """How many labels have joined."""
    found = counted(database, model)
    return sum(profile.rows for key, profile in found.items() if key.known and not key.segment)


def test_labels_join_before_after_and_beside_their_predictions(database: Database, ledger: Ledger) -> None:
    commit(ledger, [label(1), label(2)], "before")
    assert joined(database) == 0
    commit(ledger, [prediction(1), prediction(2), prediction(3), label(3)], "beside")
    assert joined(database) == 3
    commit(ledger, [prediction(4)], "then")
    commit(ledger, [label(4)], "after")
    assert joined(database) == 4


def test_a_label_counts_once(database: Database, ledger: Ledger) -> None:
    commit(ledger, [prediction(1), label(1)], "a")
    receipt = commit(ledger, [label(1), label(1, label=1, timestamp=T0 + 9e6)], "b")
    assert (receipt.accepted, receipt.duplicate) == (0, 2)
    commit(ledger, [prediction(1)], "c")
    assert joined(database) == 1


def test_a_label_of_an_unknown_prediction_waits(database: Database, ledger: Ledger) -> None:
    receipt = commit(ledger, [label(77)], "a")
    assert (receipt.accepted, joined(database)) == (1, 0)
    commit(Ledger(database, SCHEMAS), [prediction(77)], "b")
    assert joined(database) == 1


def test_a_label_belongs_to_its_predictions_window_and_to_the_one_in_which_it_was_known(
    database: Database, ledger: Ledger
) -> None:
    commit(ledger, [prediction(0), label(0, delay=26 * HOUR)], "a")
    key = next(key for key in counted(database) if key.known and not key.segment)
    assert (key.start, key.known) == (int(T0 * 1e6), int((T0 + 26 * HOUR) * 1e6))


def test_a_label_from_before_its_prediction_was_known_at_the_prediction(
    database: Database, ledger: Ledger
) -> None:
    commit(ledger, [prediction(0), label(0, delay=-50 * HOUR)], "a")
    commit(ledger, [label(1, delay=-50 * HOUR), prediction(1)], "b")
    commit(ledger, [label(2, delay=-50 * HOUR)], "c")
    commit(ledger, [prediction(2)], "d")
    assert {key.known for key in counted(database) if key.known} == {int(T0 * 1e6)}
    assert joined(database) == 3


@pytest.mark.parametrize(("days", "count"), [(59, 1), (61, 0)])
@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_label_joins_within_the_horizon_however_the_batches_are_cut(
    database: Database, ledger: Ledger, days: int, count: int, batches: int
) -> None:
    late = label(0, delay=days * 24 * HOUR)
    events: list[Any] = [prediction(0), prediction(1, timestamp=late["timestamp"]), late]
    cuts = {1: [events], 2: [events[:1], events[1:]], 3: [[event] for event in events]}[batches]
    for number, part in enumerate(cuts):
        commit(ledger, part, str(number))
    assert joined(database) == count


def test_a_failed_request_has_no_outcome(database: Database, ledger: Ledger) -> None:
    commit(ledger, [prediction(1, score=None, status=500), label(1)], "a")
    assert joined(database) == 0
    assert book(database) == (2, 2, 0, 0)


def test_labels_of_a_multiclass_task_may_come_before_anything_else(database: Database) -> None:
    labels = [label(n, model="k", label="abc"[n % 3]) for n in range(9)]
    predictions = [prediction(n, model="k", score=None, prediction="abc"[n % 2]) for n in range(9)]
    commit(Ledger(database, {"k": CLASSES}), labels, "a")
    commit(Ledger(database, {"k": CLASSES}), predictions, "b")
    assert joined(database, "k") == 9
    found = [profile.parts["performance"] for key, profile in counted(database, "k").items() if key.known]
    assert sum(part.correct for part in found) == sum(n % 3 == n % 2 for n in range(9))


def test_two_models_in_one_batch_share_nothing(database: Database, ledger: Ledger) -> None:
    other = fix_shape(database, SCHEMAS["other"])
    assert other.spaces
    events = [prediction(n, model=model) for n in range(20) for model in ("m", "other")]
    labels = [label(n, model=model) for n in range(20) for model in ("other", "m")]
    commit(ledger, events + labels, "a")
    assert same(counted(database, "m"), counted(database, "other"))
    assert joined(database) == 20
    assert book(database, "m") == book(database, "other") == (40, 40, 0, 0)


@pytest.mark.parametrize("schema", [SCHEMA, CLASSES, NUMBERS], ids=lambda schema: schema.task)
def test_a_model_without_a_shape_takes_labels_first(database: Database, schema: Any) -> None:
    fresh = schema.model_copy(update={"model": "fresh"})
    ledger = Ledger(database, {"fresh": fresh})
    commit(ledger, [label(1, model="fresh")], "a")
    commit(ledger, [prediction(1, model="fresh", score=None, prediction=1)], "b")
    assert joined(database, "fresh") == 1
