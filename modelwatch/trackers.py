"""What the evaluation remembers from window to window; stored in the transaction that judges a window."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

from detectors import Budget, Evidence, Judgement, Verdict

REMEMBERED = 1000


@dataclass
class Trackers:
    """The memory of one model's evaluation.

    Attributes:
        signals: the evidence of each signal, by line key.
        budgets: the events of each objective's period, by name.
        pending: starts of the windows whose labels are still coming in, ascending.
        past: starts of the judged windows and whether their traffic was in breach, the latest `REMEMBERED`.
        past_outcomes: the same of joined labels.
        empty: how many windows in a row had no predictions.
    """

    signals: dict[str, Evidence] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)
    past: list[tuple[int, bool]] = field(default_factory=list)
    past_outcomes: list[tuple[int, bool]] = field(default_factory=list)
    empty: int = 0

    def step(self, key: str, judgement: Judgement, limit: float) -> Verdict:
        """Take in a judgement and return the signal's verdict."""
        state = self.signals.get(key, Evidence()).step(judgement, limit)
        self.signals[key] = state
        return state.verdict

    def windows(self, length: int, most: int) -> tuple[int, int]:
        """How many windows had predictions, and how many between them had none.

        Args:
            length: of a window, in microseconds.
            most: of one silence, so many windows count.

        >>> Trackers(past=[(0, False), (10, False), (40, False)]).windows(10, 100)
        (3, 2)
        """
        starts = [start for start, _ in self.past]
        empty = sum(min((b - a) // length - 1, most) for a, b in pairwise(starts))
        return len(starts), empty

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "signals": {key: [state.amount, state.in_breach] for key, state in self.signals.items()},
            "budgets": {name: budget.bins for name, budget in self.budgets.items()},
            "pending": self.pending,
            "past": self.past[-REMEMBERED:],
            "past_outcomes": self.past_outcomes[-REMEMBERED:],
            "empty": self.empty,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_json` wrote.

        >>> Trackers.from_json(Trackers(pending=[5]).to_json()).pending
        [5]
        """
        signals = {key: Evidence(amount, in_breach) for key, (amount, in_breach) in stored["signals"].items()}
        budgets = {
            name: Budget(tuple((start, bad, events) for start, bad, events in bins))
            for name, bins in stored["budgets"].items()
        }
        past, outcomes = (
            [(start, breach) for start, breach in stored[name]] for name in ("past", "past_outcomes")
        )
        return cls(signals, budgets, list(stored["pending"]), past, outcomes, stored["empty"])
