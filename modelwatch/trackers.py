"""What the evaluation remembers from window to window; stored in the transaction that judges a window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from detectors import Budget, Evidence, Judgement, Verdict
from detectors.estimated import Agreement

REMEMBERED = 1000


class Arrival(NamedTuple):
    """A complete window: its start, the rows that came, how many of them again, and whether that was odd."""

    start: int
    rows: int
    duplicates: int = 0
    odd: bool = False


@dataclass
class Trackers:
    """The memory of one model's evaluation.

    Attributes:
        signals: the evidence of each signal, by line key.
        spans: the same over spans, by the place of the span and line key.
        budgets: the events of each objective's period, by name.
        pending: starts of the windows whose labels are still coming in, ascending.
        past: starts of the judged windows and whether their traffic was in breach, the latest `REMEMBERED`.
        past_outcomes: the same of joined labels.
        empty: how many windows in a row had no predictions.
        told: by line key, the start of the last window that was in breach by itself.
        deployed: when the latest deployment was, in microseconds.
        arrivals: what came in the judged windows, empty ones too, the latest `REMEMBERED`.
        agreements: the latest checks of estimates against labels, by metric and segment.
    """

    signals: dict[str, Evidence] = field(default_factory=dict)
    spans: dict[str, Evidence] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)
    past: list[tuple[int, bool]] = field(default_factory=list)
    past_outcomes: list[tuple[int, bool]] = field(default_factory=list)
    empty: int = 0
    told: dict[str, int] = field(default_factory=dict)
    deployed: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    agreements: dict[str, Agreement] = field(default_factory=dict)

    def step(self, key: str, judgement: Judgement, limit: float, span: int | None = None) -> Verdict:
        """Take in a judgement, of a window or of the span at a place, and return the signal's verdict."""
        held, name = (self.signals, key) if span is None else (self.spans, f"{span}|{key}")
        state = held.get(name, Evidence()).step(judgement, limit)
        held[name] = state
        return state.verdict

    def spans_in_breach(self, key: str, spans: int) -> bool:
        """Whether a signal is in breach over one of so many spans."""
        states = (self.spans.get(f"{span}|{key}") for span in range(spans))
        return any(state is not None and state.in_breach for state in states)

    def unsettle(self) -> None:
        """The empty windows just before an outage was told were part of it.

        >>> trackers = Trackers(arrivals=[Arrival(0, 9), Arrival(1, 0)])
        >>> trackers.unsettle()
        >>> [one.odd for one in trackers.arrivals]
        [False, True]
        """
        for place in range(len(self.arrivals) - 1, -1, -1):
            if self.arrivals[place].rows:
                break
            self.arrivals[place] = self.arrivals[place]._replace(odd=True)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "signals": _stored(self.signals),
            "spans": _stored(self.spans),
            "budgets": {name: budget.to_json() for name, budget in self.budgets.items()},
            "pending": self.pending,
            "past": self.past[-REMEMBERED:],
            "past_outcomes": self.past_outcomes[-REMEMBERED:],
            "empty": self.empty,
            "told": self.told,
            "deployed": self.deployed,
            "arrivals": self.arrivals[-REMEMBERED:],
            "agreements": {key: one.to_json() for key, one in self.agreements.items()},
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_json` wrote.

        >>> Trackers.from_json(Trackers(pending=[5]).to_json()).pending
        [5]
        """
        # older versions had no spans
        signals, spans = (
            {key: _evidence(*values) for key, values in stored.get(name, {}).items()}
            for name in ("signals", "spans")
        )
        budgets = {name: Budget.from_json(held) for name, held in stored["budgets"].items()}
        past, outcomes = (
            [(start, breach) for start, breach in stored[name]] for name in ("past", "past_outcomes")
        )
        told = stored.get("told", {})  # older versions knew no keys
        known = {"told": told if isinstance(told, dict) else {}, "deployed": stored.get("deployed", 0)}
        known["arrivals"] = [Arrival(*one) for one in stored.get("arrivals", ())]
        agreements = stored.get("agreements", {})
        known["agreements"] = {key: Agreement.from_json(one) for key, one in agreements.items()}
        return cls(signals, spans, budgets, list(stored["pending"]), past, outcomes, stored["empty"], **known)


def _evidence(amount: float, in_breach: bool, *parts: float) -> Evidence:
    return Evidence(amount, in_breach, parts=parts)


def _stored(states: dict[str, Evidence]) -> dict[str, tuple[float, ...]]:
    return {key: (state.amount, state.in_breach, *state.parts) for key, state in states.items()}
