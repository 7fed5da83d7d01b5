"""Replays the rest of the year through the serving app, much faster than it happened, in event-time order.

Every hour of event time the app gets the outcomes of the flights that landed in the hour before, then the
flights that are scheduled to leave in this one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from examples.flights.client import deploy, send
from examples.flights.data import FEATURES, events
from examples.flights.dates import END, REFERENCE_END, RELEASE

HOUR = pd.Timedelta(hours=1)
DAY_HOURS = 24
SPEED = 2.0
FLIGHT = ["prediction_id", "ts", *FEATURES]
OUTCOME = ["prediction_id", "label", "label_ts"]


@dataclass(frozen=True)
class Plan:
    """What to replay.

    Attributes:
        until: event time to stop at.
        start: event time to start at.
        release: when v2 is released, on the hour.
        speed: event-days per second at most, so that what reacts to the events can keep up.
    """

    until: pd.Timestamp = END
    start: pd.Timestamp = REFERENCE_END
    release: pd.Timestamp = RELEASE
    speed: float = SPEED

    def hours(self) -> pd.DatetimeIndex:
        """The hours of event time."""
        return pd.date_range(self.start, self.until, freq=HOUR, inclusive="left")


def replay(
    table: pd.DataFrame, app: httpx.Client, plan: Plan, tell: Callable[[pd.Timestamp, str], None]
) -> int:
    """Sends everything, in order, and returns the number of flights.

    Args:
        table: the event table.
        app: a client with the app's base URL.
        plan: what to replay.
        tell: is called after every hour with the event time and the version that serves.

    Raises:
        ReplayError: the app does not answer, or refuses.
    """
    flights = table[(table["ts"] >= plan.start) & (table["ts"] < plan.until)]
    landed = flights.dropna(subset="label").astype({"label": "int64"}).sort_values("label_ts", kind="stable")
    hours = plan.hours()
    outcomes = hourly(landed[OUTCOME], "label_ts", hours - HOUR)
    version = deploy(app, "v1", plan.start, "first release")
    due = time.monotonic()
    for hour, scheduled, known in zip(hours, hourly(flights[FLIGHT], "ts", hours), outcomes, strict=True):
        if known:
            send(app, "/outcomes", known)
        if hour <= plan.release < hour + HOUR:
            deploy(app, "v2", plan.release, "v2: fresher model, weather feed in metric units")
        if scheduled:
            version = send(app, "/predict", scheduled).json()["version"]
        tell(hour, version)
        # Nights make up for rush hours, but a replay that was held up for longer does not hurry afterwards.
        due = max(due, time.monotonic() - 1 / plan.speed) + 1 / plan.speed / DAY_HOURS
        time.sleep(max(0.0, due - time.monotonic()))
    return len(flights)


def hourly(table: pd.DataFrame, column: str, hours: pd.DatetimeIndex) -> Iterator[str]:
    """The rows of each hour as a JSON list; empty for none. A day is turned into text at once, for speed."""
    # The times as text: to_json asks each timestamp for its zone, and loses a Ctrl-C that comes meanwhile.
    times = table[column].dt.tz_localize(None).to_numpy("datetime64[s]")
    texts = table.assign(**{column: np.datetime_as_string(times, timezone="UTC")})
    edges = np.append(table[column].searchsorted(hours), table[column].searchsorted(hours[-1] + HOUR))
    for day in range(0, len(hours), DAY_HOURS):
        cuts = edges[day : day + DAY_HOURS + 1]
        text = texts.iloc[cuts[0] : cuts[-1]].to_json(orient="records", lines=True)
        rows = text.splitlines()
        for first, last in zip(cuts[:-1] - cuts[0], cuts[1:] - cuts[0], strict=True):
            yield f"[{','.join(rows[first:last])}]" if last > first else ""


def run(
    table: pd.DataFrame, address: str, plan: Plan, console: Console, check: Callable[[], None] = lambda: None
) -> int:
    """Replays with a progress bar; returns the number of flights. `check` is called before every request."""
    columns = (
        TextColumn("{task.fields[date]}  serving [bold]{task.fields[version]}[/]"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    hooks = {"request": [lambda _: check()]}
    with (
        httpx.Client(base_url=address, timeout=20.0, trust_env=False, event_hooks=hooks) as app,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task(
            "replay", total=len(plan.hours()), date=f"{plan.start:%Y-%m-%d}", version="v1"
        )
        served = ["v1"]

        def tell(hour: pd.Timestamp, version: str) -> None:
            progress.update(task, advance=1, date=f"{hour:%Y-%m-%d}", version=version)
            if version != served[-1]:
                served.append(version)
                progress.console.print(f"{hour:%Y-%m-%d %H:%M} UTC  {version} serves now")

        return replay(table, app, plan, tell)


def main() -> None:
    """Replays against an app that runs already."""
    parser = argparse.ArgumentParser(prog="python -m examples.flights.replay", description=__doc__)
    parser.add_argument("--app", default="http://127.0.0.1:8710", help="the serving app's address")
    parser.add_argument(
        "--cache", type=Path, default=Path(".modelwatch/cache"), help="where the data is kept"
    )
    parser.add_argument("--until", type=pd.Timestamp, default=END, help="stop at this date")
    parser.add_argument("--speed", type=float, default=SPEED, help="event-days per second at most")
    given = parser.parse_args()
    until = given.until if given.until.tz else given.until.tz_localize("UTC")
    console = Console()
    start = time.monotonic()
    count = run(events(given.cache), given.app, Plan(until=until, speed=given.speed), console)
    console.print(f"{count:,} flights in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
