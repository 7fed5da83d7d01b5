"""The result of a crash run over one path into the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.finding import Finding


@dataclass(frozen=True)
class Result:
    """What a path was put through, and what came of it.

    Attributes:
        path: from where to where.
        kills: how many there were.
        sent: lines, those that were sent again not counted.
        finding: what the database holds.
        seconds: how long it took.
        seen: what happened on the way, how often.
        faults: what is wrong.
    """

    path: str
    kills: int
    sent: int
    finding: Finding
    seconds: float
    seen: Mapping[str, int]
    faults: tuple[str, ...]


def tracebacks(log: str) -> list[str]:
    """What a log says of errors that nobody foresaw: the first of them, with what comes before and after.

    The Kafka client logs lost connections with tracebacks of its own.
    """
    lines = log.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("Traceback") and (at == 0 or "<Kafka" not in lines[at - 1]):
            return ["a traceback was logged: " + "\n".join(lines[max(0, at - 5) : at + 60])]
    return []
