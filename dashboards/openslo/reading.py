"""Reads OpenSLO v1 documents into objectives, and tells by name what cannot be one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

from collector.document import problems
from dashboards.openslo import names
from detectors import Objective, parse_duration
from detectors.indicator import IndicatorKind

LABEL = re.compile(r'(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"')
ANNOTATE = f"annotate it with `{names.SLI}: ...`, in the words of a monitor file"
METHODS = ("Occurrences", "Timeslices")


class OpenSloError(ValueError):
    """An SLO cannot be an objective; says why."""


class Refused(NamedTuple):
    """What cannot be an objective, by its name, and why."""

    name: str
    reason: str


def read_objectives(
    documents: Iterable[Any], window: timedelta, known: Sequence[Objective] = ()
) -> tuple[list[Objective], list[Refused]]:
    """The objectives of some documents, and what none can be made of.

    Args:
        documents: as YAML reads them.
        window: the length of the model's windows.
        known: the model's own objectives, which queries may refer to.
    """
    found: list[Objective] = []
    refused: list[Refused] = []
    held = [one for one in documents if one is not None]
    indicators = {
        one["metadata"]["name"]: one for one in held if _is(one, "SLI") and "name" in one.get("metadata", {})
    }
    for place, one in enumerate(held):
        name = _named(one, place)
        if _is(one, "SLO"):
            try:
                found += _Reading(one, indicators, window, known).objectives()
            except OpenSloError as error:
                refused.append(Refused(name, str(error)))
        elif not isinstance(one, Mapping) or not str(one.get("apiVersion", "")).startswith("openslo/"):
            refused.append(Refused(name, "it is no OpenSLO document: `apiVersion: openslo/v1` is missing"))
    return found, refused


def _is(document: Any, kind: str) -> bool:
    return isinstance(document, Mapping) and document.get("kind") == kind


def _named(document: Any, place: int) -> str:
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return str(name or f"document {place + 1}")


def _field(value: Any, name: str, kind: type) -> Any:
    """A field that has to be there, of a type."""
    held = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(held, kind):
        raise OpenSloError(f"{name} is missing, or not what OpenSLO v1 wants there")
    return held


class _Reading:
    """Reads one SLO."""

    def __init__(
        self,
        document: Mapping[str, Any],
        indicators: Mapping[str, Any],
        window: timedelta,
        known: Sequence[Objective],
    ) -> None:
        version = document.get("apiVersion")
        if version != names.VERSION:
            raise OpenSloError(f"apiVersion {version!r} is not read: write {names.VERSION}")
        self._metadata = _field(document, "metadata", Mapping)
        self._spec = _field(document, "spec", Mapping)
        self._window, self._known = window, {slo.name: slo for slo in known}
        self._indicator = self._spec.get("indicator")
        if self._indicator is None:
            self._indicator = indicators.get(str(self._spec.get("indicatorRef")))
        if not isinstance(self._indicator, Mapping):
            raise OpenSloError(
                f"its indicator {self._spec.get('indicatorRef')!r} is in none of the documents"
            )
        self._notes = {
            **self._annotations(self._indicator.get("metadata")),
            **self._annotations(self._metadata),
        }

    @staticmethod
    def _annotations(metadata: Any) -> dict[str, str]:
        held = metadata.get("annotations") if isinstance(metadata, Mapping) else None
        return {str(name): str(value) for name, value in held.items()} if isinstance(held, Mapping) else {}

    def objectives(self) -> list[Objective]:
        """One for each of its targets."""
        targets = _field(self._spec, "objectives", list)
        if not targets:
            raise OpenSloError("objectives is empty: give it a target")
        name = self._notes.get(names.NAME) or names.name_of(str(_field(self._metadata, "name", str)))
        several = len(targets) > 1
        return [
            self._objective(f"{name}-{place}" if several else name, target)
            for place, target in enumerate(targets, 1)
        ]

    def _objective(self, name: str, target: Any) -> Objective:
        if not isinstance(target, Mapping):
            raise OpenSloError(f"objective {target!r} is no mapping")
        values = {
            "name": name,
            "sli": self._sli(target),
            "target": None if names.NO_TARGET in self._notes else self._target(target),
            "period": self._period(),
            "segment": self._notes.get(names.SEGMENT, self._labels().get("segment", "")),
        }
        try:
            slo = Objective.model_validate(values)
        except ValidationError as error:
            raise OpenSloError("; ".join(line.strip() for line in problems(error))) from None
        self._check_slices(slo, target)
        return slo

    @staticmethod
    def _target(target: Mapping[str, Any]) -> float:
        share, percent = target.get("target"), target.get("targetPercent")
        given = share if percent is None else percent
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise OpenSloError("an objective has neither `target` nor `targetPercent`")
        return float(given) if percent is None else round(given / 100, 12)

    def _period(self) -> timedelta:
        if names.PERIOD in self._notes:
            return parse_duration(self._notes[names.PERIOD])
        windows = self._spec.get("timeWindow") or [{"duration": "30d", "isRolling": True}]
        if not isinstance(windows, list) or len(windows) != 1 or not isinstance(windows[0], Mapping):
            raise OpenSloError("timeWindow is to have one item, with a duration")
        if windows[0].get("calendar") or not windows[0].get("isRolling", True):
            raise OpenSloError(
                "its timeWindow is aligned to a calendar; budgets roll here: write `isRolling: true`"
            )
        try:
            return names.length(windows[0].get("duration", ""))
        except (ValueError, OverflowError) as error:
            raise OpenSloError(f"timeWindow: {error}") from None

    def _check_slices(self, slo: Objective, target: Mapping[str, Any]) -> None:
        """Whether its events are what ours are: requests, or the model's windows."""
        method = self._spec.get("budgetingMethod")
        if method not in METHODS:
            raise OpenSloError(f"budgetingMethod {method!r} is not one of {', '.join(METHODS)}")
        if method == "Occurrences":
            return
        if slo.kind is IndicatorKind.REQUESTS:
            raise OpenSloError(
                f"sli {slo.sli!r} counts requests, not time slices: write `budgetingMethod: Occurrences`"
            )
        wanted = target.get("timeSliceWindow", names.shorthand(self._window))
        ours = names.length(names.shorthand(self._window))
        try:
            same = names.length(wanted) == ours
        except (ValueError, OverflowError) as error:
            raise OpenSloError(f"timeSliceWindow: {error}") from None
        if not same:
            raise OpenSloError(
                f"timeSliceWindow is {wanted}, but a slice is a window of the model: "
                f"{names.shorthand(self._window)}"
            )

    def _labels(self) -> dict[str, str]:
        """The labels in its queries."""
        return dict(LABEL.findall(" ".join(_texts(self._indicator.get("spec", {})))))

    def _sli(self, target: Mapping[str, Any]) -> str:
        """The indicator in the words of a monitor file."""
        if names.SLI in self._notes:
            return self._notes[names.SLI]
        spec = _field(self._indicator, "spec", Mapping)
        ratio, threshold = spec.get("ratioMetric"), spec.get("thresholdMetric")
        if isinstance(ratio, Mapping):
            return self._of_events(" ".join(_texts(ratio)))
        if isinstance(threshold, Mapping):
            return self._of_values(" ".join(_texts(threshold)), target)
        raise OpenSloError("its indicator has neither ratioMetric nor thresholdMetric")

    def _of_events(self, query: str) -> str:
        labels = dict(LABEL.findall(query))
        if "modelwatch_slo_events_total" not in query:
            raise OpenSloError(f"its ratioMetric is not of Modelwatch's metrics; {ANNOTATE}")
        if labels.get("slo") not in self._known:
            raise OpenSloError(
                f"its query is about the events of slo {labels.get('slo')!r}, which the monitor file does "
                f"not have; {ANNOTATE}"
            )
        return self._known[labels["slo"]].sli

    @staticmethod
    def _of_values(query: str, target: Mapping[str, Any]) -> str:
        labels = dict(LABEL.findall(query))
        if "modelwatch_signal_value" not in query or "signal" not in labels:
            raise OpenSloError(f"its thresholdMetric is not of modelwatch_signal_value; {ANNOTATE}")
        sign, value = names.OPERATORS.get(str(target.get("op"))), target.get("value")
        if sign is None or isinstance(value, bool) or not isinstance(value, int | float):
            raise OpenSloError(
                f"an objective of a thresholdMetric needs op ({', '.join(names.OPERATORS)}) and value"
            )
        signal, subject = labels["signal"], labels.get("subject")
        return f"{signal}{'.' + subject if subject else ''} {sign} {value}"


def _texts(value: Any) -> list[str]:
    """Every text in a value, however deep."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
