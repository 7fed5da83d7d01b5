"""The ledger's promises, on both databases: once each, all or nothing, whoever else writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.delivery import Advance, Delivery, FencedError, KeyReusedError
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger, Outcome
from collector.validation.validate import Validator
from tests.collector.collecting import (
    SCHEMAS,
    balanced,
    book,
    commit,
    counted,
    deployment,
    fix_shape,
    label,
    open_database,
    prediction,
    rejected,
    same,
    validated,
)
from tests.databases import KINDS, created

EVENTS = [prediction(n) for n in range(90)] + [label(n) for n in range(60)] + [deployment("v1")]


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind, with the shape of model `m` fixed."""
    with created(request.param, tmp_path) as made:
        fix_shape(made)
        yield made


def profiles_of(events: list[Any]) -> Any:
    """The profiles of events that come in one delivery."""
    alone = open_database(None)
    fix_shape(alone)
    commit(Ledger(alone, SCHEMAS), events, "all")
    found = counted(alone)
    alone.close()
    return found


def taken(outcome: Outcome | KeyReusedError) -> tuple[int, int, bool]:
    """Accepted and duplicate events, and whether it had come before."""
    assert not isinstance(outcome, KeyReusedError)
    receipt, again = outcome
    return receipt.accepted, receipt.duplicate, again


def position(database: Database) -> int | None:
    with database.read() as connection:
        return connection.execute(sa.select(tables.positions.c.following)).scalar()


def moved(expected: int | None, following: int, events: list[Any]) -> Delivery:
    return Delivery("queue", validated(events), advances=(Advance("0", expected, following),))


def test_a_position_moves_with_what_was_read_from_it(database: Database) -> None:
    ledger = Ledger(database, SCHEMAS)
    ledger.commit(moved(None, 50, EVENTS[:50]), 0)
    ledger.commit(moved(50, 151, EVENTS[50:]), 0)
    assert position(database) == 151
    assert same(counted(database), profiles_of(EVENTS))


@pytest.mark.parametrize("expected", [None, 40, 60])
def test_a_worker_that_is_behind_is_fenced_and_changes_nothing(
    database: Database, expected: int | None
) -> None:
    Ledger(database, SCHEMAS).commit(moved(None, 50, EVENTS[:50]), 0)
    before, zombie = counted(database), Ledger(database, SCHEMAS)
    with pytest.raises(FencedError, match="queue/0"):
        zombie.commit(moved(expected, 90, EVENTS[40:90]), 0)
    assert position(database) == 50
    assert book(database) == (50, 50, 0, 0)
    assert same(counted(database), before)
    zombie.commit(moved(50, 90, EVENTS[50:90]), 0)
    assert book(database) == (90, 90, 0, 0)


def test_deliveries_of_one_transaction_are_accounted_for_one_by_one(database: Database) -> None:
    ledger = Ledger(database, SCHEMAS)
    ledger.commit(Delivery("a", validated(EVENTS[:10]), "first"), 0)
    group = [
        Delivery("a", validated(EVENTS[5:20]), "second"),
        Delivery("a", validated(EVENTS[:10]), "first"),
        Delivery("b", validated(EVENTS[15:40]), "third"),
        Delivery("b", validated([deployment("v1"), deployment("v2")]), "fourth"),
        Delivery("b", validated([deployment("v2")]), "fifth"),
    ]
    outcomes = [taken(outcome) for outcome in ledger.commit_all(group, 0)]
    assert outcomes == [(10, 5, False), (10, 0, True), (20, 5, False), (2, 0, False), (0, 1, False)]
    assert balanced(database)
    assert same(counted(database), profiles_of(EVENTS[:40]))
    again = [taken(outcome) for outcome in Ledger(database, SCHEMAS).commit_all(group, 0)]
    assert again == [(10, 5, True), (10, 0, True), (20, 5, True), (2, 0, True), (0, 1, True)]
    assert same(counted(database), profiles_of(EVENTS[:40]))


def test_a_key_with_another_body_fails_alone(database: Database) -> None:
    ledger = Ledger(database, SCHEMAS)
    one, other = validated(EVENTS[:5]), validated(EVENTS[5:9])
    digests = [type(one)(**{**part.__dict__, "digest": name}) for part, name in ((one, "x"), (other, "y"))]
    ledger.commit(Delivery("a", digests[0], "k"), 0)
    outcomes = ledger.commit_all([Delivery("a", digests[1], "k"), Delivery("a", other, "l")], 0)
    assert isinstance(outcomes[0], KeyReusedError)
    assert taken(outcomes[1]) == (4, 0, False)


def test_what_else_changes_commits_with_the_delivery_or_not_at_all(database: Database) -> None:
    def note(connection: sa.Connection) -> None:
        half = {"source": "s", "id": "1", "part": "request", "at": 1, "body": b"\x00"}
        connection.execute(tables.halves.insert().values(**half))

    def fail(connection: sa.Connection) -> None:
        note(connection)
        raise RuntimeError("not this time")

    ledger = Ledger(database, SCHEMAS)
    with pytest.raises(RuntimeError, match="not this time"):
        ledger.commit(Delivery("a", validated(EVENTS[:5]), "k", also=fail), 0)
    assert book(database) == (0, 0, 0, 0)
    for again in (False, True):
        assert ledger.commit(Delivery("a", validated(EVENTS[:5]), "k", also=note), 0)[1] is again
    with database.read() as connection:
        assert len(connection.execute(sa.select(tables.halves)).all()) == 1


def test_workers_that_take_turns_are_one(database: Database) -> None:
    workers = [Ledger(database, SCHEMAS) for _ in range(3)]
    for turn in range(0, 150, 10):
        commit(workers[turn // 10 % 3], EVENTS[max(turn - 5, 0) : turn + 10], f"{turn}")
    assert same(counted(database), profiles_of(EVENTS[:150]))
    assert book(database)[1] == 150
    assert balanced(database)


def test_workers_that_write_at_once_lose_nothing_and_count_nothing_twice(database: Database) -> None:
    pieces = [EVENTS[:150][at : at + 12] for at in range(0, 150, 6)]  # every event is in two of them
    failed: list[BaseException] = []

    def work(number: int) -> None:
        ledger = Ledger(database, SCHEMAS)
        try:
            for place, piece in enumerate(pieces[number::2] + pieces[(number + 1) % 2 :: 2]):
                commit(ledger, piece, f"{number % 2}-{place}" if number < 2 else f"again-{number}-{place}")
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert same(counted(database), profiles_of(EVENTS[:150]))
    assert book(database)[1] == 150
    assert balanced(database)


def test_one_key_sent_to_two_workers_at_once_counts_once(database: Database) -> None:
    gate, outcomes = threading.Barrier(2), []

    def work() -> None:
        ledger = Ledger(database, SCHEMAS)
        delivery = Delivery("http", validated(EVENTS), "the-key")
        gate.wait()
        outcomes.append(taken(ledger.commit(delivery, 0)))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [(151, 0, False), (151, 0, True)]
    assert book(database)[1] == 151


def test_texts_that_a_database_could_not_hold_are_kept(database: Database) -> None:
    odd = "a\x00b" + "ü" * 150
    events = [prediction(1, version=odd, tags={"region": odd}), deployment(odd, by=odd, reason=odd)]
    ledger = Ledger(database, SCHEMAS)
    commit(ledger, events, "1")
    bad = [prediction(2, version="v" * 5000, score=7), prediction(3, id="\x00", timestamp="\x00never")]
    batch = Validator(SCHEMAS).batch([*bad, prediction(4)], None, None)
    receipt, _ = ledger.commit(Delivery("http", batch, "2"), 0)
    assert (receipt.accepted, receipt.rejected) == (1, 2)
    assert len(rejected(database)) == 2
    assert book(database)[1] == 3
