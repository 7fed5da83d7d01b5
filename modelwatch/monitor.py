"""A monitor file: one YAML file describes one monitored model, checked before anything runs."""

from __future__ import annotations

import re
import reprlib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from alerts.rules import Alerting
from collector.schema import Schema
from detectors import AnyDetector, Detector, Duration, Objective, default_detectors, parse_duration
from modelwatch.reference import AnyReference, LearnedReference

ALARMS = re.compile(r"\s*(\d+)\s*(?:per|/)\s*(\S+)\s*")
LARGEST_FILE = 1_000_000
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 100
SHORT.maxlevel = 3


class MonitorError(ValueError):
    """A monitor file is wrong; the message names the file, the field, the value and the fix."""


class FalseAlarms(BaseModel):
    """How often a healthy model may bother people: `1 per 30d`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    period: Duration

    def windows(self, window: timedelta) -> float:
        """How many windows a healthy model is to go without a false alarm, on average; at least one.

        >>> FalseAlarms(count=1, period="30d").windows(timedelta(days=1))
        30.0
        """
        return max(1.0, self.period / self.count / window)


def _alarms(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = ALARMS.fullmatch(value)
    if not match or int(match[1]) < 1:
        raise ValueError(f"{value!r} is not understood; write a number per duration, such as `1 per 30d`")
    return {"count": int(match[1]), "period": parse_duration(match[2])}


class Monitor(Schema):
    """Everything that a monitor file says."""

    false_alarms: Annotated[FalseAlarms, BeforeValidator(_alarms)] = FalseAlarms(
        count=1, period=timedelta(days=30)
    )
    slos: tuple[Objective, ...] = ()
    detectors: tuple[AnyDetector, ...] | None = None
    reference: AnyReference = LearnedReference()
    alerts: Alerting = Alerting()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [slo.name for slo in self.slos]
        if len(set(names)) < len(names):
            raise ValueError(f"slos: {names} has a name twice")
        signals = [
            (space, detector.signal(f"features.{space}"))
            for detector in self.switched_on()
            for space in detector.spaces
        ]
        twice = {signal for space, signal in signals if signals.count((space, signal)) > 1}
        if twice:
            raise ValueError(f"detectors: two of them are {sorted(twice)}; keep one of each")
        return self

    def switched_on(self) -> tuple[Detector, ...]:
        """The detectors: those that the file names, or the task's defaults."""
        return default_detectors(self.task) if self.detectors is None else self.detectors


def load_monitor(path: Path) -> Monitor:
    """Read a monitor file. Paths in it are relative to it.

    Raises:
        MonitorError: it cannot be read, or is wrong.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise MonitorError(f"{path}: is larger than {LARGEST_FILE} bytes; is it a monitor file?")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MonitorError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # such as a date that does not exist
        raise MonitorError(f"{path}: not YAML: {error}") from None
    if not isinstance(content, dict):
        raise MonitorError(f"{path}: expected `model:`, `task:`, `features:`, found {type(content).__name__}")
    try:
        monitor = Monitor.model_validate(content)
    except ValidationError as error:
        raise MonitorError(f"{path}:\n" + "\n".join(_problems(error))) from None
    except OverflowError as error:
        raise MonitorError(f"{path}: a number or a duration is too large: {error}") from None
    if monitor.reference.file is not None:
        resolved = monitor.reference.model_copy(update={"path": path.parent / monitor.reference.file})
        return monitor.model_copy(update={"reference": resolved})
    return monitor


def _problems(error: ValidationError) -> list[str]:
    problems = []
    for item in error.errors(include_url=False):
        where = ".".join(str(place) for place in item["loc"]) or "(the whole file)"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "no such setting; check its spelling, or take it out"
        # a short form that never follows the whole value: YAML's aliases can make that exponentially large
        shown = "" if item["type"] in ("missing", "value_error") else f" (got {SHORT.repr(item['input'])})"
        problems.append(f"  {where}: {message}{shown}")
    return problems
