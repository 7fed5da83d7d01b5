"""Reads requests and their responses into one batch: good predictions, and what is wrong with the others."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collector.batch import Batch, Rejection
from collector.schema import Schema
from collector.sources.bodies import RESPONSES
from collector.sources.frame import UnreadableError
from collector.sources.layout import Event, Layout
from collector.validation.columns import Fault
from collector.validation.sheet import rejection
from collector.validation.validate import Validator

NO_RESPONSE = "no response"
OK, ERROR = 200, 500
log = logging.getLogger(__name__)


class Reading:
    """Collects the predictions of many requests, for one pass of the validator.

    Args:
        schemas: every monitored model's schema, by name.
        row: the number of the first request.
    """

    def __init__(self, schemas: Mapping[str, Schema], row: int = 0) -> None:
        self._schemas = schemas
        self._events: list[Event] = []
        self._rows: list[int] = []
        self._refused: list[Rejection] = []
        self._row = row

    def pair(self, model: Any, layout: Layout, request: Any, response: Any, base: Event, raw: Any) -> None:
        """Add a request and its response, as JSON has them; without a response it has failed.

        Args:
            model: the monitored model's name.
            layout: how the bodies are read.
            request: the request's body.
            response: the response's body; None where there is none.
            base: the id, the time and what else is known; the status follows from the response if need be.
            raw: what to keep if it is refused.
        """
        if not isinstance(model, str) or model not in self._schemas:
            known = ", ".join(sorted(self._schemas)) or "none"
            fix = f"monitored are: {known}; add a monitor file"
            self.refuse("", UnreadableError("model", model, "no such model is monitored", fix), raw)
            return
        failed = _is_error(response)
        if base.get("status") is None:
            base = base | {"status": NO_RESPONSE if response is None else ERROR if failed else OK}
        told = None if failed else response
        try:
            events = layout.events(self._schemas[model], request, told, base)
        except UnreadableError as fault:
            self.refuse(model, fault, raw)
        except Exception as error:  # what nobody thought of in one request must not hold up all others
            log.exception("a request of %s cannot be read", model)
            reason = f"cannot be read: {type(error).__name__}"
            fix = "report this with the request; the log says where"
            self.refuse(model, UnreadableError("request", None, reason, fix), raw)
        else:
            self._events += [{"kind": "prediction", "model": model} | event for event in events]
            self._rows += [self._row] * len(events)
            self._row += 1

    def refuse(self, model: str, fault: UnreadableError, raw: Any) -> None:
        """Add a request that is none, and why."""
        told = Fault(self._row, fault.value, str(fault), fault.fix)
        name = model if model in self._schemas else ""
        self._refused.append(rejection(self._row, "prediction", name, told, fault.field, raw))
        self._row += 1

    def batch(self, validator: Validator, now: float | None) -> Batch:
        """Everything that was added; the rows of rejections count the requests.

        Args:
            validator: checks the predictions.
            now: the server's time in seconds, or None to accept times in the future.
        """
        read = validator.batch(self._events, "prediction", now)
        received = Counter(read.received) + Counter(refused.model for refused in self._refused)
        placed = [replace(one, row=self._rows[one.row]) for one in read.rejections]
        rejections = sorted([*placed, *self._refused], key=lambda one: one.row)
        return replace(read, received=received, rejections=rejections)


def _is_error(response: Any) -> bool:
    return isinstance(response, dict) and "error" in response and not response.keys() & {*RESPONSES}
