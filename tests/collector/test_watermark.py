"""Event time: what moves the watermark, and when a model counts as live."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import HOUR, SCHEMAS, T0, commit, deployment, label, prediction

NOW = int((T0 + 1000 * HOUR) * 1e6)


def state(database: Database) -> Any:
    with database.read() as connection:
        return connection.execute(sa.select(tables.models).filter_by(model="m")).one()


@pytest.mark.parametrize("kind", ["prediction", "label", "deployment"])
def test_every_kind_of_event_moves_the_watermark(database: Database, ledger: Ledger, kind: str) -> None:
    def event(number: int, at: float) -> Any:
        made = {"prediction": prediction(number), "label": label(number), "deployment": deployment("v")}
        return made[kind] | {"timestamp": at}

    commit(ledger, [event(1, T0 + 5)], "a")
    assert state(database).watermark == int((T0 + 5) * 1e6)
    commit(ledger, [event(2, T0 + 2)], "b")
    assert state(database).watermark == int((T0 + 5) * 1e6)


@pytest.mark.parametrize("minutes", [1, 59])
def test_a_fast_clock_closes_no_window_early(database: Database, ledger: Ledger, minutes: int) -> None:
    commit(ledger, [prediction(1, timestamp=NOW / 1e6 + 60 * minutes)], "a", NOW)
    assert state(database).watermark == NOW


def test_events_as_they_happen_are_live_and_a_replay_is_not(database: Database, ledger: Ledger) -> None:
    commit(ledger, [prediction(1, timestamp=NOW / 1e6 - 3 * HOUR)], "a", NOW)
    assert not state(database).live
    commit(ledger, [prediction(2, timestamp=NOW / 1e6 - 10)], "b", NOW)
    assert state(database).live


def test_a_late_batch_does_not_make_a_live_model_a_replay(database: Database, ledger: Ledger) -> None:
    commit(ledger, [prediction(1, timestamp=NOW / 1e6)], "a", NOW)
    commit(ledger, [prediction(2, timestamp=NOW / 1e6 - 90 * HOUR)], "b", NOW + 1)
    assert state(database).live


def test_files_are_never_live(database: Database, ledger: Ledger) -> None:
    commit(ledger, [prediction(1)], "a")
    assert not state(database).live


def test_the_watermark_is_kept_over_a_restart(database: Database, ledger: Ledger) -> None:
    commit(ledger, [prediction(1, timestamp=T0 + 100)], "a")
    commit(Ledger(database, SCHEMAS), [prediction(2, timestamp=T0 + 50)], "b")
    assert state(database).watermark == int((T0 + 100) * 1e6)
