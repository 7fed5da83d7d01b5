"""HTTP into a database, through `modelwatch serve` that is killed again and again."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from collector.store.database import Database
from modelwatch import schema
from tests.collector.collecting import SCHEMA, fix_shape
from tests.databases import location
from tests.faults.clients import Clients
from tests.faults.finding import Undisturbed
from tests.faults.killing import Pace, kill_at_random
from tests.faults.result import Result, tracebacks
from tests.faults.traffic import traffic
from tests.modelwatch.processes import ServiceProcess

PER = 40


@dataclass
class Replica:
    """A service that may be killed."""

    service: ServiceProcess

    def kill(self) -> None:
        """End it as the power does."""
        self.service.kill()

    def restart(self) -> None:
        """Start it again."""
        self.service.start(wait=False)

    def wait(self) -> None:
        """Wait until it answers."""
        self.service.wait()


def monitor_file(folder: Path) -> Path:
    """The monitor file of model `m`."""
    content = SCHEMA.model_dump(mode="json", include={"model", "task", "features", "segments"})
    path = folder / "monitor.yaml"
    path.write_text(yaml.safe_dump(content | {"window": "1h"}), encoding="utf-8")
    return path


def prepared(where: Path | str) -> Database:
    """A database with every table, and with the shape of model `m` fixed."""
    database = Database(where)
    schema.upgrade(database)
    fix_shape(database)
    return database


@contextlib.contextmanager
def serving(
    where: Path | str, folder: Path, replicas: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[list[ServiceProcess]]:
    """Services on a database, ended at the end."""
    monitor = monitor_file(folder)
    started = []
    for number in range(replicas):
        data = where.parent if isinstance(where, Path) else folder / str(number) / "data"
        data.mkdir(parents=True, exist_ok=True)
        arguments = () if isinstance(where, Path) else ("--database", where)
        started.append(ServiceProcess(monitor, data, arguments, dict(environment or {})))
    try:
        for one in started:
            one.start()
        yield started
    finally:
        for one in started:
            if one.process is not None and one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.kill()


def crash_http(kind: str, folder: Path, kills: int, size: int, seed: int = 1, replicas: int = 1) -> Result:
    """Send traffic while the service is killed and started again.

    Args:
        kind: of the database.
        folder: for its files.
        kills: how many.
        size: how many predictions, with as many labels.
        seed: of everything random.
        replicas: how many services share the database.
    """
    begin = time.monotonic()
    made = traffic(size, PER, seed)
    (folder / "data").mkdir()
    with location(kind, folder / "data") as where, contextlib.closing(prepared(where)) as database:
        with serving(where, folder, replicas) as services:
            clients = Clients([one.url for one in services], seed)
            pace = Pace(kills, len(made.parcels))
            targets = [Replica(one) for one in services]
            with ThreadPoolExecutor(1) as pool:
                sending = pool.submit(clients.send, made.parcels, pace.wait)
                kill_at_random(targets, kills, seed, pace, clients.acknowledged)
                sending.result()
            for one in services:
                one.wait()
            codes = [one.stop() for one in services]
            logs = "".join(one.log.read_text(encoding="utf-8") for one in services)
        finding = Undisturbed.of(made.good).found(database)
    faults = finding.faults(len(made.good), made.bad)
    faults += [f"a service ended with {code}" for code in codes if code]
    faults += tracebacks(logs)
    sent = sum(len(parcel.lines) for parcel in made.parcels)
    seconds = time.monotonic() - begin
    path = f"HTTP to {'SQLite' if kind == 'sqlite' else 'PostgreSQL'}"
    return Result(path, pace.done, sent, finding, seconds, dict(clients.seen), tuple(faults))
