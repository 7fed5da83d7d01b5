"""The page, the JSON and the metrics of objectives: budgets as the evaluation leaves them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest

from alerts import tables
from alerts.incidents import IncidentDesk
from alerts.rules import Alerting
from collector.store.database import Database
from dashboards.app import router
from dashboards.metrics import Exporter
from detectors import Budget, Objective
from modelwatch.monitor import Monitor
from tests.dashboards.page import Client
from tests.dashboards.world import CREDIT, DAY, DAYS, SCHEMAS, START, line

SLOS = (
    Objective(name="availability", sli="availability", target=0.99),
    Objective(name="age-drift", sli="drift.univariate.age < 0.2", target=0.9),
    Objective(name="good", sli="roc_auc >= 0.8"),
    Objective(name="unheard", sli="quality.volume ok", target=0.9),
)
BAD_DAY, REQUESTS, FAILED = DAYS - 2, 120, 20


@pytest.fixture
def promised() -> dict[str, Any]:
    """The schemas, of which the first makes promises."""
    held = CREDIT.model_dump(exclude_unset=True) | {"slos": SLOS}
    return dict(SCHEMAS) | {"credit": Monitor.model_validate(held)}


@pytest.fixture
def judged(database: Database) -> Database:
    """Thirty days without a failure but one, and every fifth window drifted."""
    requests, slices = Budget(), Budget()
    for day in range(DAYS):
        failed = FAILED if day == BAD_DAY else 0
        requests = requests.add(START + day * DAY, failed, REQUESTS, SLOS[0].period)
        slices = slices.add(START + day * DAY, int(day % 5 == 0), 1, SLOS[1].period)
    held = {"availability": requests.to_json(), "age-drift": slices.to_json()}
    desk = IncidentDesk("credit", Alerting(), DAY, "http://127.0.0.1:8700")
    with database.write() as connection:
        progress = connection.execute(sa.select(tables.progress.c.trackers)).scalar_one()
        connection.execute(tables.progress.update().values(trackers=progress | {"budgets": held}))
        for day in (BAD_DAY, BAD_DAY + 1):
            told = line(day, "slo.availability", "", 1 - FAILED / REQUESTS, 0.97, bad=True, diagnosis="page")
            which = {"model": "credit", "start": told.start, "signal": told.signal}
            connection.execute(tables.verdicts.delete().filter_by(**which))
            connection.execute(tables.verdicts.insert().values(model="credit", **told.row()))
            desk.take(connection, [told], told.end)
    return database


@pytest.fixture
def pages(judged: Database, promised: dict[str, Any]) -> Client:
    app = FastAPI()
    app.include_router(router(judged, promised))
    return Client(app)


def test_the_page_says_how_each_objective_stands(pages: Client) -> None:
    page = pages.page("/models/credit/objectives")
    assert page.status == 200
    good = 30 * REQUESTS - FAILED
    assert f"{good:,} and {FAILED}" in page.text
    assert "99.444 %" in page.text  # 20 of 3600
    assert "44.4 %" in page.text  # of the 36 that may fail
    assert "roc_auc >= 0.8" in page.text
    assert "It has no target, so no error budget" in page.text
    assert "No events yet" in page.text
    burn = page.row("1d")
    assert [burn[1], burn[3], burn[4]] == ["0.00", "3", "ticket"]
    assert page.row("3d")[1] == "5.56"  # 20 of 360 is 5.56 times what may fail
    assert any(cell.startswith("#") for cell in page.row("2024-04-08"))
    assert [page.row("2024-04-08")[1], page.row("2024-04-08")[2]] == ["2024-04-10", "2"]


def test_the_chart_ends_at_what_is_left(pages: Client) -> None:
    page = pages.page("/models/credit/objectives")
    course = page.trace("budget-availability", "budget left")["y"]
    assert course[0] == 1.0
    assert course[-1] == pytest.approx(1 - FAILED / 36, abs=1e-3)
    assert course == sorted(course, reverse=True)
    assert page.trace("budget-age-drift", "budget left")["y"][-1] == pytest.approx(1 - 6 / 3, abs=1e-3)


def test_the_json_says_the_same(pages: Client) -> None:
    found = pages.get("/v1/models/credit/objectives").json()["objectives"]
    one, drift, metric, unheard = found
    assert [one["good"], one["bad"]] == [30 * REQUESTS - FAILED, FAILED]
    assert one["ratio"] == pytest.approx(1 - FAILED / 3600)
    assert one["interval"][0] < one["ratio"] < one["interval"][1]
    assert one["budget_left"] == pytest.approx(1 - FAILED / 36)
    assert [rate["window"] for rate in one["burn_rates"]] == ["1d", "3d"]
    assert one["breaches"][0]["windows"] == 2
    assert one["breaches"][0]["incident_id"] is not None
    assert drift["budget_left"] == pytest.approx(-1.0)
    assert "target" not in metric
    assert metric["burn_rates"] == []
    assert [unheard["ratio"], unheard["budget_left"], unheard["verdict"]] == [None, None, None]
    assert (
        Objective.model_validate({name: one[name] for name in ("name", "sli", "target", "period")}) == SLOS[0]
    )


def test_metrics_are_the_page_in_numbers(judged: Database, promised: dict[str, Any]) -> None:
    registry = CollectorRegistry()
    registry.register(Exporter(judged, promised))
    text = generate_latest(registry).decode()
    of = '{model="credit",slo="availability"'
    wanted = {
        f"modelwatch_slo_objective_ratio{of}}}": 0.99,
        f"modelwatch_slo_budget_remaining_ratio{of}}}": 1 - FAILED / 36,
        f'modelwatch_slo_burn_rate{of},window="3d"}}': FAILED / 360 / 0.01,
        'modelwatch_slo_events_total{model="credit",outcome="bad",slo="availability"}': FAILED,
        # of all time, not of the period
        'modelwatch_slo_events_total{model="credit",outcome="good",slo="availability"}': DAYS * REQUESTS
        - FAILED,
    }
    lines = dict(one.rsplit(" ", 1) for one in text.splitlines() if not one.startswith("#"))
    for name, value in wanted.items():
        assert float(lines[name]) == pytest.approx(value), name
    assert 'slo="good"' not in text
    series = [one.rsplit(" ", 1)[0] for one in text.splitlines()]
    assert len(set(series)) == len(series)
    assert f'{of.replace("availability", "age-drift")},window="2d"}}' in text


def test_a_model_without_objectives_says_how_to_add_some(pages: Client) -> None:
    page = pages.page("/models/young/objectives")
    assert "no objectives" in page.text
    assert pages.get("/v1/models/young/objectives").json()["objectives"] == []
    assert pages.page("/models/nobody/objectives").status == 404
