"""Workers that write the same models of one database at the same time: as if one had written everything."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.store.database import Database
from tests.collector.collecting import SCHEMAS, prediction
from tests.collector.serving import collecting
from tests.faults.finding import Undisturbed
from tests.faults.traffic import good_events

ROOT = Path(__file__).parents[2]
Deliveries = list[tuple[str, list[Any]]]


def shares(events: list[Any], workers: int, dice: random.Random) -> list[Deliveries]:
    """Each event goes to one worker at least; some deliveries and some events go to several."""
    events = list(events)
    dice.shuffle(events)
    made: list[Deliveries] = [[] for _ in range(workers)]
    at = 0
    while at < len(events):
        batch = events[at : at + dice.randint(1, 60)]
        at += len(batch)
        kind = dice.random()
        if kind < 0.2:  # the same delivery, at about the same time
            for one in made:
                one.append((f"same-{at}", batch))
        elif kind < 0.4:  # the same events in deliveries of their own
            for number, one in enumerate(made):
                one.append((f"{number}-{at}", dice.sample(batch, len(batch))))
        else:
            dice.choice(made).append((f"once-{at}", batch))
    return made


def written(where: Path | str, folder: Path, made: list[Deliveries]) -> None:
    """Let each worker write its share, all at the same time."""
    processes = []
    try:
        for number, deliveries in enumerate(made):
            file = folder / f"{number}.jsonl"
            file.write_text("\n".join(map(json.dumps, deliveries)), encoding="utf-8")
            command = [sys.executable, "-m", "tests.faults.writer", str(where), str(file)]
            pipe = subprocess.PIPE
            processes.append(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True))
        for one in processes:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in processes:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        assert [one.wait(120) for one in processes] == [0] * len(processes)
    finally:
        for one in processes:
            one.kill()
            one.communicate()


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 6))])
def test_any_share_of_the_events_equals_one_worker(where: Path | str, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    events = good_events(300)
    made = shares(events, 2 + seed % 2, dice)
    written(where, tmp_path, made)
    sent = sum(len(batch) for deliveries in made for _, batch in deliveries)
    with contextlib.closing(Database(where)) as database:
        found = Undisturbed.of(events).found(database)
    assert found.faults(len(events), 0, sent) == []
    assert found.duplicate == sent - len(events) > 0


def test_the_same_key_to_two_services_at_the_same_moment_counts_once(where: Path | str) -> None:
    body = json.dumps([prediction(n) for n in range(40)])
    with (
        contextlib.closing(Database(where)) as one,
        contextlib.closing(Database(where)) as other,
        collecting(one, SCHEMAS) as first,
        collecting(other, SCHEMAS) as second,
        ThreadPoolExecutor(8) as pool,
    ):
        urls = [f"{service.client.base_url}/v1/events" for service in (first, second)]

        def send(number: int) -> httpx.Response:
            headers = {"Idempotency-Key": f"k{number // 4}", "Content-Type": "application/json"}
            return httpx.post(urls[number % 2], content=body, headers=headers, timeout=60)

        answers = list(pool.map(send, range(48)))
        assert {answer.status_code for answer in answers} == {200}
        for at in range(0, 48, 4):
            assert len({answer.text for answer in answers[at : at + 4]}) == 1
        replayed = sum("Idempotent-Replayed" in answer.headers for answer in answers)
        assert replayed == 36
        found = Undisturbed.of([prediction(n) for n in range(40)]).found(one)
        assert found.faults(40, 0, 48 * 40) == []
