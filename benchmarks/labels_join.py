"""The label join: labels a second beside an indexed table, and 30 days of delay within a bounded state."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from benchmarks.labels_peer import Table
from benchmarks.traffic import cpu_of
from collector.batch import Batch, Coded, Labels, Predictions
from collector.delivery import Delivery
from collector.schema import Schema
from collector.store import tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.read import Reader
from profiles.counts import Floats, Ints
from profiles.profile import total
from tests.databases import created

START, HOUR, DAY = 1_714_521_600_000_000, 3_600_000_000, 24
HOURS = 24
FILL = 100_000  # predictions of a commit
ROUNDS = {10_000: 10, 100_000: 4}  # batches that are timed, by their size
RATE = 1000 * 3600  # predictions an hour
DELAY = 30 * DAY  # hours
TASK = {"task": "binary", "features": {"x": "numeric"}, "window": "1h", "sample": {"rows": 0}, "log": "none"}
CHANCE = 0.75  # that a prediction is right: the mean of max(s, 1 - s) for s uniform


@dataclass(frozen=True)
class Speed:
    """Labels a second of CPU, of this process, and with the database server's where there is one."""

    database: str
    waiting: int
    batch: int
    order: str
    system: str
    per_cpu: float
    per_cpu_with_server: float
    per_second: float


def predictions(ids: Any, times: Ints) -> Delivery:
    """Predictions with a uniform score that follows from the id, each right with the chance of its score."""
    count = ids.size
    score = scores(ids)
    version = Coded(np.zeros(count, np.int64), ("v1",))
    predicted = np.rint(score)
    rows = Predictions(ids, times, version, {"x": score}, predicted, score)
    return Delivery("benchmark", Batch({"bench": count}, {"bench": [rows]}))


def labels(ids: Any, times: Ints) -> Delivery:
    """The labels of predictions."""
    rows = Labels(ids, times, truth(ids))
    return Delivery("benchmark", Batch({"bench": ids.size}, labels={"bench": [rows]}))


def scores(ids: Any) -> Floats:
    """A uniform number from the low bits of a hash; the sampling knows the high ones."""
    found: Floats = (ids & np.uint64(0xFFFFF)).astype(np.float64) / (1 << 20)
    return found


def truth(ids: Any) -> Floats:
    """1 with the chance of the score, from other bits."""
    chance = (ids >> np.uint64(20) & np.uint64(0xFFFFF)).astype(np.float64) / (1 << 20)
    return np.where(chance < scores(ids), 1.0, 0.0)


def speeds(waiting: int) -> Iterator[Speed]:
    """How fast labels join with so many waiting predictions, and how fast with an indexed table."""
    for kind in ("sqlite", "postgres"):
        draw = np.random.default_rng(7)
        ids = draw.integers(0, 1 << 64, waiting, dtype=np.uint64)
        times = START + np.arange(waiting, dtype=np.int64) * (HOURS * HOUR) // waiting
        shuffled = draw.permutation(waiting)
        with tempfile.TemporaryDirectory() as folder, created(kind, Path(folder)) as database:
            schema = Schema.model_validate({"model": "bench", **TASK, "labels": {"most": 100 * waiting}})
            ledger = Ledger(database, {"bench": schema})
            for at in range(0, waiting, FILL):
                ledger.commit(predictions(ids[at : at + FILL], times[at : at + FILL]), 0)

            def joined(rows: Ints, ledger: Ledger = ledger, ids: Any = ids, times: Ints = times) -> None:
                ledger.commit(labels(ids[rows], times[rows] + HOUR), 0)

            yield from _timed(database, ("modelwatch", kind, waiting), joined, shuffled)
            _whole(database, waiting)
        with tempfile.TemporaryDirectory() as folder, created(kind, Path(folder)) as database:
            table = Table(database)
            for at in range(0, waiting, FILL):
                table.add(ids[at : at + FILL], times[at : at + FILL], scores(ids[at : at + FILL]))

            def updated(rows: Ints, table: Table = table, ids: Any = ids, times: Ints = times) -> None:
                table.label(ids[rows], times[rows] + HOUR, truth(ids[rows]))

            yield from _timed(database, ("indexed table", kind, waiting), updated, shuffled)


def _timed(
    database: Database, of: tuple[str, str, int], run: Callable[[Ints], None], shuffled: Ints
) -> Iterator[Speed]:
    """Time batches of labels; each prediction gets one: from the front in order, from the back at random."""
    system, kind, waiting = of
    left = np.ones(waiting, bool)
    for size, rounds in ROUNDS.items():
        for order in ("random", "in order"):
            every = shuffled if order == "random" else np.arange(waiting)
            rows = every[left[every]][: size * rounds]
            left[rows] = False
            own, server, began = time.process_time(), _server(database), time.monotonic()
            for at in range(0, rows.size, size):
                run(rows[at : at + size])
            own, server = time.process_time() - own, _server(database) - server
            spent = time.monotonic() - began
            figures = (rows.size / own, rows.size / (own + server), rows.size / spent)
            yield Speed(kind, waiting, size, order, system, *figures)


def _server(database: Database) -> float:
    """The CPU seconds of PostgreSQL's processes; SQLite runs in ours."""
    if not database.postgres:
        return 0.0
    with database.read() as connection:
        processes = connection.execute(sa.text("SELECT pid FROM pg_stat_activity")).scalars().all()
    return sum(map(cpu_of, processes))


def _whole(database: Database, waiting: int) -> None:
    """Every label has joined, or the figures say nothing."""
    expected = sum(2 * min(size * rounds, waiting) for size, rounds in ROUNDS.items())
    with database.read() as connection:
        reader = Reader(connection, "bench")
        found = sum(reader.labels(reader.starts("production"), 1 << 62).values())
    if found != expected:
        raise RuntimeError(f"{found} of {expected} labels have joined")


def delayed(most: int, days: int) -> dict[str, Any]:
    """Labels that come 30 days late, at 1,000 predictions a second, with room for `most` rows.

    The first hour is generated whole, and the join finds how much of it to sample. Of later hours only ids
    that may be in the sample are generated, one level more than the hour before: a binomial number of hashes
    below an edge, which is exactly what would be left of 3.6 million; the others would be counted as traffic,
    and touch nothing else.
    """
    horizon = f"{DELAY // DAY + 5}d"
    said = {"model": "bench", **TASK, "label_horizon": horizon, "labels": {"most": most}}
    schema = Schema.model_validate(said)
    with tempfile.TemporaryDirectory() as folder, created("sqlite", Path(folder)) as database:
        ledger = Ledger(database, {"bench": schema})
        began, peak, labelled, spent = time.process_time(), 0, 0, 0.0
        edges = [0]  # the level at which each hour is generated
        for hour in range(days * DAY):
            ids = _hour(hour, edges[hour])
            times = START + hour * HOUR + np.sort(np.random.default_rng(hour).integers(0, HOUR, ids.size))
            for at in range(0, ids.size, FILL):
                ledger.commit(predictions(ids[at : at + FILL], times[at : at + FILL]), 0)
            edges.append(max(_level(database) - 1, 0))
            if hour > DELAY:  # the first hour's is the one in which the sample was found
                late = _hour(hour - DELAY, edges[hour - DELAY])
                cpu = time.process_time()
                for at in range(0, late.size, FILL):
                    some = late[at : at + FILL]
                    ledger.commit(labels(some, np.full(some.size, START + hour * HOUR)), 0)
                spent += time.process_time() - cpu
                labelled += late.size
            peak = max(peak, _rows(database)) if not hour % DAY else peak
        return {
            "predictions_per_second": RATE // 3600,
            "days": days,
            "most": most,
            "level": _level(database),
            "rows_peak": max(peak, _rows(database)),
            "labels_sent": labelled,
            "labels_per_cpu": labelled / max(spent, 1e-9),
            "cpu_seconds": time.process_time() - began,
            **_kept(database, Path(folder)),
        }


def _hour(hour: int, level: int) -> Any:
    """The ids of an hour that are in a sample."""
    draw = np.random.default_rng(1_000_000 + hour)
    count = int(draw.binomial(RATE, 0.5**level)) if level else RATE
    return draw.integers(0, 1 << (64 - level), count, dtype=np.uint64)


def _level(database: Database) -> int:
    with database.read() as connection:
        query = sa.select(tables.label_samples.c.level).order_by(tables.label_samples.c.start.desc())
        return int(connection.execute(query.limit(1)).scalar() or 0)


def _rows(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.sum(tables.blocks.c.rows))).scalar() or 0)


def _kept(database: Database, folder: Path) -> dict[str, Any]:
    """What is on the disk and in memory, and the estimate."""
    with database.read() as connection:
        reader = Reader(connection, "bench")
        starts = reader.starts("production")[1:]
        found = total(reader.outcomes("production", starts).values()).parts["performance"]
        covered = reader.coverage(starts[:DAY], 1 << 62)
        size = sa.func.sum(sa.func.length(tables.chunks.c.ids) + sa.func.length(tables.chunks.c.columns))
        held = int(connection.execute(sa.select(size)).scalar() or 0)
    right, count = int(found.confusion[[0, 3]].sum()), found.count
    accuracy = right / count
    return {
        "join_bytes": held,
        "file_bytes": sum(one.stat().st_size for one in folder.iterdir()),
        "peak_mib": _peak(),
        "labels_joined": count,
        "coverage": sum(have for have, _ in covered.values()) / max(sum(n for _, n in covered.values()), 1),
        "accuracy": accuracy,
        "accuracy_error": (accuracy * (1 - accuracy) / count) ** 0.5,
        "accuracy_true": CHANCE,
    }


def _peak() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
