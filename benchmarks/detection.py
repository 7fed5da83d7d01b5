"""Detection: false alarms on healthy models, power on changed ones, beside peers in the same run."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from benchmarks import detection_alarms, detection_power, detection_vectors
from benchmarks.detection_alarms import Alarms, healthy
from benchmarks.detection_changes import CHANGES
from benchmarks.detection_peers import Outcome, Scene, compare
from benchmarks.detection_power import Power, power
from benchmarks.detection_real import real
from benchmarks.detection_stream import Plan
from benchmarks.traffic import machine
from benchmarks.worlds import WORLDS, World

IID, CYCLES, WANDERING = WORLDS[0], WORLDS[2], WORLDS[4]
LOOKED_AT = (IID, CYCLES, WANDERING)  # where power is measured
SCENES = ((IID, 24), (WANDERING, 24), (CYCLES, 1))  # where peers run
JUDGING = 1000  # the first seed; smaller ones were looked at when the methods were made


@dataclass(frozen=True)
class Size:
    """How much is simulated.

    Attributes:
        daily: seeds of each world in windows of a day.
        hourly: seeds of each world in windows of an hour.
        runs: of each change.
        healthy: windows that peers judge, and as many to set their thresholds by.
        repeats: how often peers see each change.
        scenes: in how many worlds.
        vectors: seeds of whole rows and embeddings, which are drawn row by row.
    """

    daily: int
    hourly: int
    runs: int
    healthy: int
    repeats: int
    scenes: int
    vectors: int


WHOLE = Size(daily=5, hourly=3, runs=10, healthy=30, repeats=2, scenes=3, vectors=2)
QUICK = Size(daily=1, hourly=0, runs=2, healthy=3, repeats=1, scenes=1, vectors=0)
WINDOWS = 200
VECTOR_WINDOWS = 100


def seeds(many: int) -> range:
    """The seeds that judge."""
    return range(JUDGING, JUDGING + many)


def alarms(size: Size) -> Iterator[Alarms]:
    """False alarms in every world, in windows of a day and of an hour."""
    for hours, many in ((24, size.daily), (1, size.hourly)):
        for world in WORLDS:
            count = max(many // 3, 1) if world.factor else many  # rows one by one take longer
            if many:
                yield healthy(world, hours, WINDOWS, seeds(count))
    if size.vectors:
        for world in (IID, WANDERING):
            for part in detection_vectors.PARTS:
                yield detection_vectors.false_alarms(world, part, VECTOR_WINDOWS, seeds(1))


def powers(size: Size) -> Iterator[Power]:
    """Changes in some worlds."""
    for world in LOOKED_AT:
        for hours in (24, 1) if size.hourly else (24,):
            for change in CHANGES:
                yield power(world, hours, change, seeds(size.runs))
    if size.vectors:
        for world in (IID, WANDERING):
            yield from detection_vectors.powers(world, seeds(size.vectors))


def peers(size: Size) -> Iterator[tuple[World, int, str, Outcome | str]]:
    """Peers in some worlds."""
    for world, hours in SCENES[: size.scenes]:
        windows = max(2 * size.healthy, size.healthy + size.repeats * detection_power.WITHIN)
        scene = Scene(Plan(world, hours, windows, JUDGING), size.healthy, size.repeats)
        for name, outcome in compare(scene, CHANGES).items():
            yield world, hours, name, outcome


def show_peers(found: Sequence[tuple[World, int, str, Outcome | str]]) -> None:
    """Print the peers' false alarms and power."""
    print(f"{'peer':32} {'world':26} window  flagged    alarms/30d   95 % interval")
    for world, hours, name, outcome in found:
        if isinstance(outcome, str):
            print(f"{name:32} {world.name:26} {hours:4} h  {outcome}")
            continue
        for label, one in outcome.alarms:
            low, high = one.ends
            flagged = f"{one.breaches}/{one.windows}"
            print(
                f"{label:32} {world.name:26} {hours:4} h  {flagged:>8} {one.rate:12.2f}"
                f"   {low:.2f} to {high:.2f}"
            )


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two minutes, not fifteen; less certain")
    given = parser.parse_args(arguments)
    size, begin = QUICK if given.quick else WHOLE, sum(os.times()[:4])
    print("No drift: 25 features, 10,000 rows a window, 28 days of reference, then 200 windows a model")
    rates = list(alarms(size))
    detection_alarms.show(rates)
    sys.stdout.flush()
    print("\nReal data, windows of a day: nothing broke, but the world moves")
    lived = real()
    detection_alarms.show(lived)
    sys.stdout.flush()
    print("\nOne of 25 features changes: found within 20 windows, and delay in windows (median/90 %)")
    ours = list(powers(size))
    detection_power.show(ours)
    sys.stdout.flush()
    print("\nPeers on rows of the same models, at their defaults and at the threshold that keeps the budget")
    theirs = list(peers(size))
    show_peers(theirs)
    for scene in SCENES[: size.scenes]:
        detection_power.show(
            [
                one
                for world, hours, _, outcome in theirs
                if (world, hours) == scene and isinstance(outcome, Outcome)
                for one in outcome.powers
            ]
        )
    if given.json:
        spent = {"cpu_seconds": sum(os.times()[:4]) - begin}  # with that of the peers
        print(json.dumps(_record(rates, lived, ours, theirs) | spent))


def _record(
    rates: Sequence[Alarms],
    lived: Sequence[Alarms],
    ours: Sequence[Power],
    theirs: Sequence[tuple[World, int, str, Outcome | str]],
) -> dict[str, Any]:
    """All figures as one JSON value."""
    compared = []
    for world, hours, name, outcome in theirs:
        one: dict[str, Any] = {"peer": name, "world": world.name, "window_hours": hours}
        if isinstance(outcome, str):
            one["error"] = outcome
        else:
            one |= {"version": outcome.version, "threshold_of_same_rate": outcome.threshold}
            one["alarms"] = [{"rule": label} | alarm.row() for label, alarm in outcome.alarms]
            one["power"] = [power.row() for power in outcome.powers]
        compared.append(one)
    return {
        "false_alarms": [one.row() for one in rates],
        "real": [one.row() for one in lived],
        "power": [one.row() for one in ours],
        "peers": compared,
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
        "machine": machine(),
    }


if __name__ == "__main__":
    main()
