"""Drift of a table against its reference by Modelwatch: `python -m benchmarks.drift_ours FOLDER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.drift_peers import memory, tables
from detectors import checks, default_detectors
from profiles import Grid, Profile, Shape, Vocabulary

WINDOWS = 30
ALPHA = 1e-4


def encoded(column: Any) -> Any:
    """A column of a table as it is counted: numbers, or codes with the words that they stand for."""
    if column.dtype.kind == "f":
        return column.to_numpy()
    codes, words = pd.factorize(column)
    return codes, [str(word) for word in words]


def space_of(column: Any) -> Grid | Vocabulary:
    """The space that an encoded reference column fixes."""
    return Vocabulary.fit(column[1]) if isinstance(column, tuple) else Grid.fit(column)


def summaries(space: Grid | Vocabulary, column: Any, windows: int) -> list[Any]:
    """A column cut into windows of equal length, each counted."""
    if isinstance(space, Vocabulary):
        codes, words = column
        return [space.summarize(part, words) for part in np.array_split(codes, windows)]
    return [space.summarize(part) for part in np.array_split(column, windows)]


def compare(reference: pd.DataFrame, current: pd.DataFrame) -> tuple[float, float]:
    """CPU seconds from two tables to judgements, and of the judgement alone."""
    begin = time.process_time()
    spaces: dict[str, Grid | Vocabulary] = {}
    before: dict[str, list[Any]] = {}
    now: dict[str, Any] = {}
    for name in reference.columns:
        column, part = encoded(reference[name]), f"features.{name}"
        spaces[part] = space_of(column)
        before[part] = summaries(spaces[part], column, WINDOWS)
        (now[part],) = summaries(spaces[part], encoded(current[name]), 1)
    windows = [
        Profile(window.count + window.nulls, {part: held[place] for part, held in before.items()})
        for place, window in enumerate(next(iter(before.values())))
    ]
    profile = Profile(len(current), now)
    every = checks(default_detectors("binary"), Shape(spaces))
    learned = [check.detector.learn([window.part(check.part) for window in windows]) for check in every]
    judging = time.process_time()
    for check, baseline in zip(every, learned, strict=True):
        check.detector.judge(baseline, profile.part(check.part), ALPHA)
    end = time.process_time()
    return end - begin, end - judging


def main(folder: Path) -> None:
    """Print CPU seconds and memory as JSON."""
    reference, current = tables(folder)
    compare(reference[:1000], current[:1000])  # what is made once, is made
    with memory(reference, current) as used:
        seconds, judging = compare(reference, current)
    print(json.dumps({"seconds": seconds, "judgement_ms": judging * 1000} | used))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
