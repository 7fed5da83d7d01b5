"""Traffic of two versions in two environments, in which something gets slower or fails at a known hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from detectors.diagnosis.origin import RequestSeries
from profiles import LatencyGrid, LatencySummary, Status

HOUR = 3_600_000_000
HOURS, FROM = 100, 60
GRID = LatencyGrid()


@dataclass(frozen=True)
class Cell:
    """The requests of an hour from a version in an environment."""

    hour: int
    version: str
    environment: str

    @property
    def late(self) -> bool:
        return self.hour >= FROM


def canary(cell: Cell) -> float:
    """v8 comes beside v7 with three in ten requests."""
    return (0.7 if cell.late else 1.0) if cell.version == "v7" else 0.3 * cell.late


def replaced(cell: Cell) -> float:
    return float((cell.version == "v8") == cell.late)


def alone(cell: Cell) -> float:
    return float(cell.version == "v7")


def moved(cell: Cell) -> float:
    """Traffic moves from eu to us."""
    return alone(cell) * (
        (0.3 if cell.late else 1.7) if cell.environment == "eu" else 1.7 if cell.late else 0.3
    )


def series(
    traffic: Callable[[Cell], float],
    slow: Callable[[Cell], bool],
    failing: Callable[[Cell], bool] = lambda _: False,
    rows: int = 1000,
) -> RequestSeries:
    """Windows of an hour; what is slow takes twice as long, what fails does so one time in twenty.

    Latency has hours of the day: up to a fifth more or less.
    """
    rng = np.random.default_rng(7)
    whole: dict[int, LatencySummary] = {}
    parts: dict[str, dict[str, dict[int, LatencySummary]]] = {"version": {}, "environment": {}}
    for hour in range(HOURS):
        for version in ("v7", "v8"):
            for environment in ("eu", "us"):
                cell = Cell(hour, version, environment)
                count = round(rows / 2 * traffic(cell))
                if not count:
                    continue
                day = 20.0 * (1 + 0.2 * np.sin(2 * np.pi * hour / 24)) * (2 if slow(cell) else 1)
                bad = rng.random(count) < (0.05 if failing(cell) else 0.002)
                ended = np.where(bad, Status.SERVER, Status.OK).astype(np.float64)
                window = GRID.summarize(rng.lognormal(np.log(day), 0.6, count), ended)
                own = (
                    parts["version"].setdefault(version, {}),
                    parts["environment"].setdefault(environment, {}),
                )
                for held in (whole, *own):
                    held[hour * HOUR] = held.get(hour * HOUR, GRID.zero()) + window
    found: Mapping[str, Mapping[str, Mapping[int, LatencySummary]]] = parts
    return RequestSeries(whole, lambda _: found)
