"""Drift of a table against its reference: Modelwatch beside evidently's report, in CPU seconds."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from detectors import checks, default_detectors
from profiles import Grid, Profile, Shape, Vocabulary

NUMERIC, CATEGORICAL, WINDOWS = 20, 5, 30
ALPHA = 1e-4


def table(rows: int, seed: int) -> pd.DataFrame:
    """A table of 20 numeric and 5 categorical columns."""
    rng = np.random.default_rng(seed)
    numbers = {f"n{i}": rng.normal(i, 1 + i, rows) for i in range(NUMERIC)}
    words = {f"c{i}": rng.choice([f"v{j}" for j in range(3 + 5 * i)], rows) for i in range(CATEGORICAL)}
    return pd.DataFrame(numbers | words)


def shape_of(frame: pd.DataFrame) -> Shape:
    """The spaces of a table's columns."""
    return Shape(
        {
            f"features.{name}": Grid.fit(column.to_numpy())
            if column.dtype.kind == "f"
            else Vocabulary.fit(sorted(column.unique()))
            for name, column in frame.items()
        }
    )


def profile(frame: pd.DataFrame, shape: Shape) -> Profile:
    """The profile of a table."""
    parts: dict[str, Any] = {}
    for name, space in shape.spaces.items():
        column = frame[name.removeprefix("features.")]
        if isinstance(space, Grid):
            parts[name] = space.summarize(column.to_numpy())
        elif isinstance(space, Vocabulary):
            codes, words = pd.factorize(column)
            parts[name] = space.summarize(codes, list(words))
    return Profile(len(frame), parts)


def ours(reference: pd.DataFrame, current: pd.DataFrame) -> tuple[float, float]:
    """CPU seconds from two tables to judgements, and of the judgement alone."""
    begin = time.process_time()
    shape = shape_of(reference)
    length = -(-len(reference) // WINDOWS)
    windows = [profile(reference[at : at + length], shape) for at in range(0, len(reference), length)]
    now = profile(current, shape)
    every = checks(default_detectors("binary"), shape)
    learned = [check.detector.learn([window.part(check.part) for window in windows]) for check in every]
    judging = time.process_time()
    for check, baseline in zip(every, learned, strict=True):
        check.detector.judge(baseline, now.part(check.part), ALPHA)
    end = time.process_time()
    return end - begin, end - judging


def evidently(reference: pd.DataFrame, current: pd.DataFrame) -> float:
    """CPU seconds of evidently's drift preset on the same tables."""
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import Dataset, Report  # noqa: PLC0415 - after the switch above
        from evidently.presets import DataDriftPreset  # noqa: PLC0415

        begin = time.process_time()
        Report([DataDriftPreset()]).run(Dataset.from_pandas(current), Dataset.from_pandas(reference)).dict()
        return time.process_time() - begin


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    reference, current = table(given.rows, 1), table(given.rows, 2)
    peers: dict[str, Callable[[pd.DataFrame, pd.DataFrame], float]] = {"evidently": evidently}
    whole, judging = ours(reference, current)
    figures: dict[str, Any] = {"rows": given.rows, "modelwatch_s": whole, "judgement_ms": judging * 1000}
    print(f"{given.rows:,} rows x {NUMERIC + CATEGORICAL} features against as many, CPU seconds")
    print(f"  modelwatch {whole:8.2f}   (the judgement alone: {judging * 1000:.1f} ms)")
    for name, peer in peers.items():
        took = peer(reference, current)
        figures |= {f"{name}_s": took, f"ratio_{name}": took / whole, f"{name}_version": version(name)}
        print(f"  {name:10} {took:8.2f}   ratio {took / whole:.1f}")
    if given.json:
        print(json.dumps(figures | {"machine": platform.processor() or platform.machine()}))


if __name__ == "__main__":
    main()
