"""kill -9 at random moments, over every path into the database: what is lost, and what is counted twice.

Two lanes at a time: HTTP into SQLite, then into PostgreSQL (two services); Kafka into SQLite, then into
PostgreSQL (two workers each, and one kill -9 of the broker). Each path is compared with a run of the same
events in which nothing happens.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from tests.databases import postgres_url
from tests.faults.http_path import crash_http
from tests.faults.kafka_path import crash_kafka
from tests.faults.result import Result
from tests.kafka import broker
from tests.kafka.cluster import shared

KILLS = 200
PER_KILL = {"http": 300, "kafka": 250}  # predictions, and as many labels
PACKAGES = ("modelwatch", "sqlalchemy", "psycopg", "kafka-python", "uvicorn", "numpy")
COLUMNS = (
    *("path", "kills", "sent", "received", "accepted", "duplicate", "rejected"),
    *("lost", "twice", "profiles", "books", "seconds"),
)


def shares(kills: int) -> dict[str, int]:
    """How many kills each path gets, so that both lanes take about as long: a service takes longer to start.

    >>> sum(shares(201).values())
    201
    """
    kafka = kills * 3 // 10
    http = (kills - 2 * kafka) // 2
    return {
        "http-sqlite": kills - 2 * kafka - http,
        "http-postgres": http,
        "kafka-sqlite": kafka,
        "kafka-postgres": kafka,
    }


def over_http(folder: Path, kills: Mapping[str, int], seed: int) -> list[Result]:
    """The lane of HTTP."""
    results = []
    for kind, replicas in (("sqlite", 1), ("postgres", 2)):
        place = folder / f"http-{kind}"
        place.mkdir()
        share = kills[place.name]
        results.append(crash_http(kind, place, share, PER_KILL["http"] * share, seed, replicas))
        told(results[-1])
    return results


def over_kafka(folder: Path, kills: Mapping[str, int], seed: int) -> list[Result]:
    """The lane of Kafka; it needs java, and mvn to fetch the broker."""
    if broker.jars() is None:
        print("no Apache Kafka: it needs java, and mvn to fetch it", file=sys.stderr)
        return []
    results = []
    with shared(folder / "kafka") as cluster:
        for kind in ("sqlite", "postgres"):
            share = kills[f"kafka-{kind}"]
            size = PER_KILL["kafka"] * share
            results.append(crash_kafka(kind, folder / f"kafka-{kind}", cluster, share, size, seed))
            told(results[-1])
    return results


def row(result: Result) -> list[str]:
    """A result as the table shows it."""
    found = result.finding
    numbers = [result.kills, result.sent, found.received, found.accepted, found.duplicate, found.rejected]
    numbers += [found.lost, found.twice]
    equal = "equal" if found.equal and found.labels else "DIFFER"
    balance = "balance" if found.balanced else "DO NOT"
    return [result.path, *(f"{number:,}" for number in numbers), equal, balance, f"{result.seconds:.0f}"]


def told(result: Result) -> None:
    """Print a row, and what is wrong with it."""
    print(line(row(result)), flush=True)
    for fault in result.faults:
        print(f"  WRONG: {fault}", flush=True)


def line(cells: list[str]) -> str:
    """A line of the table."""
    return f"{cells[0]:20}" + "".join(f"{cell:>11}" for cell in cells[1:])


def versions() -> dict[str, str]:
    """Of everything that takes part."""
    found = {name: version(name) for name in PACKAGES}
    with postgres_url() as url, psycopg.connect(url.replace("+psycopg", "")) as connection:
        found["postgresql"] = connection.execute("SHOW server_version").fetchall()[0][0]
    return found | {
        "sqlite": sqlite3.sqlite_version,
        "kafka": broker.VERSION,
        "python": platform.python_version(),
    }


def cpu() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [one.partition(":")[2].strip() for one in lines if one.startswith("model name")]
    return names[0] if names else platform.machine()


def run(kills: int, seed: int) -> list[Result]:
    """Run both lanes; the results of every path."""
    lanes: tuple[Callable[[Path, Mapping[str, int], int], list[Result]], ...] = (over_http, over_kafka)
    with tempfile.TemporaryDirectory(prefix="modelwatch-crash-") as folder, ThreadPoolExecutor(2) as pool:
        running = [pool.submit(lane, Path(folder), shares(kills), seed) for lane in lanes]
        return [result for lane in running for result in lane.result()]


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line.

    Raises:
        SystemExit: something was lost or counted twice, or was otherwise wrong, or a path could not be run.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    begin = time.monotonic()
    known = versions()  # starts PostgreSQL, before both lanes want it
    print(line(list(COLUMNS)), flush=True)
    results = run(given.kills, given.seed)
    wrong = sum(len(result.faults) for result in results) + len(shares(given.kills)) - len(results)
    done = sum(result.kills for result in results)
    seconds = time.monotonic() - begin
    print(f"{done} kills in {seconds:.0f} s: {'nothing is wrong' if not wrong else f'{wrong} FAULTS'}")
    if given.json:
        figures: dict[str, Any] = {"kills": done, "seconds": seconds, "faults": wrong}
        figures |= {"paths": [asdict(result) for result in results], "seed": given.seed}
        print(json.dumps(figures | {"versions": known, "cpu": cpu()}))
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
