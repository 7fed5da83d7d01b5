"""Recording and alerting rules for Prometheus, from the objectives of a monitor file.

Multiwindow, multi-burn-rate alerts: Beyer et al., "The Site Reliability Workbook", chapter 5. They read
`modelwatch_slo_events_total`, which grows when a window has been judged, so no rule looks at less than two
windows of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from dashboards.words import path
from detectors import Objective
from detectors.burn import FEWEST_BAD, FEWEST_SLICES, PAGE, TICKET, Limit, limits
from detectors.indicator import IndicatorKind

EVENTS = "modelwatch_slo_events_total"
RATIO = "modelwatch:slo_errors:ratio_rate"
UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
Group = dict[str, Any]


def duration(value: timedelta) -> str:
    """A duration as Prometheus reads it.

    >>> duration(timedelta(hours=36)), duration(timedelta(days=7)), duration(timedelta(minutes=33.6))
    ('36h', '7d', '2016s')
    """
    seconds = max(round(value.total_seconds()), 1)
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def resolved(period: timedelta, window: timedelta) -> list[tuple[Limit, timedelta]]:
    """The rules, each with its short time, both no shorter than two windows: of one a scrape may see nothing.

    Args:
        period: of the objective.
        window: the length of the model's windows.
    """
    return [
        (limit, max(limit.short, window * FEWEST_SLICES)) for limit in limits(period, window, slices=True)
    ]


def rule_groups(model: str, slos: Iterable[Objective], window: timedelta, url: str) -> dict[str, Any]:
    """A Prometheus rule file, as a value to write as YAML.

    Args:
        model: the model.
        slos: its objectives.
        window: the length of its windows.
        url: where the pages are.
    """
    groups: list[Group] = []
    for slo in slos:
        page = f"{url.rstrip('/')}/models/{path(model)}/objectives#{slo.name}"
        rules = _budgeted(model, slo, window, page) if slo.budgeted else [_unbudgeted(model, slo, page)]
        groups.append({"name": f"modelwatch-{model}-{slo.name}", "rules": rules})
    return {"groups": groups}


def labels_of(model: str, slo: str, **more: str) -> str:
    """A selector of an objective's series.

    >>> labels_of("m", "fast", outcome="bad")
    'model="m",slo="fast",outcome="bad"'
    """
    held = {"model": model, "slo": slo} | more
    return ",".join(f'{name}="{_quoted(value)}"' for name, value in held.items())


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _increase(model: str, slo: Objective, length: str, **more: str) -> str:
    """Events of a time; every replica of the service exports the same ones, so not their sum."""
    series = f"{EVENTS}{{{labels_of(model, slo.name, **more)}}}"
    return f"sum by (model, slo) (max by (model, slo, outcome) (increase({series}[{length}])))"


def _budgeted(model: str, slo: Objective, window: timedelta, page: str) -> list[Any]:
    rules = resolved(slo.period, window)
    lengths = sorted({time for limit, short in rules for time in (limit.length, short)} | {slo.period})
    recorded = [
        {
            "record": f"{RATIO}{duration(length)}",
            "expr": f"{_increase(model, slo, duration(length), outcome='bad')}"
            f" / {_increase(model, slo, duration(length))}",
            "labels": {"model": model, "slo": slo.name},
        }
        for length in lengths
    ]
    alerts = [
        _alert(model, slo, [rule for rule in rules if rule[0].severity == severity], page)
        for severity in (PAGE, TICKET)
    ]
    return [*recorded, *alerts]


def _alert(model: str, slo: Objective, rules: Sequence[tuple[Limit, timedelta]], page: str) -> dict[str, Any]:
    """One alert for all rules of a severity, so that one trouble is told once."""
    severity = rules[0][0].severity
    rates = " or ".join(f"{limit.rate:.3g} x over {duration(limit.length)}" for limit, _ in rules)
    return {
        "alert": "ModelwatchErrorBudgetBurn",
        "expr": "\nor ".join(f"({_condition(model, slo, *rule)})" for rule in rules),
        "labels": {"severity": severity, "model": model, "slo": slo.name},
        "annotations": {
            "summary": f"{slo.name} of {model} burns its error budget too fast",
            "description": f"{slo.sli}: the target is {100 * (slo.target or 0):.6g}% over "
            f"{duration(slo.period)}. At least {rates}: {{{{ $value | humanizePercentage }}}} are bad.",
            "runbook_url": page,
        },
    }


def _condition(model: str, slo: Objective, limit: Limit, short: timedelta) -> str:
    which = labels_of(model, slo.name)
    most = f"{limit.rate * slo.allowed:.9g}"
    long, brief = duration(limit.length), duration(short)
    parts = [f"{RATIO}{one}{{{which}}} >= {most}" for one in dict.fromkeys((long, brief))]
    if slo.kind is IndicatorKind.REQUESTS:  # at low traffic one failure is a large share
        parts.append(f"{_increase(model, slo, long, outcome='bad')} >= {FEWEST_BAD - 0.5:g}")
    return " and ".join(parts)


def _unbudgeted(model: str, slo: Objective, page: str) -> dict[str, Any]:
    """A metric without a target: its own verdict."""
    held = {"model": model, "signal": slo.signal, "segment": slo.segment}
    which = ",".join(f'{name}="{_quoted(value)}"' for name, value in held.items())
    return {
        "alert": "ModelwatchObjectiveMissed",
        "expr": f"max by (model, signal) (modelwatch_signal_breach{{{which}}}) == 1",
        "labels": {"severity": "ticket", "slo": slo.name},
        "annotations": {
            "summary": f"{slo.name} of {model}: {slo.sli} is missed by its whole 95 % interval",
            "runbook_url": page,
        },
    }
