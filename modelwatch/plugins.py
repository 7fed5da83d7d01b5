"""Detectors and metrics of third parties, found by entry points: a package that is installed is enough."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args

import numpy as np
from pydantic import Field

from detectors import DETECTORS, AnyDetector, Detector
from detectors.performance.estimate import UNDEFINED, Estimate
from detectors.performance.metrics import Metric, add_metric

log = logging.getLogger(__name__)
GROUP = "modelwatch.detectors"
METRIC_GROUP = "modelwatch.metrics"
Found = TypeVar("Found")


def installed() -> list[type[Detector]]:
    """The detectors that installed packages offer. One that cannot be used is told of, and left out."""
    known = {kind_of(detector) for detector in DETECTORS}

    def take(entry: EntryPoint) -> type[Detector]:
        detector = _checked(entry, known)
        known.add(entry.name)
        return detector

    return list(_taken("detector", GROUP, take))


def add_metrics() -> list[str]:
    """Make the metrics that installed packages offer known; returns their names.

    One that cannot be used is told of, and left out. It is done once, when this module is imported.
    """

    def take(entry: EntryPoint) -> str:
        metric = entry.load()
        if not isinstance(metric, Metric):
            raise TypeError(f"{entry.value} is no detectors.performance.metrics.Metric")
        add_metric(entry.name, guarded(entry.name, metric))
        return entry.name

    return list(_taken("metric", METRIC_GROUP, take))


def kind_of(detector: type[Detector]) -> Any:
    """The `kind` by which a monitor file names a detector; None when it has no such field.

    >>> kind_of(DETECTORS[0])
    'smooth_test'
    """
    field = detector.model_fields.get("kind")
    values = get_args(field.annotation) if field else ()
    return values[0] if len(values) == 1 else None


def _taken(what: str, group: str, take: Callable[[EntryPoint], Found]) -> Iterator[Found]:
    """What `take` makes of each entry of a group, by name; an entry that it cannot use is told of."""
    for entry in sorted(entry_points(group=group), key=lambda one: one.name):
        try:
            found = take(entry)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises must not stop the service
            package = entry.dist.name if entry.dist else "an unknown package"
            log.error("%s %s of %s cannot be used: %s", what, entry.name, package, error)  # noqa: TRY400 - no traceback of ours
        else:
            yield found


def _checked(entry: EntryPoint, known: set[Any]) -> type[Detector]:
    """Load a detector.

    Raises:
        TypeError: it is no detector, or its kind is not the entry point's name, or another has it.
    """
    detector = entry.load()
    if not (isinstance(detector, type) and issubclass(detector, Detector)):
        raise TypeError(f"{entry.value} is no subclass of detectors.Detector")
    if kind_of(detector) != entry.name:
        raise TypeError(f"it needs the field `kind: Literal[{entry.name!r}] = {entry.name!r}`")
    if entry.name in known:
        raise TypeError(f"there is a detector {entry.name!r} already; choose another name")
    missing = sorted(getattr(detector, "__abstractmethods__", ()))
    if missing:
        raise TypeError(f"it does not define {missing}")
    return detector


def guarded(name: str, metric: Metric) -> Metric:
    """A stranger's metric: what it raises is told once, and it is undefined; also where it is no estimate."""
    told: list[Exception] = []

    def compute(outcomes: Any) -> Estimate:
        try:
            with np.errstate(all="ignore"):
                value, error = map(float, metric.compute(outcomes))
        except Exception as raised:
            if not told:
                log.exception("metric %s failed, and is undefined where it fails", name)
            told[:] = [raised]
            return UNDEFINED
        return (value, error) if np.isfinite([value, error]).all() and error >= 0 else UNDEFINED

    return replace(metric, compute=compute)


METRICS_ADDED = add_metrics()

if TYPE_CHECKING:
    OpenDetector = AnyDetector
else:
    OpenDetector = Annotated[Union[(*DETECTORS, *installed())], Field(discriminator="kind")]
