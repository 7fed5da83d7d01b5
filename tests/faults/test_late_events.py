"""Events up to seven days late, out of order, labels before their predictions: the same as in order."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest

from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import HOUR, SCHEMAS, T0, commit, label, prediction
from tests.faults.finding import Undisturbed
from tests.faults.traffic import good_events

WEEK = 7 * 24 * HOUR
EVERY = 3600.0  # seconds between predictions: ten days of them


def sparse(number: int) -> list[dict[str, Any]]:
    """A prediction and its label."""
    at = T0 + EVERY * number
    return [prediction(number, timestamp=at), label(number, timestamp=at + 5 * HOUR)]


def committed(where: Path | str, events: list[Any], now: int, dice: random.Random) -> list[str]:
    """Commit events in batches of any size; what differs from a run in order."""
    with contextlib.closing(Database(where)) as database:
        ledger, at = Ledger(database, SCHEMAS), 0
        while at < len(events):
            taken = events[at : at + dice.randint(1, 200)]
            commit(ledger, taken, str(at), now)
            at += len(taken)
        in_order = sorted(events, key=lambda event: (event["timestamp"], event["kind"] == "label"))
        return Undisturbed.of(in_order).found(database).faults(len(events), 0)


def test_a_week_late(where: Path | str) -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    events = [event for number in range(240) for event in sparse(number)]
    came = [
        (event["timestamp"] + dice.choice((0, 60, HOUR, WEEK)) * dice.random(), event) for event in events
    ]
    came.sort(key=lambda pair: pair[0])
    arrived = [event for _, event in came]
    lateness = max(
        max(event["timestamp"] for event in arrived[: at + 1]) - arrived[at]["timestamp"]
        for at in range(0, len(arrived), 7)
    )
    assert lateness > WEEK / 2, "nothing was late"
    assert committed(where, arrived, int((T0 + 20 * 24 * HOUR) * 1e6), dice) == []


@pytest.mark.parametrize("order", ["backwards", "labels first", "shuffled"])
def test_any_order(where: Path | str, order: str) -> None:
    dice = random.Random(order)  # noqa: S311 - no secret
    events = good_events(200)
    if order == "backwards":
        events.reverse()
    elif order == "labels first":
        events.sort(key=lambda event: event["kind"] != "label")
    else:
        dice.shuffle(events)
    assert committed(where, events, 0, dice) == []
