"""kill -9 of a collector between halves, or while it pairs: no prediction is lost or counted twice."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from collector.sources import waiting
from collector.store.database import Database
from tests.collector.collecting import balanced, book, counted, same
from tests.modelwatch.processes import PATIENCE, ROOT, free_port
from tests.sources.contract import Place, direct, events
from tests.sources.loggers import Logger

SENT = 300
KILLS = 4


@dataclass
class Process:
    """A collector that may be killed and started again on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.sources.standalone", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Process]:
    started = Process(tmp_path)
    Place(tmp_path).database.close()
    started.start()
    yield started
    started.kill()


def send(url: str) -> None:
    """Send every half until it is answered with 200, as a logger with a queue would."""
    logger, limit = Logger("client", "v1"), time.monotonic() + PATIENCE
    with httpx.Client(base_url=url, timeout=10) as client:
        for event in events(SENT):
            for half in logger.halves(event):
                while time.monotonic() < limit:
                    try:
                        if logger.post(client, half).status_code == 200:
                            break
                    except httpx.TransportError:
                        time.sleep(0.02)


@pytest.mark.timeout(180)
@pytest.mark.slow
def test_kill_9_between_halves(collector: Process, tmp_path: Path) -> None:
    wanted = direct(tmp_path / "direct", events(SENT))
    dice = random.Random(3)  # noqa: S311 - no secret
    url = f"http://127.0.0.1:{collector.port}"
    client = threading.Thread(target=send, args=(url,))
    client.start()
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.8, 1.8))
        collector.kill()
        collector.start()
    client.join()
    database = Database(tmp_path / "modelwatch.db")
    limit = time.monotonic() + PATIENCE
    while book(database)[1] < SENT and time.monotonic() < limit:
        time.sleep(0.1)
    assert same(counted(database), wanted)
    received, accepted, duplicate, _ = book(database)
    assert accepted == SENT
    assert balanced(database)
    with database.read() as connection:  # what was sent again after its answer was lost
        assert waiting.count(connection, "kserve") + received - SENT <= 2 * KILLS
    assert duplicate <= KILLS
    assert "modelwatch_waiting_halves" in httpx.get(f"{url}/metrics").text
    database.close()
