"""Three models as the service would have left them: with a history, learning, and without events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from alerts import tables
from alerts.actions import RollbackWebhook
from alerts.actions.action import Verify
from alerts.incidents import IncidentDesk
from alerts.line import Line
from alerts.remediation import approve
from alerts.rules import Alerting, Rule
from collector.delivery import Delivery
from collector.schema import Schema
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.tables import metadata, profiles
from collector.validation.validate import Validator
from collector.window import iso
from detectors import Verdict, parse_duration

DAY = 86_400_000_000
START = 1_709_251_200_000_000  # 2024-03-01
DAYS, ROWS = 40, 120
NORTH = "region=north"
EVIL = "<img src=x onerror=alert(1)>"
BAD = range(21, 28)  # days in breach, after v2
RELEASE, ROLLBACK, SECOND = 20, 28, 37

CREDIT = Schema.model_validate(
    {
        "model": "credit",
        "task": "binary",
        "window": "1d",
        "features": {
            "age": "numeric",
            "income": "numeric",
            "a/b <i>": "numeric",
            "city": "categorical",
            "vector": {"kind": "embedding", "columns": ["v0", "v1"]},
        },
        "segments": ["region"],
    }
)
YOUNG = Schema.model_validate({"model": "young", "task": "regression", "features": {"x": "numeric"}})
IDLE = Schema.model_validate({"model": "idle", "task": "multiclass", "features": {"x": "numeric"}})
SCHEMAS: Mapping[str, Schema] = {schema.model: schema for schema in (CREDIT, YOUNG, IDLE)}
VERIFY = Verify(within=parse_duration("14d"))
ALERTING = Alerting(
    rules=(
        Rule(
            name="bad-release", after_deployment=parse_duration("5d"), severity="critical", actions=("back",)
        ),
        Rule(name="other", when=("*",)),
    ),
    actions={"back": RollbackWebhook(url="http://127.0.0.1:9/", approval=True, verify=VERIFY)},
)


def build(database: Database) -> None:
    """Fill an empty database."""
    metadata.create_all(database.engine)
    ledger = Ledger(database, SCHEMAS)
    desk = IncidentDesk("credit", ALERTING, DAY, "http://127.0.0.1:8700")
    for day in range(DAYS):
        _commit(ledger, f"day-{day}", [*_predictions(day), *_labels(day - 1), *_deployments(day)])
        _judge(database, desk, day)
    _commit(ledger, "bad", [{"kind": "prediction", "model": "credit", "id": EVIL, "timestamp": EVIL}, 7])
    young = {"kind": "prediction", "model": "young", "prediction": 1.0, "features": {"x": 2.0}}
    _commit(ledger, "young", [young | {"id": "y", "timestamp": START / 1e6}])
    _reference(database)


def _commit(ledger: Ledger, key: str, events: list[Any]) -> None:
    ledger.commit(Delivery("http", Validator(SCHEMAS).batch(events, None, None), key), START + DAYS * DAY)


def _reference(database: Database) -> None:
    """The first two weeks, once more as the reference."""
    held = profiles.c
    copied = [sa.literal("reference") if column.name == "role" else column for column in held]
    query = sa.select(*copied).where(held.model == "credit", held.start < START + 14 * DAY)
    with database.write() as connection:
        connection.execute(profiles.insert().from_select([column.name for column in held], query))


def version(day: int) -> str:
    return "v3" if day >= SECOND else "v2" if RELEASE <= day < ROLLBACK else "v1"


def ages(day: int) -> Any:
    """The feature age of a day: whole numbers."""
    random = np.random.default_rng(day)
    return np.round(random.normal(52 if day in BAD else 40, 9, ROWS))


def _predictions(day: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(1000 + day)
    income = np.exp(random.normal(10, 0.6, ROWS)).round(2)
    cities = random.choice(["Oslo", "Rome", EVIL], ROWS, p=[0.5, 0.4, 0.1])
    scores = random.beta(2, 5, ROWS).round(4)
    return [
        {
            "kind": "prediction",
            "model": "credit",
            "id": f"{day}-{row}",
            "timestamp": START / 1e6 + day * 86400 + row * 600,
            "version": version(day),
            "features": {
                "age": age,
                "income": None if day >= SECOND and row % 3 == 0 else income[row],
                "a/b <i>": 1.0,
                "city": str(cities[row]),
                "vector": [float(row), 1.0],
            },
            "tags": {"region": "north" if row % 2 else "south"},
            "score": scores[row],
            "latency_ms": float(10 + row % 7),
            "status": 500 if row == 0 and day in BAD else 200,
        }
        for row, age in enumerate(ages(day).tolist())
    ]


def _labels(day: int) -> list[dict[str, Any]]:
    if day < 0:
        return []
    time = START / 1e6 + (day + 1) * 86400 + 60
    label = {"kind": "label", "model": "credit", "timestamp": time}
    return [label | {"id": f"{day}-{row}", "label": int(row % 3 == 0)} for row in range(ROWS)]


def _deployments(day: int) -> list[dict[str, Any]]:
    released = {0: ("v1", "ci"), RELEASE: ("v2", "ci"), ROLLBACK: ("v1", "modelwatch"), SECOND: ("v3", EVIL)}
    if day not in released:
        return []
    name, by = released[day]
    time = START / 1e6 + day * 86400 + 7
    return [
        {"kind": "deployment", "model": "credit", "timestamp": time, "version": name, "by": by},
    ]


def line(
    day: int, signal: str, subject: str, value: float, threshold: float, *, bad: bool, **more: Any
) -> Line:
    """The line of a day; a negative value means that there was too little."""
    start = START + day * DAY
    verdict = Verdict.INSUFFICIENT if value < 0 else Verdict.BREACH if bad else Verdict.OK
    values = {"value": None if value < 0 else value, "threshold": None if value < 0 else threshold}
    whole: dict[str, Any] = {"lower": None, "upper": None, "segment": "", "known_at": start + DAY}
    return Line(start, start + DAY, signal=signal, subject=subject, verdict=verdict, **whole | values | more)


def lines(day: int) -> list[Line]:
    """Everything that is judged at the end of a day: its traffic, and the labels of the day before."""
    drifting, shifted, missing = day in BAD, day - 1 in BAD, day >= SECOND
    wave = 0.02 * float(np.sin(day))
    found = [
        line(day, "drift.univariate", "age", 0.42 if drifting else 0.05 + abs(wave), 0.2, bad=drifting,
             diagnosis="median 40 -> 52" if drifting else None),
        line(day, "drift.univariate", "income", 0.08 + abs(wave), 0.2, bad=False),
        line(day, "drift.univariate", "city", 0.03 - wave / 2, 0.15, bad=False, diagnosis=EVIL),
        line(day, "drift.multivariate", "vector", 0.3, 0.5, bad=False),
        line(day, "drift.prediction", "", 0.1 + wave, 0.25, bad=False),
        line(day, "quality.missing", "income", 0.333 if missing else 0.0, 0.05, bad=missing),
        line(day, "quality.freshness", "", ROWS, 1.0, bad=False),
        line(day, "latency.p50", "", 13.0 + wave, 20.0, bad=False),
        line(day, "latency.p99", "", 16.0 - wave, 30.0, bad=False),
        line(day, "slo.availability", "", 1 - 1 / ROWS if drifting else 1.0, 0.97, bad=False),
        line(day, "drift.univariate", "age", 0.44 if drifting else 0.06, 0.5, bad=False, segment=NORTH),
    ]  # fmt: skip
    if day:
        value = -1.0 if day in (10, 11) else 0.71 if shifted else 0.85 + wave
        known: dict[str, Any] = {
            "known_at": START + (day + 1) * DAY,
            "lower": value - 0.04,
            "upper": value + 0.04,
        }
        known |= {"lower": None, "upper": None} if value < 0 else {}
        found.append(line(day - 1, "performance.roc_auc", "", value, 0.78, bad=shifted, **known))
    return found


def _judge(database: Database, desk: IncidentDesk, day: int) -> None:
    """As the evaluation loop does: verdicts, incidents and progress in one transaction."""
    end = START + (day + 1) * DAY
    with database.write() as connection:
        made = lines(day)
        rows = [{"model": "credit", **one.row()} for one in made]
        connection.execute(tables.verdicts.insert(), rows)
        for one in desk.take(connection, made, end):
            if one.alert:
                held = {"model": "credit", "start": one.start, "signal": one.signal, "subject": one.subject}
                connection.execute(tables.verdicts.update().filter_by(**held).values(alert=True))
        connection.execute(tables.progress.delete())
        trackers = {"past": [[START + before * DAY, before in BAD] for before in range(day + 1)]}
        connection.execute(
            tables.progress.insert().values(model="credit", judged_until=end, trackers=trackers)
        )
        if day == ROLLBACK - 1:
            _roll_back(connection, end)


def _roll_back(connection: sa.Connection, at: int) -> None:
    """What a person and the dispatcher do."""
    row = connection.execute(sa.select(tables.actions)).one()
    approve(connection, row.id, "ada")
    values = {"state": "verifying", "executed_at": at, "attempts": 1}
    connection.execute(tables.actions.update().filter_by(id=row.id).values(**values))


def moment(day: int) -> str:
    """The start of a day."""
    return iso(START + day * DAY)
