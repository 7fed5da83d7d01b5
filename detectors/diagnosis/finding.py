"""What a change looks like: a kind from a fixed vocabulary, a text with numbers, and how much it explains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of change, as people read them. See docs/diagnosis.md."""

    UNIT = "unit change"
    SIGN = "sign flipped"
    TRANSFORM = "transformed"
    TIME_ZONE = "time-zone shift"
    CONSTANT = "constant"
    DEFAULT = "default value"
    CLIPPED = "clipped"
    TRUNCATED = "truncated"
    ROUNDED = "rounded"
    MISSING = "missing values"
    LOCATION = "location shift"
    SPREAD = "spread change"
    TAIL = "tail change"
    SHAPE = "shape change"
    SHARES = "shares changed"
    NEW = "new categories"
    VANISHED = "vanished categories"
    RENAMED = "renamed categories"
    REWRITTEN = "rewritten categories"
    SWAPPED = "swapped columns"
    SLOWER = "all requests slower"
    SLOWER_TAIL = "slow requests slower"
    FASTER = "requests faster"
    FAILURES = "failures"


@dataclass(frozen=True)
class Finding:
    """One explanation of a change.

    Attributes:
        kind: of the change.
        text: for people, with numbers.
        strength: in (0, 1]: the share of the change that it explains, less for an explanation that could
            explain more.
    """

    kind: Kind
    text: str
    strength: float

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def ranked(findings: Iterable[Finding | None]) -> list[Finding]:
    """The findings that there are, the best explanation first.

    >>> [str(one) for one in ranked([None, Finding(Kind.SIGN, "-x", 0.9)])]
    ['sign flipped: -x']
    """
    return sorted((one for one in findings if one), key=lambda one: -one.strength)


def figure(value: float) -> str:
    """A number to four digits.

    >>> figure(0.30480001), figure(1234567.0), figure(-0.0)
    ('0.3048', '1.235e+06', '0')
    """
    return f"{value + 0.0:.4g}"


def percent(share: float) -> str:
    """A share in per cent, to two digits or so.

    >>> percent(0.1234), percent(0.00123), percent(1.0)
    ('12 %', '0.12 %', '100 %')
    """
    digits = 3 if share >= 0.995 else 2  # noqa: PLR2004 - 99.6 must not become 1e+02
    return f"{100 * share:.{digits}g} %"
