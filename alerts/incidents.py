"""From verdicts to incidents: one incident for one trouble, however many windows it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from alerts import audit, tables
from alerts.deployments import OURS, Change, before
from alerts.line import ESTIMATED, Line, describe
from alerts.messages import Outbox, note
from alerts.remediation import Remediation
from alerts.rules import Alerting, Rule
from detectors import Verdict

SUBJECTS_NAMED = 5
MULTIVARIATE = "drift.multivariate"
PERFORMANCE = "performance."


class IncidentDesk:
    """Opens, updates and resolves the incidents of one model.

    Args:
        model: the model.
        alerting: its rules.
        window: the length of its windows, in microseconds.
        url: where the pages are.
    """

    def __init__(self, model: str, alerting: Alerting, window: int, url: str) -> None:
        self._model, self._alerting, self._window = model, alerting, window
        self._outbox = Outbox(model, list(alerting.notifiers), url)
        self.remediation = Remediation(model, alerting, self._outbox)

    def take(self, connection: sa.Connection, lines: Sequence[Line], at: int) -> list[Line]:
        """Take in the lines of one moment (event time), and return them with `alert` set.

        Of all that is told in one message, one line has `alert`: the one furthest beyond its threshold.
        """
        open_incidents = {row.rule: row for row in self.open(connection)}
        news: dict[str, list[Line]] = {}
        deployments = before(connection, self._model, at)
        subjects = {rule: dict(row.subjects) for rule, row in open_incidents.items()}
        for line in lines:
            holder = next((rule for rule, held in subjects.items() if line.key in held), None)
            if holder is not None:
                subjects[holder][line.key] = _seen(subjects[holder][line.key], line)
            if line.verdict is not Verdict.BREACH or holder is not None:
                continue
            rule = self._rule(line, deployments)
            if rule is not None:
                news.setdefault(rule.name, []).append(line)
        for name, row in open_incidents.items():
            if subjects[name] != row.subjects:
                self._update(connection, row.id, subjects=subjects[name])
        alerted = set()
        for name, fresh in news.items():
            if self._tell(connection, name, open_incidents.get(name), subjects.get(name, {}), fresh, at):
                alerted.add(id(_worst(fresh)))
        self.remediation.verify(connection, at)
        self._resolve(connection, at)
        return [replace(line, alert=True) if id(line) in alerted else line for line in lines]

    def open(self, connection: sa.Connection) -> list[Any]:
        """The incidents that are not resolved, oldest first."""
        query = sa.select(tables.incidents).where(
            tables.incidents.c.model == self._model, tables.incidents.c.status != "resolved"
        )
        return list(connection.execute(query.order_by(tables.incidents.c.id)))

    def _rule(self, line: Line, deployments: Sequence[Change]) -> Rule | None:
        # what follows a rollback of our own is not the fault of a release
        nearest = _nearest(line, deployments)
        since = line.end - nearest.at if nearest and nearest.by != OURS else None
        return next((rule for rule in self._alerting.rules if rule.matches(line.signal, since)), None)

    def _tell(
        self,
        connection: sa.Connection,
        name: str,
        known: Any,
        subjects: dict[str, Any],
        fresh: list[Line],
        at: int,
    ) -> bool:
        """Open an incident, or add to one; returns whether a person is told."""
        rule = next(rule for rule in self._alerting.rules if rule.name == name)
        subjects = subjects | {line.key: _seen({"since": line.start}, line) for line in fresh}
        names = ", ".join(describe(line.key) for line in fresh[:SUBJECTS_NAMED])
        names += f" and {len(fresh) - SUBJECTS_NAMED} more" if len(fresh) > SUBJECTS_NAMED else ""
        worst = _worst(fresh)
        detail = f"{names}. {describe(worst.key)}: {worst.diagnosis}" if worst.diagnosis else names
        if known is not None:
            self._update(connection, known.id, subjects=subjects)
            soon = at - known.opened_at <= self._alerting.grouped(self._window)
            if soon or all(explained(line, known.subjects) for line in fresh):
                note(connection, known.id, at, "joined", f"Also in breach: {detail}")
                return False
            self._outbox.tell(connection, "updated", known, rule, at, f"Also in breach: {detail}", fresh)
            return rule.notify != ()
        incident, suspect = self._open(connection, rule, subjects, worst, at)
        text = f"In breach: {detail}" + (f". Suspect: deployment of {suspect.version}" if suspect else "")
        self._outbox.tell(connection, "opened", incident, rule, at, text, fresh)
        self.remediation.propose(connection, incident, rule, suspect, at)
        return rule.notify != ()

    def _open(
        self, connection: sa.Connection, rule: Rule, subjects: dict[str, Any], worst: Line, at: int
    ) -> tuple[Any, Change | None]:
        nearest = _nearest(worst, before(connection, self._model, at))
        suspect = nearest if rule.after_deployment is not None else None
        title = f"{self._model}: {describe(worst.key)}" + (f" after {suspect.version}" if suspect else "")
        values = {
            "model": self._model,
            "rule": rule.name,
            "severity": rule.severity,
            "status": "open",
            "title": title,
            "opened_at": at,
            "suspect": asdict(suspect) if suspect else None,
            "subjects": subjects,
        }
        added = connection.execute(tables.incidents.insert().values(**values))
        number = added.inserted_primary_key[0] if added.inserted_primary_key else None
        audit.append(
            connection, "modelwatch", "open", f"incident {number}", title, {"subjects": list(subjects)}
        )
        return connection.execute(sa.select(tables.incidents).filter_by(id=number)).one(), suspect

    def _resolve(self, connection: sa.Connection, at: int) -> None:
        for row in self.open(connection):
            quiet = all(held["oks"] >= self._alerting.resolve_after for held in row.subjects.values())
            if quiet:
                self.remediation.withdraw(connection, row.id, at)
            if not quiet or self.remediation.in_flight(connection, row.id):
                continue
            why = self.remediation.credit(connection, row.id)
            windows = f"every signal was ok for {self._alerting.resolve_after} windows"
            text = f"{why}: {windows}" if why else f"{windows[0].upper()}{windows[1:]}"
            self._update(connection, row.id, status="resolved", resolved_at=at, resolution=text)
            audit.append(connection, "modelwatch", "resolve", f"incident {row.id}", text, {})
            rule = next((rule for rule in self._alerting.rules if rule.name == row.rule), None)
            self._outbox.tell(connection, "resolved", row, rule, at, text)

    @staticmethod
    def _update(connection: sa.Connection, incident: int, **values: Any) -> None:
        connection.execute(tables.incidents.update().filter_by(id=incident).values(**values))


def _seen(held: dict[str, Any], line: Line) -> dict[str, Any]:
    """A subject of an incident after one more line: how many windows in a row it has been ok."""
    over = line.signal.startswith(ESTIMATED) and line.value is not None  # never ok without labels
    if line.verdict is Verdict.INSUFFICIENT and not over:
        return held
    oks = held.get("oks", 0) + 1 if line.verdict is not Verdict.BREACH else 0
    return held | {"oks": oks, "last": line.start, "value": line.value}


def explained(line: Line, subjects: dict[str, Any]) -> bool:
    """Whether a line says again what another subject of the incident says.

    All features drift as one does, and metrics of the same rows fall together.
    """
    told = [tuple(key.split("|")) for key in subjects]
    if line.signal.startswith(MULTIVARIATE):
        return any(not signal.startswith(MULTIVARIATE) for signal, *_ in told)
    if not line.signal.startswith(PERFORMANCE):
        return False
    same = [signal for signal, _, segment in told if segment in ("", line.segment)]
    known = [one for one in same if one.startswith(PERFORMANCE)]
    if not line.signal.startswith(ESTIMATED):  # that labels confirm an estimate is news
        known = [one for one in known if not one.startswith(ESTIMATED)]
    return bool(known)


def _nearest(line: Line, deployments: Sequence[Change]) -> Change | None:
    """The last deployment before a window's end: a verdict may come long after, and other deployments too."""
    return next((one for one in reversed(deployments) if one.at < line.end), None)


def _worst(lines: Sequence[Line]) -> Line:
    def excess(line: Line) -> float:
        if line.value is None or not line.threshold:
            return 0.0
        ratio = abs(line.value) / abs(line.threshold)
        return max(ratio, 1 / ratio) if ratio else 0.0

    return max(lines, key=excess)


def acknowledge(connection: sa.Connection, incident: int, by: str) -> bool:
    """Note that a person takes care of an open incident; returns whether there was one to take."""
    row = connection.execute(sa.select(tables.incidents).filter_by(id=incident)).one_or_none()
    if row is None or row.status != "open":
        return False
    IncidentDesk._update(connection, incident, status="acknowledged", acknowledged_by=by)  # noqa: SLF001
    note(connection, incident, row.opened_at, "acknowledged", f"Acknowledged by {by}")
    audit.append(connection, by, "acknowledge", f"incident {incident}", row.title, {})
    return True
