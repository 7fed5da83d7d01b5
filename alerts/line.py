"""A line: the verdict on one signal of one window, as `modelwatch analyze` prints it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from collector.window import iso
from detectors import Verdict

ESTIMATED = "performance.estimated."  # and the metric: known before labels come


@dataclass(frozen=True)
class Line:
    """One signal of one window.

    Attributes:
        start: the window's start, in microseconds.
        end: the window's end.
        known_at: when the verdict was reached: the window's end, or later where labels came later.
        signal: dotted, the family first.
        subject: the feature, or "".
        segment: `column=value`, or "" for all rows.
        value: with `lower`, `upper` and `threshold`, see `detectors.Judgement`.
        verdict: ok, breach or insufficient.
        alert: whether a person is told because of this line.
        diagnosis: what it looks like, for a person.
    """

    start: int
    end: int
    known_at: int
    signal: str
    subject: str
    segment: str
    value: float | None
    lower: float | None
    upper: float | None
    threshold: float | None
    verdict: Verdict
    alert: bool = False
    diagnosis: str | None = None

    @property
    def key(self) -> str:
        """Names the signal over all windows."""
        return f"{self.signal}|{self.subject}|{self.segment}"

    def row(self) -> dict[str, Any]:
        """As a database row."""
        return asdict(self)

    def public(self) -> dict[str, Any]:
        """As the one JSON object a line that users read.

        >>> Line(0, 1, 1, "drift.univariate", "age", "", 0.1, None, None, 0.2, Verdict.OK).public()["subject"]
        'age'
        """
        told = {
            "window_start": iso(self.start),
            "window_end": iso(self.end),
            "signal": self.signal,
            "subject": self.subject or None,
            "segment": self.segment or None,
            "value": self.value,
            "lower": self.lower,
            "upper": self.upper,
            "threshold": self.threshold,
            "verdict": self.verdict.value,
            "alert": self.alert,
            "diagnosis": self.diagnosis,
        }
        return told | ({"known_at": iso(self.known_at)} if self.known_at != self.end else {})


def describe(key: str) -> str:
    """The name of a line's key, for people.

    >>> describe("drift.univariate|age|region=north")
    'drift.univariate of age (region=north)'
    """
    signal, subject, segment = key.split("|", 2)
    return signal + (f" of {subject}" if subject else "") + (f" ({segment})" if segment else "")
