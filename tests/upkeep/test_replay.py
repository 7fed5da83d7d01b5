"""Dead letters are replayed: what is right by now is counted once, and the books say so."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector import replay as module
from collector.delivery import Delivery
from collector.replay import replay
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from tests.collector.collecting import (
    SCHEMA,
    SCHEMAS,
    balanced,
    book,
    commit,
    counted,
    prediction,
    rejected,
    same,
)
from tests.modelwatch.flows import Workplace
from tests.modelwatch.processes import command

FEATURES = SCHEMA.model_dump()["features"]
STRICT = SCHEMA.model_validate(
    SCHEMA.model_dump() | {"features": FEATURES | {"x": {"kind": "numeric", "required": True}}}
)
EVENTS = [prediction(n, **({"features": {}} if n % 2 else {})) for n in range(60)]


def refuse(database: Database, events: list[Any], schemas: dict[str, Any], source: str = "http") -> None:
    """Commit a delivery of which a part is rejected."""
    batch = Validator(schemas).batch(events, None, None)
    assert batch.rejections
    Ledger(database, schemas).commit(Delivery(source, batch, str(time.time_ns())), 1)


def pages(database: Database) -> dict[tuple[str, str], tuple[int, ...]]:
    names = ("received", "accepted", "duplicate", "rejected")
    with database.read() as connection:
        rows = connection.execute(sa.select(tables.books)).all()
    return {(row.source, row.model): tuple(getattr(row, name) for name in names) for row in rows}


def test_what_the_monitor_accepts_now_is_counted_as_if_it_always_had(database: Database) -> None:
    refuse(database, EVENTS, {"m": STRICT})
    assert pages(database) == {("http", "m"): (60, 30, 0, 30)}
    done = replay(database, SCHEMAS)
    assert (done.accepted, done.duplicate, done.rejected, done.unreadable) == (30, 0, 0, {})
    assert pages(database) == {("http", "m"): (60, 60, 0, 0)}
    assert rejected(database) == []
    found = counted(database)
    assert found.keys() == {key for key in found if key.known == 0}
    assert sum(profile.rows for key, profile in found.items() if not key.segment) == 60
    again = replay(database, SCHEMAS)
    assert (again.accepted, again.duplicate, again.rejected) == (0, 0, 0)


def test_a_row_that_came_again_meanwhile_is_a_duplicate(database: Database) -> None:
    refuse(database, EVENTS, {"m": STRICT})
    commit(Ledger(database, SCHEMAS), EVENTS[:20], "again")
    done = replay(database, SCHEMAS)
    assert (done.accepted, done.duplicate) == (20, 10)
    assert pages(database)["http", "m"] == (60, 50, 10, 0)
    assert balanced(database)
    assert book(database)[1] == 60


def test_events_of_a_model_that_is_monitored_by_now_move_to_its_page(database: Database) -> None:
    refuse(database, [*EVENTS[:10], prediction(99, model="new")], SCHEMAS)
    assert pages(database)["http", ""] == (1, 0, 0, 1)
    more = SCHEMAS | {"new": SCHEMA.model_copy(update={"model": "new"})}
    assert replay(database, more).accepted == 1
    assert pages(database)["http", ""] == (0, 0, 0, 0)
    assert pages(database)["http", "new"] == (1, 1, 0, 0)


def test_what_is_wrong_still_stays(database: Database) -> None:
    refuse(database, [prediction(1, score=7), prediction(2, score=0.5, features={})], {"m": STRICT})
    done = replay(database, SCHEMAS)
    assert (done.accepted, done.rejected) == (1, 1)
    (left,) = rejected(database)
    assert json.loads(left.raw)["score"] == 7
    assert pages(database)["http", "m"] == (2, 1, 0, 1)


def test_what_was_cut_off_or_is_no_json_is_told(database: Database) -> None:
    long = prediction(1, score=7, features={"x": 1.0, "c": "y" * 40_000})
    refuse(database, [long, 7], SCHEMAS)
    done = replay(database, SCHEMAS)
    assert sorted(done.unreadable.values()) == [
        "it is no object",
        "only its first 32768 characters were kept",
    ]
    assert len(rejected(database)) == 2


def test_a_hundred_features_are_kept_whole(database: Database) -> None:
    wide = {"model": "w", "task": "regression", "features": {f"feature-{n}": "numeric" for n in range(100)}}
    schemas = {"w": SCHEMA.model_validate(wide)}
    features = dict.fromkeys(wide["features"], 0.123456789012)
    event = prediction(1, model="w", features=features, score=None, prediction="none")
    refuse(database, [event], schemas)
    (left,) = rejected(database)
    assert json.loads(left.raw) == event


def test_two_replays_at_a_time_count_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(database, EVENTS, {"m": STRICT})
    validate = Validator
    first = []

    def slow(schemas: Any) -> Validator:
        """The other replays everything after this one has read it."""
        monkeypatch.setattr(module, "Validator", validate)
        made = validate(schemas)
        batch = made.batch

        def late(*given: Any) -> Any:
            first.append(replay(database, schemas).accepted)
            return batch(*given)

        monkeypatch.setattr(made, "batch", late)
        return made

    monkeypatch.setattr(module, "Validator", slow)
    assert replay(database, SCHEMAS).accepted == 0
    assert first == [30]
    assert pages(database) == {("http", "m"): (60, 60, 0, 0)}


def test_the_command_replays_and_shows(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    monitor = workplace.monitor()
    database = Database(tmp_path / "data" / "modelwatch.db")
    from modelwatch import schema  # noqa: PLC0415

    schema.upgrade(database)
    events = [prediction(n, tags={"region": "n"}) for n in range(10)]
    refuse(database, [*events, prediction(1, score=9)], {"other": monitor})
    database.close()
    data = ("--data", tmp_path / "data")
    assert "no such model" in command("rejected", *data)
    assert "needs the monitors" in command("rejected", *data, "--replay", code=2)
    arguments = ("--replay", "--monitor", workplace.folder / "monitor.yaml", "--since", "1970-01-01")
    assert "10 accepted, 0 duplicate, 1 still wrong" in command("rejected", *data, *arguments)
    assert "score" in command("rejected", *data)
    assert "no time" in command("rejected", *data, "--since", "yesterday", code=2)
    assert "ok" in command("books", *data)


def test_the_books_can_be_read_on_postgres(database: Database) -> None:
    if not database.postgres:
        pytest.skip("of PostgreSQL")
    commit(Ledger(database, SCHEMAS), EVENTS, "1")
    assert "60" in command("books", "--database", database.url.render_as_string())
    assert "nothing" in command("rejected", "--database", database.url.render_as_string())


def test_replaying_gives_the_profiles_of_a_first_delivery(database: Database) -> None:
    refuse(database, EVENTS, {"m": STRICT})
    replay(database, SCHEMAS)
    found = counted(database)
    whole = SCHEMA.model_copy(update={"model": "whole"})
    with database.write() as connection:
        row = connection.execute(sa.select(tables.models).filter_by(model="m")).mappings().one()
        connection.execute(tables.models.insert().values(**dict(row) | {"model": "whole", "watermark": 0}))
    events = [event | {"model": "whole"} for event in EVENTS]
    commit(Ledger(database, {"whole": whole}), events, "all")
    assert same(found, counted(database, "whole"))
