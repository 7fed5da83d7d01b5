"""Leadership: one process of all evaluates, and when it dies another takes over, at once and where it was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from alerts import tables as alerting
from alerts.audit import first_broken
from collector.store.database import Database
from collector.store.ledger import Ledger
from modelwatch import schema
from modelwatch.leader import Fenced, Leader, NotLeadingError, SessionLeader, leader_of
from tests.collector.collecting import balanced, book, commit
from tests.databases import KINDS, created, location, postgres_url
from tests.modelwatch.flows import HOUR, START, Workplace, events_of, traffic
from tests.modelwatch.processes import PATIENCE, ROOT, ServiceProcess, free_port, send

Candidates = tuple[Database, Leader, Leader]
SOON = 5.0  # seconds


@pytest.fixture(params=KINDS)
def candidates(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Candidates]:
    with created(request.param, tmp_path) as database:
        pair = leader_of(database, tmp_path), leader_of(database, tmp_path)
        yield database, *pair
        for leader in pair:
            leader.close()


def test_one_leads_until_it_resigns(candidates: Candidates) -> None:
    _, one, other = candidates
    assert one.lead()
    assert one.lead()
    assert not other.lead()
    one.close()
    assert other.lead()


def test_only_the_leader_writes(candidates: Candidates) -> None:
    database, one, other = candidates
    one.lead()
    other.lead()
    for leader in (one, other):
        fenced = Fenced(database, leader)
        assert fenced.led() == leader.leading
    with pytest.raises(NotLeadingError), Fenced(database, other).write():
        pass
    with Fenced(database, one).write() as connection:
        connection.execute(alerting.progress.insert().values(model="m", judged_until=1, trackers={}))


def test_a_leader_whose_connection_is_lost_writes_nothing_more() -> None:
    with postgres_url() as url:
        database = Database(url)
        schema.upgrade(database)
        one, other = SessionLeader(database.url), SessionLeader(database.url)
        assert one.lead()
        with database.write() as connection:
            connection.execute(sa.select(sa.func.pg_terminate_backend(one._process)))
        gone = sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
        deadline = time.monotonic() + SOON
        with database.read() as connection:
            while connection.execute(gone, {"pid": one._process}).scalar():
                assert time.monotonic() < deadline
        assert one.leading  # it does not know yet, but its transactions do
        with pytest.raises(NotLeadingError), Fenced(database, one).write():
            pass
        deadline = time.monotonic() + SOON
        while not other.lead():
            assert time.monotonic() < deadline
        assert not one.lead()
        one.close()
        other.close()
        database.close()


@dataclass
class Evaluator:
    """A process `modelwatch evaluate`."""

    process: subprocess.Popen[bytes]
    url: str

    def leads(self) -> bool | None:
        """Whether it says that it leads; None while it does not answer."""
        try:
            text = httpx.get(f"{self.url}/metrics", timeout=PATIENCE).text
        except httpx.TransportError:
            return None
        found = re.search(r"^modelwatch_leader (\S+)", text, re.MULTILINE)
        return found is not None and float(found[1]) == 1.0


@contextmanager
def evaluator(place: Workplace, where: Path | str) -> Iterator[Evaluator]:
    port = free_port()
    command = [sys.executable, "-m", "modelwatch", "evaluate", "--port", str(port)]
    command += ["--monitor", str(place.folder / "monitor.yaml")]
    command += ["--data", str(place.folder / "data")]
    command += ["--database", where] if isinstance(where, str) else []
    with (place.folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stderr=log, env=dict(os.environ))
    yield Evaluator(process, f"http://127.0.0.1:{port}")
    if process.poll() is None:
        process.terminate()
        process.wait(PATIENCE)
    assert "Traceback" not in (place.folder / f"{port}.log").read_text(encoding="utf-8")


def wait(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def judged(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(alerting.progress.c.judged_until)).scalar() or 0


def opened(place: Workplace, kind: str, stack: ExitStack) -> tuple[Path | str, Database]:
    """A database with a reference, for the commands and for the test."""
    (place.folder / "data").mkdir()
    where = stack.enter_context(location(kind, place.folder / "data"))
    database = Database(where)
    stack.callback(database.close)
    schema.upgrade(database)
    return where, database


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_standby_takes_over_when_the_leader_is_killed(workplace: Workplace, kind: str) -> None:
    monitor = workplace.monitor(segments=None)
    events = [event for event in events_of(traffic(8)) if event["kind"] == "prediction"]
    with ExitStack() as stack:
        where, database = opened(workplace, kind, stack)
        ledger = Ledger(database, {"m": monitor})
        pair = [stack.enter_context(evaluator(workplace, where)) for _ in range(2)]
        wait(lambda: sorted(map(Evaluator.leads, pair), key=str) == [False, True])
        commit(ledger, events[:500], "1")
        wait(lambda: judged(database) >= (START + 4 * HOUR) * 1e6)
        first, second = sorted(pair, key=lambda one: not one.leads())
        first.process.kill()
        first.process.wait()
        began = time.monotonic()
        wait(second.leads, SOON)
        commit(ledger, events[500:], "2")
        wait(lambda: judged(database) >= (START + 7 * HOUR) * 1e6)
        assert time.monotonic() - began < 2 * SOON
        with database.read() as connection:
            query = sa.select(alerting.verdicts.c.start).filter_by(signal="quality.freshness")
            starts = list(connection.execute(query.order_by(alerting.verdicts.c.id)).scalars())
            assert first_broken(connection) is None
        assert starts == [(START + hour * HOUR) * 1_000_000 for hour in range(7)]


@pytest.mark.slow
def test_two_services_share_a_database(workplace: Workplace) -> None:
    """Both take events, the same ones too; what is counted and judged is as of one."""
    workplace.monitor()
    events = events_of(traffic(6))
    with ExitStack() as stack:
        where, database = opened(workplace, "postgres", stack)
        services = []
        for name in ("one", "two"):
            (workplace.folder / name).mkdir()
            service = ServiceProcess(
                workplace.folder / "monitor.yaml",
                workplace.folder / name / "data",
                ("--database", str(where)),
            )
            service.start(wait=False)
            services.append(service)
        for service in services:
            service.wait()
        accepted = [0, 0]
        for at in range(0, len(events), 200):
            for place in (0, 1) if at % 400 else (1, 0):
                receipt = send(services[place].url, f"{place}-{at}", events[at : at + 200])
                accepted[place] += receipt["accepted"]
        wait(lambda: judged(database) >= (START + 5 * HOUR) * 1e6)
        assert min(accepted) > 0
        assert book(database)[:3] == (2 * len(events), len(events), len(events))
        assert balanced(database)
        pages = [httpx.get(f"{service.url}/v1/status").json()["models"] for service in services]
        assert pages[0] == pages[1]
        assert [service.stop() for service in services] == [0, 0]
        assert len(list(workplace.folder.rglob("log/**/*.parquet"))) > 0
