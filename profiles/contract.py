"""Rows that broke a model's contract: by feature and violation, and by what became of them.

These spaces have no parameters, so they are the same in every shape: a profile that was stored before they
existed is one in which nothing was counted on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np

from profiles.counts import Counts
from profiles.sums import UNSEEN_KEPT, Sums, first_few


class Violation(IntEnum):
    """What is wrong with a value."""

    WRONG_TYPE = 0
    """It cannot be read as what the feature is; the row was rejected."""
    MISSING = 1
    """The feature is required; the row was rejected."""
    OUT_OF_BOUNDS = 2
    """A number below the declared minimum or above the maximum; the row counts."""
    NOT_ALLOWED = 3
    """A category that is not among the declared ones; the row counts."""


@dataclass(frozen=True, eq=False)
class ContractSummary(Sums):
    """Rows by `Violation` of one feature, a few examples, and how many rows came in all.

    `rows` is filled in where a profile is read (`Profile.part`): it is known from the profile as a whole.
    """

    counts: Counts
    rows: int = 0
    examples: tuple[str, ...] = first_few()

    def broken(self, *violations: Violation) -> int:
        """How many rows have one of these violations."""
        return int(self.counts.at(np.array(violations, np.int64)).sum())


@dataclass(frozen=True)
class Contract:
    """Counts rows that broke the contract of a feature.

    >>> seen = Contract().summarize(Violation.WRONG_TYPE, 3, ["'abc'"])
    >>> (seen + seen).broken(Violation.WRONG_TYPE), seen.examples
    (6, ("'abc'",))
    """

    kind: ClassVar[str] = "contract"

    def summarize(self, violation: Violation, rows: int, examples: Iterable[str] = ()) -> ContractSummary:
        """So many rows with one violation; of the examples the first few in sort order are kept."""
        counts = Counts(np.array([violation], np.int64), np.array([rows], np.int64)) if rows else Counts()
        return ContractSummary(self, counts, examples=tuple(sorted(set(examples))[:UNSEEN_KEPT]))

    def zero(self) -> ContractSummary:
        """The summary of no rows."""
        return ContractSummary(self, Counts())


@dataclass(frozen=True, eq=False)
class ArrivalSummary(Sums):
    """Rows that came: accepted, rejected for whatever reason, and such whose id had come before.

    `accepted` is filled in where a profile is read (`Profile.part`): it is the profile's own rows.
    """

    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    examples: tuple[str, ...] = first_few()


@dataclass(frozen=True)
class Arrivals:
    """Counts rows by what became of them.

    >>> (Arrivals().summarize(rejected=2) + Arrivals().summarize(duplicates=1)).rejected
    2
    """

    kind: ClassVar[str] = "arrivals"

    def summarize(
        self, *, accepted: int = 0, rejected: int = 0, duplicates: int = 0, examples: Iterable[str] = ()
    ) -> ArrivalSummary:
        """So many rows; of the reasons why some were rejected the first few in sort order are kept."""
        kept = tuple(sorted(set(examples))[:UNSEEN_KEPT])
        return ArrivalSummary(self, accepted, rejected, duplicates, kept)

    def zero(self) -> ArrivalSummary:
        """The summary of no rows."""
        return ArrivalSummary(self)


ARRIVALS, CONTRACT = Arrivals(), Contract()


def contract_part(feature: str) -> str:
    """The name of the part that holds a feature's violations."""
    return f"{CONTRACT.kind}.{feature}"
