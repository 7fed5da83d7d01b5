"""A monitor file: one YAML file describes one monitored model, checked before anything runs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from alerts.rules import Alerting
from collector.document import DocumentError, problems, read_document
from collector.encoders.encoder import EncoderError
from collector.schema import Schema, located
from detectors import (
    Check,
    Detector,
    Duration,
    IndicatorKind,
    Objective,
    checks,
    default_detectors,
    parse_duration,
)
from detectors.fairness import Fairness, GroupGap
from detectors.performance.confusion import Costs
from detectors.performance.metrics import BUSINESS_VALUE, METRICS, metric_of
from detectors.performance_drop import PerformanceDrop
from modelwatch.openslo import with_objectives
from modelwatch.plugins import OpenDetector
from modelwatch.references import AnyReference, LearnedReference
from profiles import Shape

DEFAULTS = "defaults"
ALARMS = re.compile(r"\s*(\d+)\s*(?:per|/)\s*(\S+)\s*")


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
    detectors: tuple[OpenDetector, ...] | None = None
    costs: Costs | None = None
    reference: AnyReference = LearnedReference()
    alerts: Alerting = Alerting()
    fairness: Fairness | None = None
    estimates: Literal["all", "none"] = Field(
        default="all", description="Whether performance is estimated while labels are missing."
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, content: Any) -> Any:
        """Replace `defaults` in the list of detectors by what is switched on when there is none."""
        listed = content.get("detectors") if isinstance(content, dict) else None
        if not isinstance(listed, list | tuple) or DEFAULTS not in listed:
            return content
        usual = default_detectors(content["task"]) if content.get("task") in METRICS else ()
        if content.get("costs"):  # which are filled in by `switched_on`
            usual += (PerformanceDrop(metric=BUSINESS_VALUE),)
        given = [one for item in listed for one in (usual if item == DEFAULTS else (item,))]
        return content | {"detectors": given}

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [slo.name for slo in self.slos]
        if len(set(names)) < len(names):
            raise ValueError(f"slos: {names} has a name twice")
        signals = [  # two kinds of one signal get names of their own
            (space, detector.signal(f"features.{space}"), detector.kind)  # type: ignore[attr-defined]
            for detector in self.switched_on()
            for space in detector.spaces
        ]
        for slo in self.slos:
            self._fits(slo)
        twice = {one[1] for one in signals if signals.count(one) > 1}
        if twice:
            raise ValueError(f"detectors: two of them are {sorted(twice)}; keep one of each")
        return self

    @model_validator(mode="after")
    def _measured(self) -> Self:
        if self.costs is not None and self.task != "binary":
            raise ValueError(f"costs: they are of a binary task, this one is {self.task}; leave them out")
        for detector in self.switched_on():
            if isinstance(detector, PerformanceDrop):
                try:
                    metric_of(self.task, detector.metric, detector.costs)
                except ValueError as error:
                    raise ValueError(f"detectors: performance: {error}") from None
        return self

    @model_validator(mode="after")
    def _fair(self) -> Self:
        if self.fairness is not None:
            self.gaps()  # says what is wrong
            odd = [name for name in self.fairness.groups if name not in self.segments]
            if odd:
                raise ValueError(f"fairness: groups {odd} are no segments; add them to `segments:`")
        return self

    def _fits(self, slo: Objective) -> None:
        """Refuse an objective about a metric, a feature or a segment that this model does not have."""
        indicator, column = slo.indicator, slo.segment.split("=")[0]
        if slo.segment and ("=" not in slo.segment or column not in self.segments):
            known = ", ".join(f"{name}=…" for name in self.segments) or "none: add `segments:`"
            raise ValueError(f"slos: {slo.name}: segment {slo.segment!r} is not known; there are {known}")
        if indicator.kind is IndicatorKind.METRIC:
            try:
                metric_of(self.task, indicator.name)
            except ValueError as error:
                raise ValueError(f"slos: {slo.name}: {error}") from None
        subject = indicator.subject
        kinds = {detector.kind for detector in self.switched_on()}  # type: ignore[attr-defined]
        if subject and subject not in self.features and subject.split(".")[0] not in kinds:
            known = ", ".join(self.features)
            raise ValueError(f"slos: {slo.name}: sli {slo.sli!r}: no feature {subject!r}; there are {known}")

    def gaps(self) -> list[tuple[str, GroupGap]]:
        """What is judged between the groups of which columns."""
        if self.fairness is None:
            return []
        gaps = self.fairness.gaps(self.task, self.costs)
        return [(column, gap) for column in self.fairness.groups for gap in gaps]

    def switched_on(self) -> tuple[Detector, ...]:
        """The detectors: those that the file names, or the task's defaults; they know the costs."""
        if self.detectors is None:
            return default_detectors(self.task, self.costs)
        return tuple(self._with_costs(detector) for detector in self.detectors)

    def _with_costs(self, detector: Detector) -> Detector:
        if isinstance(detector, PerformanceDrop) and detector.metric == BUSINESS_VALUE:
            return detector.model_copy(update={"costs": detector.costs or self.costs})
        return detector

    def checks(self, shape: Shape) -> list[Check]:
        """What is judged of profiles of a shape, each feature with the smallest effect that it names."""
        effects = {name: getattr(spec, "min_effect", None) for name, spec in self.features.items()}
        found = checks(self.switched_on(), shape, self.declared())
        return [_with_effect(check, effects.get(check.subject or "")) for check in found]


def _with_effect(check: Check, effect: float | None) -> Check:
    if effect is None or "min_effect" not in type(check.detector).model_fields:
        return check
    return replace(check, detector=check.detector.model_copy(update={"min_effect": effect}))


def load_monitor(path: Path) -> Monitor:
    """Read a monitor file. Paths in it are relative to it.

    Raises:
        MonitorError: it cannot be read, or is wrong.
    """
    try:
        content = read_document(path, "monitor")
    except DocumentError as error:
        raise MonitorError(str(error)) from None
    if not isinstance(content, dict):
        raise MonitorError(f"{path}: expected `model:`, `task:`, `features:`, found {type(content).__name__}")
    try:
        monitor = Monitor.model_validate(with_objectives(content, path.parent))
    except DocumentError as error:
        raise MonitorError(f"{path}: slos: {error}") from None
    except ValidationError as error:
        raise MonitorError(f"{path}:\n" + "\n".join(problems(error))) from None
    except OverflowError as error:
        raise MonitorError(f"{path}: a number or a duration is too large: {error}") from None
    try:
        monitor = monitor.model_copy(update={"features": located(monitor.features, path.parent)})
    except EncoderError as error:
        raise MonitorError(f"{path}: {error}") from None
    if monitor.reference.file is not None:
        resolved = monitor.reference.model_copy(update={"path": path.parent / monitor.reference.file})
        return monitor.model_copy(update={"reference": resolved})
    return monitor
