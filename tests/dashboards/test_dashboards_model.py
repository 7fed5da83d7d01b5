from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from alerts import tables
from collector.store.database import Database
from dashboards.charts.heat import shade
from dashboards.charts.marks import Marks
from dashboards.queries.series import Span
from tests.dashboards.page import Client, Page
from tests.dashboards.world import BAD, DAY, DAYS, ROLLBACK, ROWS, START, lines


@pytest.fixture
def page(client: Client) -> Page:
    found = client.page("/models/credit")
    assert found.status == 200
    return found


def stored(database: Database, signal: str, subject: str = "", segment: str = "") -> list[Any]:
    with database.read() as connection:
        query = sa.select(tables.verdicts).filter_by(signal=signal, subject=subject, segment=segment)
        return list(connection.execute(query.order_by(tables.verdicts.c.start)))


def test_performance_is_drawn_as_stored(page: Page, database: Database) -> None:
    rows = stored(database, "performance.roc_auc")
    trace = page.trace("performance-roc_auc", "value")
    assert len(rows) == DAYS - 1
    assert trace["x"] == [(row.start + row.end) // 2000 for row in rows]
    assert trace["y"] == [row.value and pytest.approx(row.value, rel=1e-6) for row in rows]
    bad = page.trace("performance-roc_auc", "breach")
    assert bad["x"] == [(row.start + row.end) // 2000 for row in rows if row.verdict == "breach"]


def test_insufficient_windows_are_gaps_and_grey(page: Page) -> None:
    chart = page.charts["performance-roc_auc"]
    assert page.trace("performance-roc_auc", "value")["y"][9:11] == [None, None]
    grey = [shape for shape in chart["layout"]["shapes"] if shape.get("fillcolor") == "$gap"]
    assert [(shape["x0"], shape["x1"]) for shape in grey] == [
        ((START + 9 * DAY) // 1000, (START + 11 * DAY) // 1000)
    ]
    band = page.trace("performance-roc_auc", "95 % interval")
    assert band["y"].count(None) == 1, "two closed shapes, one on either side of the gap"


def test_deployments_and_incidents_are_on_every_chart_over_time(page: Page) -> None:
    over_time = {name: chart for name, chart in page.charts.items() if "range" in chart["layout"]["xaxis"]}
    assert set(over_time) == {"performance-roc_auc", "drift", "latency", "slo-availability", "traffic"}
    for chart in over_time.values():
        posts = [shape for shape in chart["layout"]["shapes"] if shape["type"] == "line"]
        colors = [shape["line"]["color"] for shape in posts]
        assert colors == ["$deploy", "$deploy", "$rollback", "$deploy"]
        assert posts[2]["x0"] == (START + ROLLBACK * DAY) // 1000 + 7000
        labels = [label["text"] for label in chart["layout"]["annotations"]]
        assert labels == ["v1", "v2", "v1", "v3"]
        spans = [shape for shape in chart["layout"]["shapes"] if shape.get("fillcolor") == "$critical"]
        opened = sorted(shape["x0"] for shape in spans)
        assert opened == [(START + day * DAY) // 1000 for day in (22, 38)]


def test_the_gravest_incident_is_on_top_and_a_notice_is_no_shade() -> None:
    held = {"opened_at": 10_000_000, "resolved_at": None}
    rows = [SimpleNamespace(severity=name, **held) for name in ("critical", "info", "warning")]
    shapes = Marks(Span(0, 100_000_000, 1_000_000), incidents=rows).on({})["shapes"]
    assert [shape["fillcolor"] for shape in shapes if shape["layer"] == "above"] == [
        "$sixth",
        "$warn",
        "$bad",
    ]
    assert [shape["fillcolor"] for shape in shapes if shape["layer"] == "below"] == ["$caution", "$critical"]


def test_the_heat_map_has_a_row_for_every_judged_column(page: Page, database: Database) -> None:
    heat = page.charts["drift"]["data"][0]
    assert heat["y"] == ["age", "income", "city", "vector", "(prediction)"]
    rows = stored(database, "drift.univariate", "age")
    assert heat["z"][0] == pytest.approx([shade(row) for row in rows], rel=1e-6)
    assert [place for place, cell in enumerate(heat["z"][0]) if cell >= 1] == list(BAD)
    assert "0.42 of 0.2: breach" in heat["customdata"][0][BAD[0]]
    assert page.charts["drift"]["layout"]["meta"]["links"][0] == "/models/credit/features/age"


def test_latency_objective_and_traffic(page: Page) -> None:
    p99 = page.trace("latency", "p99")
    assert p99["y"] == pytest.approx([16.0 - 0.02 * float(np.sin(day)) for day in range(DAYS)], rel=1e-6)
    assert min(page.trace("slo-availability", "value")["y"]) == pytest.approx(1 - 1 / ROWS)
    traces = {trace["name"]: trace["y"] for trace in page.charts["traffic"]["data"]}
    assert {name: sum(y) for name, y in traces.items()} == {
        "v1": (20 + 9) * ROWS,
        "v2": 8 * ROWS,
        "v3": 3 * ROWS,
        "labels": 39 * ROWS,
    }


def test_a_segment_is_chosen_by_the_query(client: Client) -> None:
    page = client.page("/models/credit?segment=region%3Dnorth")
    assert page.charts["drift"]["data"][0]["y"] == ["age"]
    assert "performance-roc_auc" not in page.charts
    assert sum(page.trace("traffic", "v2")["y"]) == 8 * ROWS / 2
    assert client.page("/models/credit?segment=region%3Deast").status == 404


def test_the_range_is_chosen_by_the_query(client: Client) -> None:
    assert len(client.page("/models/credit?last=50").trace("latency", "p50")["x"]) == DAYS
    assert client.page("/models/credit?last=-1").status == 200


def test_breaches_are_listed_and_lead_to_their_window(page: Page) -> None:
    row = page.row("2024-03-22")
    assert row[1:6] == ["drift.univariate alert", "age", "all rows", "0.42", "0.2"]
    links = [held["href"] for tag, held in page.tags if tag == "a"]
    window = "2024-03-22T00%3A00%3A00Z"
    assert f"/models/credit/features/age?from={window}&to={window}" in links
    assert "/models/credit/features/a%2Fb%20%3Ci%3E" in links


def test_charts_say_in_words_what_they_show(page: Page) -> None:
    told = [str(held["aria-label"]) for _, held in page.tags if held.get("role") == "img"]
    newest = next(line for line in lines(DAYS - 1) if line.signal == "performance.roc_auc")
    assert told[0].endswith(
        f"{newest.value:.4g} (threshold 0.78) in the window of 2024-04-08; 7 of 39 windows in breach"
    )
    assert "nothing in breach in the window of 2024-04-09" in told[1]
    assert len(told) == len(page.charts)


def test_pages_have_no_inline_code(page: Page) -> None:
    for tag, held in page.tags:
        assert not [name for name in held if name.startswith("on")]
        if tag == "script" and held.get("type") != "application/json":
            assert str(held["src"]).startswith("/static/")
