"""Late labels: how fast they join and what is measured by them, and what is estimated until they come."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from benchmarks import labels_join, labels_metrics, labels_ranked
from benchmarks.labels_join import Speed
from benchmarks.traffic import machine

PACKAGES = ("modelwatch", "numpy", "sqlalchemy", "psycopg")
WAITING, QUICK_WAITING = (1_000_000, 10_000_000), (1_000_000,)
STATE, QUICK_STATE = (20_000_000, 32), (2_000_000, 31)  # rows, days


def join(*, quick: bool) -> dict[str, Any]:
    """The label join, as a table for people; returns the figures."""
    print("labels a second of CPU, beside a table with a primary key (with the database server's CPU)")
    speeds = []
    for waiting in QUICK_WAITING if quick else WAITING:
        for speed in labels_join.speeds(waiting):
            speeds.append(speed)
            print(
                f"  {speed.database:8} {speed.waiting:10,} waiting, {speed.batch:7,} {speed.order:8} "
                f"{speed.system:13} {speed.per_cpu:9,.0f} ({speed.per_cpu_with_server:9,.0f})",
                flush=True,
            )
    most, days = QUICK_STATE if quick else STATE
    state = labels_join.delayed(most, days)
    print(
        f"30 days late at 1,000 predictions a second, {days} days, room for {most:,} rows\n"
        f"  {state['rows_peak']:,} rows held at most, one prediction in {1 << state['level']:,}; "
        f"{state['join_bytes'] / 2**20:,.0f} MiB of rows, file {state['file_bytes'] / 2**20:,.0f} MiB, "
        f"memory {state['peak_mib']:,.0f} MiB\n"
        f"  {state['labels_joined']:,} labels joined, {state['labels_per_cpu']:,.0f} taken a CPU second, "
        f"coverage {state['coverage']:.1%}\n"
        f"  accuracy {state['accuracy']:.4f}, standard error {state['accuracy_error']:.4f}, "
        f"true {state['accuracy_true']}"
    )
    return {"speeds": [asdict(one) for one in speeds], "ratios": ratios(speeds), "state": state}


def ratios(speeds: Sequence[Speed]) -> dict[str, float]:
    """How many times as fast as the table each case is, the database server's CPU included."""
    cases: dict[str, dict[str, float]] = {}
    for one in speeds:
        case = f"{one.database}, {one.waiting}, {one.batch}, {one.order}"
        cases.setdefault(case, {})[one.system] = one.per_cpu_with_server
    return {case: by["modelwatch"] / by["indexed table"] for case, by in cases.items()}


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute for the join")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=("metrics", "join", "estimates"), help="only one of them")
    given = parser.parse_args(arguments)
    figures: dict[str, Any] = {
        "machine": machine(),
        "versions": {name: version(name) for name in PACKAGES},
    }
    if given.part in (None, "metrics"):
        figures["metrics"] = labels_metrics.measured(quick=given.quick)
        figures["metrics"] += labels_ranked.measured(quick=given.quick)
        labels_metrics.report(figures["metrics"])
    if given.part in (None, "join"):
        figures["join"] = join(quick=given.quick)
    if given.part in (None, "estimates") and importlib.util.find_spec("benchmarks.labels_estimates"):
        from benchmarks import labels_estimates  # noqa: PLC0415 - scikit-learn is needed for it alone

        figures["estimates"] = labels_estimates.measured(quick=given.quick)
        labels_estimates.report(figures["estimates"])
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
