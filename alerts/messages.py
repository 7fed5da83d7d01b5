"""What people are told, written into the outbox in the same transaction as what it is about."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from alerts import tables
from alerts.line import Line
from alerts.notifiers import Message
from alerts.rules import Rule
from collector.window import iso

Kind = Literal["opened", "updated", "resolved", "escalated"]
EVIDENCE_TOLD = 10


def clock() -> int:
    """The time of this machine, in microseconds."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Outbox:
    """Writes messages and the timeline of one model's incidents.

    Attributes:
        model: the model.
        notifiers: every notifier's name.
        url: where the pages are, without a slash at the end.
    """

    model: str
    notifiers: Sequence[str]
    url: str

    def tell(
        self,
        connection: sa.Connection,
        kind: Kind,
        incident: Any,
        rule: Rule | None,
        at: int,
        text: str,
        evidence: Iterable[Line] = (),
    ) -> None:
        """Queue a message for each notifier of the rule, and note it on the timeline."""
        note(connection, incident.id, at, kind, text)
        names = self.notifiers if rule is None or rule.notify is None else rule.notify
        for name in names:
            message = Message(
                id=f"{self.model}-{incident.id}-{kind}-{at}-{name}",
                kind=kind,
                model=self.model,
                incident=incident.id,
                severity=incident.severity,
                title=incident.title,
                text=text,
                at=iso(at),
                url=f"{self.url}/incidents/{incident.id}",
                evidence=[line.public() for line in list(evidence)[:EVIDENCE_TOLD]],
            )
            values = {"incident": incident.id, "model": self.model, "notifier": name, "kind": kind, "at": at}
            connection.execute(
                tables.notifications.insert().values(
                    **values, payload=message.model_dump(), state="pending", attempts=0, next_try=0
                )
            )


def note(connection: sa.Connection, incident: int, at: int, kind: str, text: str) -> None:
    """Write an entry of an incident's timeline."""
    connection.execute(
        tables.timeline.insert().values(incident=incident, at=at, recorded=clock(), kind=kind, text=text)
    )
