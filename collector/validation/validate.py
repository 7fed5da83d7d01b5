"""From events to a batch of clean columns: every row is accepted, or rejected with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from collector.batch import Batch, Deployment, Labels, Predictions, Rejection
from collector.schema import Schema
from collector.validation.columns import Fault, named
from collector.validation.decode import BadBodyError
from collector.validation.sheet import Rows, Sheet, rejection

KINDS = ("prediction", "label", "deployment")


class Validator:
    """Sorts events by kind and model, reads their columns, and keeps what is wrong with each row.

    Args:
        schemas: every monitored model's schema, by name.
    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def batch(self, events: Sequence[Any], kind: str | None, now: float | None) -> Batch:
        """Validate one delivery.

        Args:
            events: what `decode` returned; rows that are no objects, or errors, are rejected.
            kind: what all of them are, or None when each says so in its field `kind`.
            now: the server's time in seconds, or None to accept times in the future.
        """
        rejections: list[Rejection] = []
        groups: dict[tuple[str, str], Rows] = defaultdict(list)
        received: dict[str, int] = defaultdict(int)
        for row, event in enumerate(events):
            refused, sort, model = self._sort(row, event, kind)
            received[model if model in self._schemas else ""] += 1
            if refused:
                rejections.append(refused)
            else:
                groups[sort, model].append((row, event))
        predictions: dict[str, list[Predictions]] = {}
        labels: dict[str, list[Labels]] = {}
        deployments: list[Deployment] = []
        for (sort, model), rows in groups.items():
            sheet = Sheet(sort, self._schemas[model], rows, now)
            if sort == "prediction":
                predictions[model] = [sheet.predictions()]
            elif sort == "label":
                labels[model] = [sheet.labels()]
            else:
                deployments += sheet.deployments()
            rejections += sheet.rejections()
        rejections.sort(key=lambda refused: refused.row)
        return Batch(received, predictions, labels, deployments, rejections)

    def _sort(self, row: int, event: Any, kind: str | None) -> tuple[Rejection | None, str, str]:
        """The row's kind and model, or why it has none."""
        if isinstance(event, BadBodyError):
            fault = Fault(row, event.raw, str(event), event.fix)
            return rejection(row, kind or "", "", fault, "", event.raw), "", ""
        if not isinstance(event, dict):
            fault = Fault(row, event, f"expected an object, got {named(event)}", "send a JSON object")
            return rejection(row, kind or "", "", fault, "", event), "", ""
        sort = kind or event.get("kind")
        if sort not in KINDS:
            fault = Fault(row, sort, "not a kind of event", f"send one of {', '.join(KINDS)}")
            return rejection(row, "", "", fault, "kind", event), "", ""
        model = event.get("model")
        if not isinstance(model, str) or model not in self._schemas:
            known = ", ".join(sorted(self._schemas)) or "none"
            fault = Fault(
                row, model, "no such model is monitored", f"monitored are: {known}; add a monitor file"
            )
            return rejection(row, sort, "", fault, "model", event), "", ""
        return None, sort, model
