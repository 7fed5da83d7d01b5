"""kill -9 while labels are corrected again and again: no correction is lost, none counts twice."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from collector.store.database import Database
from profiles import Profile
from tests.collector.collecting import HOUR, balanced, counted, label, prediction

ROOT = Path(__file__).parents[2]
IDS, TURNS = 50, 60


def deliveries() -> list[tuple[str, list[dict[str, Any]]]]:
    """Predictions, and labels that change with every delivery; no delivery has a key that would save it."""
    made: list[tuple[str, list[dict[str, Any]]]] = [("", [prediction(n) for n in range(IDS)])]
    return made + [
        ("", [label(n, HOUR * (1 + turn / 4), label=(n * turn // 7) % 2) for n in range(IDS)])
        for turn in range(TURNS)
    ]


def run(where: Path | str, file: Path, patience: float | None) -> bool:
    """Commit everything, from the beginning; returns whether the worker got through before it was killed."""
    command = [sys.executable, "-m", "tests.faults.writer", str(where), str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdin is not None
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
        one.stdin.write("\n")
        one.stdin.flush()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return one.wait(patience) == 0
        one.kill()
        return False


@pytest.mark.slow
def test_corrections_survive_kills(where: Path | str, tmp_path: Path) -> None:
    file, made, dice = tmp_path / "deliveries.jsonl", deliveries(), random.Random(4)  # noqa: S311 - no secret
    file.write_text("\n".join(map(json.dumps, made)), encoding="utf-8")
    for _ in range(4):
        run(where, file, dice.uniform(0.02, 0.4))
    while not run(where, file, None):
        time.sleep(0.1)
    with contextlib.closing(Database(where)) as database:
        found = counted(database).items()
        whole = sum((p for key, p in found if key.known and not key.segment), Profile())
        last = {event["id"]: event["label"] for _, events in made[1:] for event in events}
        part = whole.parts["performance"]
        assert (whole.rows, part.positives.total) == (IDS, sum(last.values()))
        assert part.negatives.total == IDS - sum(last.values())
        assert balanced(database)
