"""When a person is told: the rule of `alerts.incidents` for one rule that takes every breach, as a fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerts.incidents import explained
from alerts.line import Line
from alerts.rules import Alerting
from detectors import Verdict

RULE = Alerting()


@dataclass
class Incidents:
    """The incidents of one model.

    Attributes:
        opened: by window, the signals that opened each incident.
        updates: how many times a person was told of a signal that joined late.
        breaches: the windows that had a breach.
        oks: of the open incident, the windows in a row that each signal has been ok.
    """

    opened: list[tuple[int, list[str]]] = field(default_factory=list)
    updates: int = 0
    breaches: list[int] = field(default_factory=list)
    oks: dict[str, int] = field(default_factory=dict)

    def step(self, window: int, lines: Sequence[Line]) -> None:
        """Take in the lines of a window."""
        news = []
        for line in lines:
            if line.key in self.oks and line.verdict is not Verdict.INSUFFICIENT:
                self.oks[line.key] = self.oks[line.key] + 1 if line.verdict is Verdict.OK else 0
            elif line.verdict is Verdict.BREACH:
                news.append(line)
        if any(line.verdict is Verdict.BREACH for line in lines):
            self.breaches.append(window)
        if news and not self.oks:
            self.opened.append((window, [line.key for line in news]))
        elif news and self._is_told(window, news):
            self.updates += 1
        self.oks |= {line.key: 0 for line in news}
        if self.oks and all(count >= RULE.resolve_after for count in self.oks.values()):
            self.oks = {}

    def _is_told(self, window: int, news: Sequence[Line]) -> bool:
        """Whether signals that join late are told of."""
        length = news[0].end - news[0].start
        late = (window - self.opened[-1][0]) * length > RULE.grouped(length)
        return late and not all(explained(line, self.oks) for line in news)
