"""Drift of a table against its reference: Modelwatch beside evidently and nannyml, CPU seconds and memory."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import drift_peers
from benchmarks.detection_peers import PACKAGES
from benchmarks.peers import environment
from benchmarks.traffic import machine

NUMERIC, CATEGORICAL = 20, 5


def table(rows: int, seed: int) -> pd.DataFrame:
    """A table of 20 numeric and 5 categorical columns."""
    rng = np.random.default_rng(seed)
    numbers = {f"n{i}": rng.normal(i, 1 + i, rows) for i in range(NUMERIC)}
    words = {f"c{i}": rng.choice([f"v{j}" for j in range(3 + 5 * i)], rows) for i in range(CATEGORICAL)}
    return pd.DataFrame(numbers | words)


def run(command: list[str]) -> dict[str, Any]:
    """Run a method in a process of its own; what it prints, or `error`."""
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800)  # noqa: S603 - ours
        result: dict[str, Any] = json.loads(found.stdout.strip().splitlines()[-1])
    except subprocess.CalledProcessError as error:
        return {"error": (error.stderr or str(error)).strip().splitlines()[-1][:200]}
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)[:200]}
    return result


def measured(rows: int) -> dict[str, dict[str, Any]]:
    """Every method on the same two tables."""
    with tempfile.TemporaryDirectory() as held:
        for seed, name in enumerate(("reference", "current"), 1):
            table(rows, seed).to_parquet(Path(held) / f"{name}.parquet", index=False)
        results = {"modelwatch": run([sys.executable, "-m", "benchmarks.drift_ours", held])}
        for name in drift_peers.PEERS:
            packages = PACKAGES[name]
            try:
                python = sys.executable if packages is None else str(environment(name, packages))
            except (OSError, subprocess.CalledProcessError) as error:
                results[name] = {"error": str(error)[:200]}
            else:
                results[name] = run([python, str(Path(drift_peers.__file__)), name, held])
    return results


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    results = measured(given.rows)
    ours = results["modelwatch"]
    print(f"{given.rows:,} rows x {NUMERIC + CATEGORICAL} features against as many")
    print(f"{'':14}CPU s    ratio   peak MiB   beyond tables   added while it ran")
    for name, one in results.items():
        if "error" in one:
            print(f"  {name:10} {one['error']}")
            continue
        one["ratio"] = one["seconds"] / ours["seconds"] if "seconds" in ours else None
        print(
            f"  {name:10} {one['seconds']:7.2f} {one['ratio'] or 0:8.1f} {one['peak_mib']:10,.0f}"
            f" {one['beyond_tables_mib']:15,.0f} {one['added_mib']:12,.0f}"
        )
    if "judgement_ms" in ours:
        print(f"  the judgement alone: {ours['judgement_ms']:.1f} ms")
    if given.json:
        print(json.dumps({"rows": given.rows, "methods": results, "machine": machine()}))


if __name__ == "__main__":
    main()
