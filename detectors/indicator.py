"""Service level indicators: what an objective is about, as people write it."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from detectors.performance.metrics import METRICS, metric_of
from profiles.status import FAILURES, Status

NUMBER = r"\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*"
CONDITION = re.compile(rf"\s*([a-z_][^<>=]*?)\s*(<=|>=|<|>){NUMBER}(ms|s|%)?\s*")
AVAILABILITY = re.compile(r"\s*availability(?:\s+except\s+([a-z]+(?:\s*,\s*[a-z]+)*))?\s*")
VERDICT = re.compile(r"\s*([a-z_][^<>=]*?)\s+ok\s*")
SCALES = {"ms": 1.0, "s": 1000.0, "%": 0.01, None: 1.0}  # latencies are in milliseconds
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FAMILIES = ("drift.", "quality.", "performance.", "latency.", "requests.", "fairness.")
SHORT = {"freshness": "quality.freshness", "volume": "quality.volume"}
FORMS = (
    "write `availability`, `latency < 300ms` or a metric such as `roc_auc >= 0.85`, or a signal such as "
    "`drift.univariate.price < 0.2`, `freshness ok` or `label_coverage >= 90%`"
)


class IndicatorKind(StrEnum):
    """What the events of an indicator are."""

    REQUESTS = "requests"  # every request is an event
    METRIC = "metric"  # of a window's joined labels
    SIGNAL = "signal"  # every window with a verdict on the signal is an event
    COVERAGE = "coverage"  # every window whose labels are in is an event


@dataclass(frozen=True)
class Indicator:
    """What is measured, and when it is good.

    Attributes:
        kind: what the events are.
        name: `availability`, `latency`, `label_coverage`, a metric, or a dotted signal with its subject, if
            it is about one.
        operator: one of `OPERATORS`; "ok" for the signal's verdict; "" for availability.
        goal: what values are compared with; a share, a number, or milliseconds.
        excepted: failures that are not held against the service, of availability.
    """

    kind: IndicatorKind
    name: str
    operator: str = ""
    goal: float = math.nan
    excepted: tuple[Status, ...] = ()

    @property
    def subject(self) -> str:
        """The feature that it names; "" where it is about all, or where subjects are not features.

        >>> read_indicator("quality.missing.age <= 2%").subject
        'age'
        """
        *family, subject = self.name.split(".", 2)
        return subject if len(family) > 1 and family[0] in ("drift", "quality") else ""

    def met(self, value: float) -> bool:
        """Whether a value is good.

        >>> read_indicator("mae <= 5").met(5.0)
        True
        """
        return OPERATORS[self.operator](value, self.goal)

    def about(self, signal: str, subject: str) -> bool:
        """Whether it is about a signal of a subject: a signal without one is about all of them.

        >>> read_indicator("drift.univariate < 0.2").about("drift.univariate", "price")
        True
        """
        return self.name in (signal, f"{signal}.{subject}")


@cache
def read_indicator(sli: str) -> Indicator:
    """Read an indicator as people write it.

    Raises:
        ValueError: it is not understood, or names no metric or signal; the message says what can be written.

    >>> read_indicator("quality.missing.age <= 2%").goal
    0.02
    >>> read_indicator("performance.roc_auc >= 0.85").kind
    <IndicatorKind.METRIC: 'metric'>
    """
    if match := AVAILABILITY.fullmatch(sli):
        return Indicator(IndicatorKind.REQUESTS, "availability", excepted=_failures(sli, match[1] or ""))
    if match := VERDICT.fullmatch(sli):
        name = SHORT.get(match[1], match[1])
        return Indicator(IndicatorKind.SIGNAL, _signal(sli, name), "ok")
    match = CONDITION.fullmatch(sli)
    if not match or not _units_fit(*match.group(1, 2, 4)):
        raise ValueError(f"sli {sli!r} is not understood; {FORMS}")
    name, comparison, number, unit = match.groups()
    kind, name = _found(sli, name)
    return Indicator(kind, name, comparison, float(number) * SCALES[unit])


def _failures(sli: str, given: str) -> tuple[Status, ...]:
    """The classes of failures of a list."""
    known = {status.name.lower(): status for status in FAILURES}
    wanted = [name.strip() for name in given.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise ValueError(f"sli {sli!r}: {name!r} is no class of failures; there are {', '.join(known)}")
    return tuple(dict.fromkeys(known[name] for name in wanted))


def _units_fit(name: str, comparison: str, unit: str | None) -> bool:
    """Requests are fast or slow by a time; only latencies have a unit of time; availability has no limit."""
    if name == "latency":
        return unit in ("ms", "s") and comparison.startswith("<")
    return name != "availability" and (unit in (None, "%") or name.startswith("latency."))


def _found(sli: str, name: str) -> tuple[IndicatorKind, str]:
    """What a name in a condition stands for."""
    if name == "latency":
        return IndicatorKind.REQUESTS, name
    if name == "label_coverage":
        return IndicatorKind.COVERAGE, name
    if name in SHORT:
        return IndicatorKind.SIGNAL, SHORT[name]
    metric = name.removeprefix("performance.")
    if is_metric(metric):
        return IndicatorKind.METRIC, metric
    if "." in name.split(":", maxsplit=1)[0]:
        return IndicatorKind.SIGNAL, _signal(sli, name)
    known = sorted({one for metrics in METRICS.values() for one in metrics})
    raise ValueError(
        f"sli {sli!r} names no metric; known are {known}, and signals with their family, such as "
        "`drift.univariate`"
    )


def _signal(sli: str, name: str) -> str:
    if not name.startswith(FAMILIES):
        raise ValueError(
            f"sli {sli!r} names no signal: signals begin with {', '.join(FAMILIES)} as in `analyze`'s lines"
        )
    return name


def is_metric(name: str) -> bool:
    """Whether a task has a metric of this name."""
    for task in METRICS:
        try:
            metric_of(task, name)
        except ValueError:
            continue
        return True
    return False
