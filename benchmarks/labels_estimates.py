"""Estimated performance beside what is realised, and beside nannyml's CBPE on the same chunks."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from benchmarks import labels_estimates_concept, labels_estimates_peer
from benchmarks.detection_peers import PACKAGES
from benchmarks.drift import run
from benchmarks.labels_estimates_worlds import WORLDS, World
from benchmarks.peers import environment
from benchmarks.traffic import machine
from detectors.estimated import METRICS, Estimators, Parts, learn_estimators
from profiles import Groups, Outcomes, Scored
from profiles.counts import Floats

ROWS, CHUNKS = 1_000_000, 10  # of the race; so many chunks are what nannyml makes by itself
REALISED: dict[str, Callable[[Any], float]] = {
    "roc_auc": lambda part: roc_auc_score(part["label"], part["score"]),
    "accuracy": lambda part: accuracy_score(part["label"], part["prediction"]),
    "f1": lambda part: f1_score(part["label"], part["prediction"]),
}


def learned(frame: pd.DataFrame, rows: int) -> Estimators:
    """What is learned from the reference, chunk by chunk."""
    parts = []
    for first in range(0, len(frame), rows):
        score, prediction, label = (
            frame[name].to_numpy()[first : first + rows] for name in ("score", "prediction", "label")
        )
        joined = Outcomes().summarize(score, prediction, label)
        traffic = Scored().summarize(score, prediction)
        parts.append(Parts({"": {"": traffic}}, {"": {"": joined}}, joined))
    found = learn_estimators("binary", parts)
    if found is None:
        raise ValueError("the reference has too few labels")
    return found


def estimated(
    found: Estimators, frame: pd.DataFrame, rows: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Value, lower and upper of each metric and chunk."""
    chunks = len(frame) // rows
    groups = Groups(np.arange(len(frame)) // rows, chunks, [np.array([one]) for one in range(chunks)])
    summaries = Scored().tally(frame["score"].to_numpy(), frame["prediction"].to_numpy(), groups)
    estimates: dict[str, list[tuple[float, float, float]]] = {metric: [] for metric in METRICS["binary"]}
    for summary in summaries:
        expected = found.model.expected(METRICS["binary"], {"": summary})
        for metric, estimator in found.by_metric.items():
            one = estimator.judge(expected[metric], 1e-6)
            estimates[metric].append((one.value or 0.0, one.lower or 0.0, one.upper or 0.0))
    return estimates


def peer(world: World) -> dict[str, Any]:
    """What nannyml says of the same chunks; or `error`."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        world.reference.to_parquet(folder / "reference.parquet", index=False)
        world.production.to_parquet(folder / "production.parquet", index=False)
        (folder / "chunk.json").write_text(json.dumps(world.rows), encoding="utf-8")
        packages = PACKAGES["nannyml"]
        python = sys.executable if packages is None else str(environment("nannyml", packages))
        return run([python, str(Path(labels_estimates_peer.__file__)), held])


def compared(world: World) -> dict[str, Any]:
    """Mean absolute errors of both, and how often our band held what was realised, by metric."""
    chunks = range(0, len(world.production), world.rows)
    parts = [world.production[first : first + world.rows] for first in chunks]
    ours = estimated(learned(world.reference, world.rows), world.production, world.rows)
    theirs = peer(world)
    found: dict[str, Any] = {"chunks": len(parts), "rows": world.rows}
    for metric, realise in REALISED.items():
        realised: Floats = np.array([realise(part) for part in parts])
        value, lower, upper = np.array(ours[metric]).T
        one = {
            "ours": float(np.abs(value - realised).mean()),
            "held": float(((lower <= realised) & (realised <= upper)).mean()),
            "spread": float(realised.std()),
        }
        if "estimates" in theirs:
            one["nannyml"] = float(np.abs(np.array(theirs["estimates"][metric]) - realised).mean())
        found[metric] = one
    return found | {name: theirs[name] for name in ("error", "version") if name in theirs}


def race(rows: int) -> dict[str, Any]:
    """CPU seconds to learn from a reference and to estimate as many rows in chunks."""
    rng = np.random.default_rng(0)

    def table(size: int) -> pd.DataFrame:
        score = rng.beta(2, 3, size)
        label = (rng.random(size) < score).astype(np.int64)
        return pd.DataFrame({"score": score, "prediction": (score > 1 / 2).astype(np.int64), "label": label})

    world = World(rows // CHUNKS, table(rows), table(rows))
    chunk = world.rows
    estimated(learned(world.reference[: 4 * chunk], chunk), world.production[:chunk], chunk)  # warm
    begin = time.process_time()
    found = learned(world.reference, chunk)
    fitted = time.process_time()
    estimated(found, world.production, chunk)
    ours = {"fit": fitted - begin, "estimate": time.process_time() - fitted}
    theirs = peer(world)
    if "seconds" not in theirs:
        return {"rows": rows, "ours": ours, **theirs}
    both = [one | {"both": sum(one.values())} for one in (ours, theirs["seconds"])]
    ratios = {name: both[1][name] / both[0][name] for name in both[0]}
    return {"rows": rows, "ours": both[0], "nannyml": both[1], "ratio": ratios}


def measured(*, quick: bool = False) -> dict[str, Any]:
    """Everything; smaller where `quick`."""
    worlds = {name: compared(make(quick)) for name, make in WORLDS.items()}
    drift = labels_estimates_concept.concept(quick=quick)
    return {"worlds": worlds, "race": race(ROWS // 10 if quick else ROWS), "concept": drift}


def report(found: dict[str, Any]) -> None:
    """Print the tables."""
    print(
        "Mean absolute error of estimates without labels, and how often the 95 % band held what was realised"
    )
    print(f"{'':16}{'':10}{'ours':>9}{'nannyml':>9}{'band':>8}{'realised sd':>13}")
    for name, world in found["worlds"].items():
        for metric in REALISED:
            one = world[metric]
            theirs = f"{one['nannyml']:9.4f}" if "nannyml" in one else f"{'-':>9}"
            print(f"{name:16}{metric:10}{one['ours']:9.4f}{theirs}{one['held']:8.0%}{one['spread']:13.4f}")
    one = found["race"]
    print(f"{one['rows']:,} rows in {CHUNKS} chunks against a reference of as many, CPU seconds")
    for name in ("ours", "nannyml", "ratio"):
        if name in one:
            print(f"  {name:10}" + "".join(f"{step} {one[name][step]:8.3f}  " for step in one[name]))
    if "error" in one:
        print(f"  nannyml: {one['error']}")
    labels_estimates_concept.report(found["concept"])


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    found = measured(quick=given.quick)
    report(found)
    if given.json:
        print(json.dumps(found | {"machine": machine()}))


if __name__ == "__main__":
    main()
