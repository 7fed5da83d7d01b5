"""A question for a comparison of two versions, as queries and hooks ask it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from collector.schema import Schema
from collector.store.read import Reader
from collector.window import MICROSECOND, microseconds
from dashboards.queries.versions import (
    Choice,
    Comparison,
    Served,
    baseline_of,
    candidate_of,
    compare_versions,
    defaults,
    served,
)
from detectors import parse_duration


class QuestionError(ValueError):
    """The question cannot be answered; the message says what is wrong, and what to write instead."""


class Question(BaseModel):
    """What is asked, as texts; what is left out is chosen by the traffic and the task.

    Attributes:
        baseline: a version.
        candidate: another version.
        metrics: names, separated by commas.
        margin: a number, or numbers by metric: `0.01,latency_p99=0.1`.
        since: ISO 8601, or a duration before the end of the newest window.
        segment: which rows, such as `region=north`; all when left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    baseline: str = ""
    candidate: str = ""
    metrics: str = ""
    margin: str = ""
    since: str = ""
    segment: str = ""

    def choice(self, connection: sa.Connection, schema: Schema) -> Choice:
        """What to compare.

        Raises:
            QuestionError: a part of the question is wrong, or there are no two versions.
        """
        known = served(connection, schema.model)
        candidate = self.candidate or candidate_of(connection, schema.model, known, self.baseline)
        baseline = self.baseline or baseline_of(known, candidate or "")
        if baseline is None or candidate is None:
            those = ", ".join(one.version for one in known) or "none"
            raise QuestionError(
                f"{schema.model} has no two versions with traffic, but: {those}; log predictions with their "
                "version, or name baseline and candidate"
            )
        if baseline == candidate:
            raise QuestionError(f"baseline and candidate are both {baseline!r}; name two versions")
        names = tuple(dict.fromkeys(name.strip() for name in self.metrics.split(",") if name.strip()))
        since, sliding = self._since(known, schema)
        return Choice(baseline, candidate, names, margins(self.margin), since, sliding, self._segment(schema))

    def _segment(self, schema: Schema) -> str:
        """The segment, of a column that the model is cut by."""
        column, equals, _ = self.segment.partition("=")
        if self.segment and (not equals or column not in schema.segments):
            known = ", ".join(f"{name}=VALUE" for name in schema.segments) or "none: the monitor names none"
            raise QuestionError(
                f"segment={self.segment[:40]!r} is no segment of {schema.model}; there are {known}"
            )
        return self.segment

    def _since(self, known: list[Served], schema: Schema) -> tuple[int | None, bool]:
        """The moment from which on windows count, and whether it moves with time."""
        if not self.since:
            return None, False
        with suppress(ValueError):  # a query's + arrives as a space
            moment = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", self.since))
            return schema.window.start(microseconds(moment)), False
        try:
            length = parse_duration(self.since) // MICROSECOND
        except ValueError:
            raise QuestionError(
                f"since={self.since[:40]!r} is no time; write ISO 8601, or a duration such as 6h"
            ) from None
        end = max((one.last for one in known), default=0) + schema.window.length
        return schema.window.start(end - length), True


def margins(text: str) -> Mapping[str, float]:
    """Margins by metric, "" for all others.

    Raises:
        QuestionError: one is no number from 0 on.

    >>> margins("0.01,latency_p99=0.1")
    {'': 0.01, 'latency_p99': 0.1}
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise QuestionError(f"margin={part[:40]!r} is no number from 0 on; write 0.01, or roc_auc=0.01")
        found[name.strip()] = value
    return found


def answered(connection: sa.Connection, schema: Schema, question: Question) -> Comparison:
    """Answer a question.

    Raises:
        QuestionError: it cannot be answered.
    """
    choice = question.choice(connection, schema)
    unknown = sorted(choice.margins.keys() - {"", *(choice.metrics or defaults(schema.task))})
    if unknown:
        raise QuestionError(f"margin names {', '.join(unknown)}, which is not compared; name it in metrics")
    try:
        return compare_versions(Reader(connection, schema.model), schema, choice)
    except ValueError as error:
        raise QuestionError(f"metrics: {error}") from None
