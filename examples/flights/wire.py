"""What the serving app takes over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel


class Flight(BaseModel):
    """What is known about a flight at its scheduled departure."""

    prediction_id: str
    ts: AwareDatetime
    carrier: str
    origin: str
    dest: str
    weekday: str
    distance: float | None
    sched_hour: float | None
    temp: float | None
    dewp: float | None
    humid: float | None
    wind_speed: float | None
    precip: float | None
    pressure: float | None
    visib: float | None
    carrier_delay: float | None
    origin_delay: float | None


class Outcome(BaseModel):
    """Whether a flight was late, known when it landed."""

    prediction_id: str
    label: Literal[0, 1]
    label_ts: AwareDatetime


class Deploy(BaseModel):
    """A release, at an event time."""

    version: str
    at: AwareDatetime
    reason: str = "release"


class Rollback(BaseModel):
    """Modelwatch's order; further keys are for people."""

    action: Literal["rollback"]
    model: str
    from_version: str
    to_version: str
    incident: int | str
    reason: str
