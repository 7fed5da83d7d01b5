"""`modelwatch collect` as processes of their own, as users run them."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from collector.sources.kafka import Kafka
from collector.store.database import Database
from collector.store.positions import positions
from modelwatch import schema
from tests.collector.collecting import SCHEMA, fix_shape
from tests.databases import location
from tests.kafka.working import until

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@dataclass
class Workplace:
    """A database, a monitor file and a source file, and the processes that work with them."""

    folder: Path
    where: Path | str
    source: Kafka
    database: Database
    processes: list[Collect] = field(default_factory=list)

    def start(self, *arguments: str) -> Collect:
        """Start one more worker."""
        one = Collect(self, len(self.processes), arguments)
        self.processes.append(one)
        return one

    def positions(self) -> dict[str, int]:
        """The positions in the database."""
        return positions(self.database, self.source.source)

    def done(self) -> int:
        """How many messages are committed."""
        return sum(self.positions().values())

    def reach(self, ends: dict[str, int]) -> None:
        """Wait until the positions in the database are these."""
        until(lambda: self.positions() == ends, f"{ends} was not reached")

    def log(self) -> str:
        """What all of them wrote."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("collect-*.log")))


class Collect:
    """One worker."""

    def __init__(self, place: Workplace, number: int, arguments: tuple[str, ...]) -> None:
        command = [sys.executable, "-m", "modelwatch", "collect"]
        command += [
            "--monitor",
            str(place.folder / "monitor.yaml"),
            "--source",
            str(place.folder / "kafka.yaml"),
        ]
        if isinstance(place.where, Path):
            command += ["--data", str(place.where.parent)]
        else:
            command += ["--database", place.where]
        self.log = place.folder / f"collect-{number}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*command, *arguments], cwd=ROOT, stderr=log, stdout=log)

    def kill(self) -> None:
        """End it as the power does."""
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as a supervisor does; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def workplace(kind: str, folder: Path, source: Kafka) -> Iterator[Workplace]:
    """A place to work, with the shape of model `m` fixed; its processes are ended at the end."""
    monitor = SCHEMA.model_dump(mode="json", include={"model", "task", "features", "segments"})
    (folder / "monitor.yaml").write_text(yaml.safe_dump(monitor | {"window": "1h"}), encoding="utf-8")
    content = source.model_dump(mode="json", exclude_none=True)
    (folder / "kafka.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with location(kind, folder) as where:
        database = Database(where)
        schema.upgrade(database)
        fix_shape(database)
        place = Workplace(folder, where, source, database)
        try:
            yield place
        finally:
            for one in place.processes:
                if one.process.poll() is None:
                    one.kill()
            database.close()


def scraped(port: int, path: str = "metrics") -> str:
    """A page of a worker, once it answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/{path}")
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            continue
        assert answer.status_code == 200
        return answer.text
