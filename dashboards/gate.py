"""The gate that delivery tools ask: Argo Rollouts by a web metric, Flagger by webhooks."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from alerts import audit
from collector.window import iso
from dashboards.api import json_only
from dashboards.comparing import Question, QuestionError, answered
from dashboards.queries.versions import Comparison
from dashboards.web import DataRoute, ProblemError, Site
from detectors.comparison.compare import Arm, Difference
from detectors.comparison.gate import Result

PASS = {Result.PASS: True, Result.FAIL: False, Result.WAIT: None}
CODE = {Result.PASS: 1, Result.WAIT: 0, Result.FAIL: -1}
HALT = 412
ASKED = tuple(Question.model_fields)


class Hook(BaseModel):
    """What Flagger sends; the question is in its metadata, whose values are texts."""

    model_config = ConfigDict(extra="ignore")

    name: str = ""
    namespace: str = ""
    phase: str = ""
    metadata: dict[str, Any] | None = None

    @property
    def question(self) -> Question:
        """What it asks."""
        held = self.metadata or {}
        return Question(**{name: str(held.get(name) or "") for name in ASKED})

    @property
    def model(self) -> str:
        """The model that it asks about.

        Raises:
            ProblemError: it does not say.
        """
        model = (self.metadata or {}).get("model")
        if not model:
            raise ProblemError(
                400,
                "metadata.model is missing",
                "write `metadata: {model: NAME}` in the webhook of the Canary",
            )
        return str(model)

    @property
    def waits(self) -> bool:
        """Whether to halt while it is not known: unless `wait` says `proceed`.

        Raises:
            ProblemError: it says something else.
        """
        wait = (self.metadata or {}).get("wait", "halt")
        if wait not in ("halt", "proceed"):
            raise ProblemError(400, f"metadata.wait={str(wait)[:40]!r}", "write halt or proceed")
        return bool(wait == "halt")


def routes(site: Site) -> APIRouter:
    """The routes of the gate."""
    router = APIRouter(route_class=DataRoute, tags=["gate"])

    @router.get("/v1/models/{model}/gate")
    def gate(model: str, question: Annotated[Question, Query()]) -> dict[str, Any]:
        """Compare two versions: `result` is pass, fail or wait."""
        return answer(model, _asked(site, model, question))

    @router.post("/v1/gate/flagger", dependencies=[Depends(json_only)])
    def proceed(hook: Hook) -> JSONResponse:
        """200 where the canary may proceed; 412 where it is worse, or nothing is known yet."""
        waits, found = hook.waits, _asked(site, hook.model, hook.question)
        halt = found.result is Result.FAIL or (waits and found.result is Result.WAIT)
        if found.result is Result.FAIL:
            _write_down(site, hook, found, "halt")
        return JSONResponse(_brief(found), HALT if halt else 200)

    @router.post("/v1/gate/flagger/rollback", dependencies=[Depends(json_only)])
    def rollback(hook: Hook) -> JSONResponse:
        """200, which makes Flagger roll back, where the candidate is worse; else 412."""
        found = _asked(site, hook.model, hook.question)
        if found.result is Result.FAIL:
            _write_down(site, hook, found, "roll back")
        return JSONResponse(_brief(found), 200 if found.result is Result.FAIL else HALT)

    return router


def _asked(site: Site, model: str, question: Question) -> Comparison:
    schema = site.schema(model)
    try:
        with site.database.read() as connection:
            return answered(connection, schema, question)
    except QuestionError as error:
        reason, _, fix = str(error).rpartition("; ")
        raise ProblemError(400, reason, fix) from None


def _write_down(site: Site, hook: Hook, found: Comparison, decision: str) -> None:
    """Note in the audit log what a tool was told to do, and why."""
    with site.database.write() as connection:
        target = f"{hook.model} {found.choice.candidate}"
        evidence = {"canary": f"{hook.namespace}/{hook.name}", "phase": hook.phase}
        audit.append(
            connection, "flagger", decision, target, found.reason, evidence | answer(hook.model, found)
        )


def answer(model: str, found: Comparison) -> dict[str, Any]:
    """A comparison as JSON."""
    return {
        "model": model,
        "baseline": found.choice.baseline,
        "candidate": found.choice.candidate,
        "segment": found.choice.segment or None,
        "verdict": found.verdict.value,
        "result": found.result.value,
        "pass": PASS[found.result],
        "code": CODE[found.result],
        "reason": found.reason,
        "windows": _windows(found),
        "alpha": found.alpha,
        "any_time": not found.sliding,
        "prediction_distance": _number(found.distance),
        "metrics": [_metric(one) for one in found.differences],
    }


def _brief(found: Comparison) -> dict[str, Any]:
    """The same for a hook: Flagger puts it into an event of Kubernetes, which holds 1,024 characters."""
    rows = {one.measure.name: [one.baseline.rows, one.candidate.rows] for one in found.differences}
    words = {"reason": found.reason[:500], "result": found.result.value, "verdict": found.verdict.value}
    return words | {"windows": _windows(found), "rows": rows}


def _windows(found: Comparison) -> dict[str, Any]:
    """Which windows an answer rests on."""
    first, last = (iso(found.windows[place]) if found.windows else None for place in (0, -1))
    return {"count": len(found.windows), "first": first, "last": last}


def _metric(one: Difference) -> dict[str, Any]:
    look = one.looks[-1] if one.looks else None
    return {
        "metric": one.measure.name,
        "verdict": one.verdict.value,
        "not_worse": one.not_worse,
        "missing": one.missing or None,
        "margin": _number(one.margin),
        "difference": look and _number(look.difference),
        "lower": look and _number(look.lower),
        "upper": look and _number(look.upper),
        "rows_are": one.measure.what,
        "baseline": _arm(one.baseline),
        "candidate": _arm(one.candidate),
    }


def _arm(arm: Arm) -> dict[str, Any]:
    values = {name: _number(getattr(arm, name)) for name in ("value", "lower", "upper")}
    return values | {"rows": arm.rows}


def _number(value: float) -> float | None:
    """A number that JSON can hold."""
    return value if math.isfinite(value) else None
