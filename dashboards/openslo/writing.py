"""Writes objectives as OpenSLO v1 documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from dashboards.openslo import names
from dashboards.prometheus_rules import EVENTS, labels_of
from detectors import Objective, show_duration
from detectors.burn import Limit, limits
from detectors.indicator import IndicatorKind

SOURCE = "modelwatch-prometheus"
TARGET = "modelwatch-alerts"
PROMPT = timedelta(minutes=1)
Document = dict[str, Any]


def documents(model: str, slos: Sequence[Objective], window: timedelta, prometheus: str) -> list[Document]:
    """A service, its objectives, and the burn rates that alert, the referred to before those that refer.

    Args:
        model: the model; the service of the objectives.
        slos: its objectives.
        window: the length of its windows, which are the time slices.
        prometheus: the address of the Prometheus that scrapes Modelwatch.
    """
    service = _document("Service", names.name_of(model), {"description": f"The model {model}."})
    service["metadata"] |= {"displayName": model, "annotations": {names.MODEL: model}}
    source = _document("DataSource", SOURCE, {"type": "Prometheus", "connectionDetails": {"url": prometheus}})
    target = {"target": "alertmanager", "description": "Alerts of `modelwatch slo rules`."}
    made = [service, source, _document("AlertNotificationTarget", TARGET, target)]
    rules = {_rule(slo.period, limit): (slo.period, limit) for slo in slos for limit in _limits(slo, window)}
    for period, limit in rules.values():
        made += _alert(period, limit)
    return made + [_objective(model, slo, window) for slo in slos]


def _document(kind: str, name: str, spec: dict[str, Any]) -> Document:
    return {"apiVersion": names.VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _rule(period: timedelta, limit: Limit) -> str:
    lengths = f"{names.shorthand(period)}-{names.shorthand(limit.length)}"
    return f"burn-rate-{lengths}-{limit.severity}-{names.name_of(f'{limit.rate:.3g}')}".lower()


def _limits(slo: Objective, window: timedelta) -> list[Limit]:
    """The burn rates that alert."""
    return limits(slo.period, window, slices=slo.kind is not IndicatorKind.REQUESTS) if slo.budgeted else []


def _alert(period: timedelta, limit: Limit) -> list[Document]:
    """A condition and its policy: a policy of OpenSLO v1 has one condition."""
    name, lookback = _rule(period, limit), names.shorthand(limit.length)
    spent = limit.rate * (limit.length / period)
    told = f"{spent:.0%} of the error budget of {names.shorthand(period)} is spent within {lookback}"
    condition = {
        "kind": "burnrate",
        "op": "gte",
        "threshold": round(limit.rate, 6),
        "lookbackWindow": lookback,
        "alertAfter": names.shorthand(PROMPT),
    }
    policy = {
        "description": f"{told}, and it burns still over {names.shorthand(limit.short)}.",
        "alertWhenNoData": False,
        "alertWhenResolved": True,
        "alertWhenBreaching": True,
        "conditions": [{"conditionRef": name}],
        "notificationTargets": [{"targetRef": TARGET}],
    }
    of_condition = {"description": f"{told}.", "severity": limit.severity, "condition": condition}
    return [_document("AlertCondition", name, of_condition), _document("AlertPolicy", name, policy)]


def _objective(model: str, slo: Objective, window: timedelta) -> Document:
    requests = slo.kind is IndicatorKind.REQUESTS
    sliced = {} if requests else {"timeSliceTarget": 1.0, "timeSliceWindow": names.shorthand(window)}
    goal = {} if requests or slo.indicator.operator == "ok" else _goal(slo)
    spec: dict[str, Any] = {
        "description": _description(slo),
        "service": names.name_of(model),
        "indicator": {
            "metadata": {"name": names.name_of(f"{slo.name[:59]}-sli"), "displayName": slo.sli},
            "spec": _threshold(model, slo) if goal else _ratio(model, slo),
        },
        "timeWindow": [{"duration": names.shorthand(slo.period), "isRolling": True}],
        "budgetingMethod": "Occurrences" if requests else "Timeslices",
        "objectives": [{"displayName": slo.name, **goal, "target": slo.target or 0.0, **sliced}],
    }
    if slo.budgeted:
        rules = [_rule(slo.period, limit) for limit in _limits(slo, window)]
        spec["alertPolicies"] = [{"alertPolicyRef": rule} for rule in rules]
    made = _document("SLO", names.name_of(slo.name), spec)
    made["metadata"] |= {"displayName": slo.name, "annotations": _annotations(model, slo)}
    return made


def _annotations(model: str, slo: Objective) -> dict[str, str]:
    """What OpenSLO has no field for, so that nothing is lost on the way back."""
    found = {names.MODEL: model, names.SLI: slo.sli}
    if names.name_of(slo.name) != slo.name:
        found[names.NAME] = slo.name
    if slo.segment:
        found[names.SEGMENT] = slo.segment
    if names.length(names.shorthand(slo.period)) != slo.period:
        found[names.PERIOD] = show_duration(slo.period)
    if not slo.budgeted:
        found[names.NO_TARGET] = "judged by the 95 % interval of each window"
    return found


def _description(slo: Objective) -> str:
    where = f" in {slo.segment}" if slo.segment else ""
    if not slo.budgeted:
        return f"{slo.sli}{where}; no error budget: each window is judged by its 95 % interval."[:1050]
    events = "requests" if slo.kind is IndicatorKind.REQUESTS else "windows"
    return f"{100 * (slo.target or 0.0):.6g}% of {events}{where} meet: {slo.sli}"[:1050]


def _source(query: str) -> dict[str, Any]:
    source = {"metricSourceRef": SOURCE, "type": "Prometheus", "spec": {"query": query}}
    return {"metricSource": source}


def _ratio(model: str, slo: Objective) -> dict[str, Any]:
    good = f"{EVENTS}{{{labels_of(model, slo.name, outcome='good')}}}"
    total = f"sum without (outcome) ({EVENTS}{{{labels_of(model, slo.name)}}})"
    return {"ratioMetric": {"counter": True, "good": _source(good), "total": _source(total)}}


def _goal(slo: Objective) -> dict[str, Any]:
    return {"op": names.OPERATOR_NAMES[slo.indicator.operator], "value": slo.indicator.goal}


def _threshold(model: str, slo: Objective) -> dict[str, Any]:
    """The worst value of the signal, over its subjects."""
    worst = "max" if slo.indicator.operator.startswith("<") else "min"
    series = value_series(model, slo)
    return {"thresholdMetric": _source(f"{worst}({series})")}


def value_series(model: str, slo: Objective) -> str:
    """The series of the values that an objective is about."""
    indicator = slo.indicator
    name = f"performance.{indicator.name}" if indicator.kind is IndicatorKind.METRIC else indicator.name
    signal = name.removesuffix(f".{indicator.subject}") if indicator.subject else name
    held = {"model": model, "signal": signal, "segment": slo.segment}
    held |= {"subject": indicator.subject} if indicator.subject else {}
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in held.items()}
    return "modelwatch_signal_value{" + ",".join(f'{key}="{value}"' for key, value in quoted.items()) + "}"
