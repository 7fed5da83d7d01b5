"""What the demo comes to: figures from the service's API, and the list of what had to happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

MODEL = "flights"
OURS = "modelwatch"
EXECUTED = ("verifying", "succeeded", "escalated")
DATE = len("2013-09-03")
COUNTS = ("received", "accepted", "duplicate", "rejected")
Row = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """Something that had to happen, and whether it did."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Result:
    """What is known after the replay.

    Attributes:
        status: the answer of `GET /v1/status`.
        pages: the notifications that arrived.
        app: the answer of the app's `GET /version`.
        release: when v2 was released, in event time.
    """

    status: dict[str, Any]
    pages: Sequence[Row]
    app: Row
    release: datetime

    def books(self) -> Row:
        """The sums of the model's books."""
        rows = [row for row in self.status["books"] if row["model"] == MODEL]
        return {name: sum(row[name] for row in rows) for name in COUNTS}

    def after_release(self) -> list[Row]:
        """The incidents that opened after the release, oldest first."""
        mine = [row for row in self.status["incidents"] if row["model"] == MODEL]
        return sorted((row for row in mine if _after(row["opened_at"], self.release)), key=_opened)

    def rollback(self) -> Row:
        """The first rollback that an incident after the release led to; empty for none."""
        incidents = {row["id"] for row in self.after_release()}
        found = [row for row in self.status["actions"] if row["incident_id"] in incidents]
        return next((row for row in found if row["kind"].startswith("rollback")), {})

    def incident(self) -> Row:
        """The incident that was acted upon, or else the first after the release; empty for none."""
        incidents = self.after_release()
        acted = [row for row in incidents if row["id"] == self.rollback().get("incident_id")]
        return next(iter([*acted, *incidents]), {})

    def redeployment(self) -> Row:
        """The deployment that Modelwatch's rollback made; empty for none."""
        found = [row for row in self.status["deployments"] if row["model"] == MODEL and row["by"] == OURS]
        return next((row for row in found if _after(row["at"], self.release)), {})

    def checks(self) -> list[Check]:
        """Everything that had to happen, in order."""
        books, incident, action = self.books(), self.incident(), self.rollback()
        balanced = all(
            row["received"] == row["accepted"] + row["duplicate"] + row["rejected"]
            for row in self.status["books"]
        )
        paged = [page for page in self.pages if page["incident"] == incident.get("id")]
        again = self.redeployment()
        state = action.get("state", "none")
        return [
            Check("books balance", balanced and books["received"] > 0, f"{books['received']:,} received"),
            Check("incident opened after the release", bool(incident), incident.get("opened_at", "")),
            Check("notification sent", bool(paged), ", ".join(page["kind"] for page in paged)),
            Check(
                "rollback executed", state in EXECUTED and bool(again), again.get("at", f"action: {state}")
            ),
            Check("app serves v1 again", self.app["version"] == "v1", f"serves {self.app['version']}"),
            Check("recovery verified", state == "succeeded", f"action: {state}"),
            Check(
                "incident resolved", incident.get("status") == "resolved", incident.get("resolved_at") or ""
            ),
        ]

    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.app["sdk"]["queued"] == 0 and all(check.passed for check in self.checks())


def show(result: Result, console: Console) -> bool:
    """Prints the summary; returns whether everything happened that had to."""
    books = result.books()
    figures = Table(title="What happened", show_header=False)
    for name in COUNTS:
        figures.add_row(f"events {name}", f"{books[name]:,}")
    figures.add_row("events dropped by the app", f"{result.app['sdk']['dropped']:,}")
    found = result.status["incidents"]
    told = [row for row in found if row["severity"] != "info"]
    figures.add_row("incidents", f"{len(found)}, {len(found) - len(told)} of them for information only")
    figures.add_row("actions", str(len(result.status["actions"])))
    incident, again = result.incident(), result.redeployment()
    figures.add_row("event time from release to detection", _since(result.release, incident.get("opened_at")))
    figures.add_row("event time from release to rollback", _since(result.release, again.get("at")))
    console.print(figures)
    incidents = Table(
        "", "rule", "opened", "resolved", "in breach", title="Incidents that somebody was told of"
    )
    for row in told:
        style = "bold" if row["id"] == incident.get("id") else None
        days = (str(row[name] or "open")[:DATE] for name in ("opened_at", "resolved_at"))
        incidents.add_row(str(row["id"]), row["rule"], *days, _brief(row["subjects"]), style=style)
    console.print(incidents)
    checks = result.checks()
    for check in checks:
        mark = "[green]yes[/]" if check.passed else "[bold red]NO [/]"
        console.print(f"{mark} {check.name}  [dim]{check.detail}[/]", highlight=False)
    return all(check.passed for check in checks)


def _after(moment: str, release: datetime) -> bool:
    return datetime.fromisoformat(moment) > release


def _opened(row: Row) -> str:
    return str(row["opened_at"])


def _since(release: datetime, moment: str | None) -> str:
    if moment is None:
        return "never"
    hours = (datetime.fromisoformat(moment) - release).total_seconds() / 3600
    return f"{hours // 24:.0f} d {hours % 24:.0f} h"


def _brief(subjects: Sequence[Any]) -> str:
    names = [" ".join(str(subject).split("|")).strip() for subject in subjects]
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)
