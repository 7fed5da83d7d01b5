"""The service: it starts, stops, and keeps others out of its folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from collector.store.database import Database
from collector.store.tables import metadata
from modelwatch import schema
from modelwatch.service import Service, Settings
from tests.collector.serving import served
from tests.databases import KINDS, location
from tests.modelwatch.flows import HOUR, Workplace, events_of, traffic
from tests.modelwatch.processes import command, run, send


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    with location(request.param, tmp_path) as where:
        opened = Database(where)
        yield opened
        opened.close()


def test_the_migrations_make_the_tables_of_the_code(database: Database) -> None:
    schema.upgrade(database)
    schema.upgrade(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_migration_that_is_cut_off_is_done_again_whole(database: Database) -> None:
    made = 0

    def cut(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal made
        made += "CREATE TABLE" in statement
        if made == 7:
            raise RuntimeError("the power fails")

    sa.event.listen(database.engine, "before_cursor_execute", cut)
    with pytest.raises(RuntimeError, match="the power fails"):
        schema.upgrade(database)
    sa.event.remove(database.engine, "before_cursor_execute", cut)
    assert sa.inspect(database.engine).get_table_names() == []
    schema.upgrade(database)
    assert set(metadata.tables) < set(sa.inspect(database.engine).get_table_names())


def service(place: Workplace, **changes: Any) -> Service:
    return Service(Settings(place.folder / "data", "http://pages"), [place.monitor(**changes)])


def test_closing_leaves_no_thread_behind(workplace: Workplace) -> None:
    with served(service(workplace).app) as url:
        httpx.post(f"{url}/v1/events", json=events_of(traffic(1))[:5])
    assert not {"intake", "evaluation", "dispatch", "upkeep"} & {
        thread.name for thread in threading.enumerate()
    }


def test_stopping_does_not_wait_for_a_long_evaluation(workplace: Workplace) -> None:
    """Thousands of windows to judge: a stop ends it between two of them."""
    made = service(workplace, window="1s", segments=None)
    events = [event for event in events_of(traffic(2)) if event["kind"] == "prediction"]
    with served(made.app) as url:
        send(url, "k", events)
        time.sleep(0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 5


def test_what_came_while_it_was_down_is_judged_before_silence_is(workplace: Workplace) -> None:
    """After a start the clock waits for the senders' backlog: what comes late must not be called silence."""
    now = time.time()
    hours = traffic(6, first=int(now // HOUR) * HOUR - 5 * HOUR)
    events = [
        event for event in events_of(hours) if event["kind"] == "prediction" and event["timestamp"] < now
    ]
    early = [event for event in events if event["timestamp"] < now - 3 * HOUR]
    with served(service(workplace).app) as url:
        send(url, "early", early)
    with served(service(workplace).app) as url:
        time.sleep(0.6)
        send(url, "late", events[len(early) :])
        time.sleep(1)
    with Database(workplace.folder / "data" / "modelwatch.db").read() as connection:
        query = "SELECT value FROM verdicts WHERE signal = 'quality.freshness'"
        assert 0.0 not in set(connection.execute(sa.text(query)).scalars())


def test_serve_says_what_is_wrong(workplace: Workplace) -> None:
    workplace.monitor(reference={"kind": "file", "path": "nowhere.parquet"})
    arguments = [
        "--monitor",
        str(workplace.folder / "monitor.yaml"),
        "--data",
        str(workplace.folder / "data"),
    ]
    assert "nowhere.parquet" in command("serve", *arguments, code=2)
    workplace.monitor()
    wrong = "postgresql://nobody@127.0.0.1:1/nowhere"
    assert "cannot be opened" in command("serve", *arguments, "--database", wrong, code=2)
    secret = "postgresql://nobody:secret@127.0.0.1:1/nowhere"
    assert "MODELWATCH_DATABASE_FILE" in command("serve", *arguments, "--database", secret, code=2)


def test_a_taken_port_is_an_error_that_ends_it(workplace: Workplace) -> None:
    workplace.monitor()
    with served(service(workplace).app) as url:
        arguments = ["--monitor", str(workplace.folder / "monitor.yaml"), "--port", url.rsplit(":", 1)[1]]
        done = run("serve", *arguments, "--data", str(workplace.folder / "other"))
    assert done.returncode != 0
    assert "address already in use" in done.stderr
