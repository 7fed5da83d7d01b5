"""kill -9 at any moment, and a restart: nothing is lost, counted twice or judged otherwise."""

from __future__ import annotations

import random
import re
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from collector.store.database import Database
from collector.summarize import Key
from profiles import Profile
from tests.collector.collecting import counted, same
from tests.modelwatch.flows import HOUR, START, Workplace, events_of, traffic
from tests.modelwatch.processes import ServiceProcess, send

NUMBER = re.compile(r"-?\d+\.\d+(?:[eE][-+]?\d+)?")
TABLES = {
    "verdicts": "*",
    "incidents": "*",
    "timeline": "id, incident, at, kind, text",
    "notifications": "id, incident, model, notifier, kind, at, payload",
    "deployments": "*",
    "progress": "*",
    "deliveries": "source, key, receipt",
    "rejected": "source, key, model, kind, row, field, value, reason, raw",
    "models": "model, shape, reference, watermark",
}


def batches(hours: int, size: int) -> list[tuple[str, list[dict[str, Any]]]]:
    """A fault of a release, with the release, in event time; a few events are bad, a few come twice.

    None is late: whether its window's verdict knows of it depends on how quick the judge is.
    """
    events = events_of(traffic(hours, seed=2, bad_from=hours - 8))
    release = {"kind": "deployment", "model": "m", "version": "v2", "timestamp": START + (hours - 8.0) * HOUR}
    events = sorted([*events, release], key=lambda event: event["timestamp"])
    events[500:500] = [
        {"kind": "prediction", "model": "m", "id": "bad", "timestamp": events[499]["timestamp"], "score": 7},
        events[499],
    ]
    pieces = [events[at : at + size] for at in range(0, len(events), size)]
    return [(f"b{number}", piece) for number, piece in enumerate(pieces)]


def rounded(value: Any) -> Any:
    """A value, the numbers in it to six digits: sums of fractions depend on how restarts have cut them."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return NUMBER.sub(lambda found: f"{float(found[0]):.6g}", value) if isinstance(value, str) else value


def outcome(service: ServiceProcess) -> tuple[dict[str, list[tuple[Any, ...]]], dict[Key, Profile]]:
    """All that the service knows, and its profiles."""
    queries = {table: f"SELECT {names} FROM {table}" for table, names in TABLES.items()}  # noqa: S608
    found = {table: sorted(service.rows(query), key=repr) for table, query in queries.items()}
    with closing(Database(service.data / "modelwatch.db")) as database:
        profiles = counted(database)
    found = {table: [tuple(map(rounded, row)) for row in rows] for table, rows in found.items()}
    books = service.rows("SELECT sum(accepted), sum(rejected) FROM books")
    (balance,) = service.rows("SELECT sum(received - accepted - duplicate - rejected) FROM books")[0]
    assert balance == 0
    return found | {"books": books}, profiles


def stream(service: ServiceProcess, sent: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Send everything, and wait until it has been judged."""
    for key, events in sent:
        send(service.url, key, events)
    service.settled(max(event["timestamp"] for _, events in sent for event in events) // HOUR * HOUR)


def killed(service: ServiceProcess, sent: list[tuple[str, list[dict[str, Any]]]], kills: int) -> None:
    """Stream while the service is killed at random moments, and started again."""
    dice = random.Random(kills)  # noqa: S311 - no secret
    client = threading.Thread(target=stream, args=(service, sent))
    client.start()
    while kills and client.is_alive():
        time.sleep(dice.uniform(0.02, 0.5))
        service.kill()
        kills -= 1
        service.start(wait=dice.random() < 0.8)
    client.join()
    assert kills == 0, "the client was done before the last kill: send more"


def compare(workplace: Workplace, hours: int, kills: int, size: int) -> None:
    reference = workplace.file("reference", traffic(40, seed=1, first=START - 100 * HOUR))
    rules = [{"name": "bad-release", "after_deployment": "6h"}, {"name": "other"}]
    workplace.monitor(
        reference={"kind": "file", "path": str(reference)}, alerts={"rules": rules, "notifiers": {}}
    )
    sent = batches(hours, size)
    found = []
    for name, times in (("calm", 0), ("killed", kills)):
        folder = workplace.folder / name
        folder.mkdir()
        service = ServiceProcess(workplace.folder / "monitor.yaml", folder / "data")
        service.start()
        killed(service, sent, times) if times else stream(service, sent)
        service.wait()
        assert service.stop() == 0
        found.append(outcome(service))
        assert "Traceback" not in service.log.read_text(encoding="utf-8")
    (calm, calm_profiles), (shaken, shaken_profiles) = found
    assert same(calm_profiles, shaken_profiles)
    for table in calm:
        assert calm[table] == shaken[table], table
    assert {row[1] for row in calm["incidents"]}


def test_kill_9_and_restart_changes_nothing(workplace: Workplace) -> None:
    compare(workplace, hours=12, kills=2, size=120)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_9_many_times_changes_nothing(workplace: Workplace) -> None:
    compare(workplace, hours=150, kills=25, size=60)
