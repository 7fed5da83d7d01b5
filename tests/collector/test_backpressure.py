"""The bounded queue: too much is refused with a time to come back, and nothing acknowledged is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from collector.batch import Batch
from collector.delivery import Delivery, KeyReusedError
from collector.intake import BusyError, Intake
from collector.store.database import Database
from collector.store.ledger import Ledger, Outcome
from tests.collector.collecting import SCHEMAS, book, commit, counted, prediction, validated
from tests.collector.serving import collecting


class SlowLedger(Ledger):
    """A ledger on a slow disk."""

    def commit_all(self, deliveries: Sequence[Delivery], now: int) -> list[Outcome | KeyReusedError]:
        time.sleep(0.05)
        return super().commit_all(deliveries, now)


class GatedLedger(Ledger):
    """A ledger that waits for a gate to open."""

    gate: threading.Event

    def commit_all(self, deliveries: Sequence[Delivery], now: int) -> list[Outcome | KeyReusedError]:
        self.gate.wait()
        return super().commit_all(deliveries, now)


def test_a_full_queue_refuses_and_what_was_acknowledged_is_there(database: Database) -> None:
    slow = SlowLedger(database, SCHEMAS)
    with collecting(database, SCHEMAS, ledger=slow, waiting=2) as collector, ThreadPoolExecutor(16) as pool:
        url = f"{collector.client.base_url}/v1/predictions"
        answers = list(pool.map(lambda n: httpx.post(url, json=[prediction(n)], timeout=30), range(60)))
    refused = [answer for answer in answers if answer.status_code == 429]
    taken = [answer for answer in answers if answer.status_code == 200]
    assert len(refused) + len(taken) == 60
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert all(answer.json()["errors"][0]["fix"] for answer in refused)
    assert book(database) == (len(taken), len(taken), 0, 0)
    assert sum(p.rows for key, p in counted(database).items() if not key.segment) == len(taken)


def gated(database: Database, waiting: int = 4) -> tuple[Intake, threading.Event]:
    ledger = GatedLedger(database, SCHEMAS)
    ledger.gate = threading.Event()
    return Intake(ledger, waiting), ledger.gate


def test_closing_commits_what_waits_and_refuses_the_rest(database: Database) -> None:
    intake, gate = gated(database)
    taken = [intake.submit(Delivery("test", validated([prediction(n)]), str(n))) for n in range(4)]
    closing = threading.Thread(target=intake.close)
    closing.start()
    while not intake.full:
        time.sleep(0.001)
    with pytest.raises(BusyError):
        intake.submit(Delivery("test", validated([prediction(9)]), "late"))
    gate.set()
    closing.join()
    intake.close()
    assert [future.result(5)[0].accepted for future in taken] == [1, 1, 1, 1]
    assert book(database) == (4, 4, 0, 0)


def test_a_request_that_was_given_up_does_not_stop_the_others(database: Database) -> None:
    intake, gate = gated(database)
    first = intake.submit(Delivery("test", validated([prediction(0)]), "0"))
    while not first.running():  # or the second might go with it
        time.sleep(0.001)
    taken = [first]
    taken += [intake.submit(Delivery("test", validated([prediction(n)]), str(n))) for n in (1, 2)]
    assert taken[1].cancel()
    gate.set()
    assert taken[2].result(5)[0].accepted == 1
    assert intake.submit(Delivery("test", validated([prediction(9)]), "9")).result(5)[0].accepted == 1
    intake.close()
    assert book(database) == (3, 3, 0, 0)


def test_a_commit_that_fails_is_told_and_the_next_goes_on(database: Database) -> None:
    intake = Intake(Ledger(database, {}))
    with pytest.raises(KeyError):
        intake.submit(Delivery("test", validated([prediction(1)]), "1")).result(5)
    assert intake.submit(Delivery("test", Batch({}), "2")).result(5)[0].received == 0
    intake.close()


def test_a_locked_database_is_503_and_the_same_request_succeeds_later(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.store.database.BUSY_SECONDS", 0.05)
    impatient = Database(tmp_path / "modelwatch.db")
    with collecting(impatient, SCHEMAS) as collector:
        with database.write():
            answer = collector.post("/v1/events", [prediction(1)], Idempotency_Key="k")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "database" in answer.json()["errors"][0]["reason"]
        assert collector.post("/v1/events", [prediction(1)], Idempotency_Key="k").json()["accepted"] == 1
    impatient.close()
    assert commit(Ledger(database, SCHEMAS), [prediction(1)], "again").duplicate == 1
