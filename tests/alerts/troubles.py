"""A model whose verdicts the test makes up, window by window, in a real database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from alerts import tables
from alerts.dispatch import Dispatcher
from alerts.egress import Egress
from alerts.incidents import IncidentDesk
from alerts.line import Line
from alerts.rules import Alerting
from collector.store.database import Database
from collector.store.rows import put
from collector.store.tables import deployments, models
from detectors import Verdict

DAY = 86_400_000_000
DRIFT, LATENCY, AUC = "drift.univariate|x|", "latency.p99||", "performance.roc_auc||"
VERDICTS = {"b": Verdict.BREACH, "o": Verdict.OK, "i": Verdict.INSUFFICIENT}


def made_up(key: str, start: int, known: int, letter: str) -> Line:
    """A line of a day."""
    signal, subject, segment = key.split("|")
    verdict = VERDICTS[letter]
    return Line(start, start + DAY, known, signal, subject, segment, 3.0, None, None, 1.0, verdict)


@dataclass
class Trouble:
    """The desk of one model with windows of a day; the window that is judged next is `day`."""

    database: Database
    alerting: Alerting
    allowed: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    day: int = 100

    def __post_init__(self) -> None:
        self.desk = IncidentDesk("m", self.alerting, DAY, "http://pages")
        self.egress = Egress(self.allowed)
        self.dispatcher = Dispatcher(self.database, {"m": self.alerting}, self.egress, "http://pages")

    def judge(self, *, late: int = 0, **verdicts: str) -> list[Line]:
        """Judge a day; verdicts by signal as one letter each. `late` judges the day so many before."""
        names = {"drift": DRIFT, "latency": LATENCY, "auc": AUC}
        start = (self.day - late) * DAY
        lines = [
            made_up(names.get(key, key if "|" in key else f"{key}||"), start, (self.day + 1) * DAY, letter)
            for key, letter in verdicts.items()
        ]
        self.day += 0 if late else 1
        with self.database.write() as connection:
            put(connection, models, {"model": "m"}, {"watermark": self.day * DAY}, {"live": False})
            if lines:
                connection.execute(tables.verdicts.insert(), [{"model": "m", **line.row()} for line in lines])
            return self.desk.take(connection, lines, self.day * DAY + (DAY if late else 0))

    def days(self, count: int, **verdicts: str) -> None:
        """Judge some days alike."""
        for _ in range(count):
            self.judge(late=0, **verdicts)

    def deploy(self, version: str, by: str = "ann", *, at: float | None = None) -> None:
        """A version goes live now, or at a day."""
        moment = int((self.day if at is None else at) * DAY)
        with self.database.write() as connection:
            values = {"model": "m", "version": version, "at": moment, "by": by, "reason": ""}
            connection.execute(deployments.insert().values(**values))

    def rows(self, table: sa.Table) -> list[Any]:
        """The rows of a table, in the order in which they came."""
        order = table.c.proposed_at if table is tables.actions else table.c.id
        with self.database.read() as connection:
            return list(connection.execute(sa.select(table).order_by(order)))

    def incidents(self) -> list[tuple[str, str]]:
        """The rule and the status of every incident."""
        return [(row.rule, row.status) for row in self.rows(tables.incidents)]

    def told(self) -> list[str]:
        """The kinds of all messages."""
        return [row.kind for row in self.rows(tables.notifications)]

    def action(self) -> Any:
        """The only action."""
        (row,) = self.rows(tables.actions)
        return row

    def hurry(self) -> None:
        """Carry out what is due, without the waits between attempts."""
        with self.database.write() as connection:
            for table in (tables.notifications, tables.actions):
                connection.execute(table.update().values(next_try=0))
        self.dispatcher.once()
