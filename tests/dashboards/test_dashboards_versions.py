"""The page of versions: what it compares, what it says, and what it draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from collector.store.database import Database
from dashboards.app import router
from dashboards.queries.versions import Served, baseline_of
from tests.dashboards.page import Client
from tests.dashboards.versions_world import CANARY, HOUR, ROWS, SCHEMA, START, WINDOWS, build
from tests.databases import KINDS, location

ADDRESS = "/models/fraud/versions"
SHARED = WINDOWS - CANARY


@pytest.fixture(scope="module", params=KINDS)
def versions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The pages of a database that no test changes."""
    with location(request.param, tmp_path_factory.mktemp("versions")) as where:
        database = Database(where)
        build(database)
        application = FastAPI()
        application.include_router(router(database, {"fraud": SCHEMA}))
        yield Client(application)
        database.close()


def test_the_canary_is_found_and_is_worse(versions: Client) -> None:
    page = versions.page(ADDRESS)
    assert page.status == 200
    assert "v2 against v1 : worse" in page.text
    assert page.row("roc_auc")[-1] == "worse"
    assert page.row("error_rate")[1].startswith("0 ")
    assert page.row("error_rate")[2].startswith("0.1 ")
    assert page.row("error_rate")[3] == "0.1"
    assert f"{SHARED * ROWS // 2:,} rows" in page.row("accuracy")[1]
    assert page.row("latency_p99")[-1] == "no difference yet"
    assert f"Over {SHARED} windows in which both serve, 2024-05-01 08:00 to 2024-05-01 23:00" in page.text
    assert "at most about 5 % ever say that they differ" in page.text


def test_the_other_way_round_it_is_better(versions: Client) -> None:
    page = versions.page(f"{ADDRESS}?baseline=v2&candidate=v1&metrics=roc_auc,error_rate")
    assert "v1 against v2 : better" in page.text
    assert [row[-1] for row in page.rows if row[0] in ("roc_auc", "error_rate")] == ["better", "better"]
    chosen = [held.get("value") for tag, held in page.tags if tag == "option" and "selected" in held]
    assert chosen[:2] == ["v2", "v1"]


def test_a_margin_says_what_is_not_worse(versions: Client) -> None:
    page = versions.page(f"{ADDRESS}?margin=0.01,latency_p99=0.2")
    assert page.row("latency_p99")[-1].startswith("no difference yet not worse by 7.")


def test_the_difference_is_drawn_with_an_interval_that_shrinks(versions: Client) -> None:
    page = versions.page(f"{ADDRESS}?chart=error_rate&margin=0.02")
    line, band = page.trace("difference", "difference"), page.trace("difference", "interval")
    assert line["y"][-1] == pytest.approx(0.1)
    assert line["x"] == sorted(line["x"])
    assert line["x"][0] == (START + (CANARY + 1) * HOUR) * 1000
    half = len(line["x"])
    upper, lower = band["y"][half:][::-1], band["y"][:half]
    assert upper[-1] - lower[-1] < upper[3] - lower[3]
    assert all(low <= value <= high for low, value, high in zip(lower, line["y"], upper, strict=True))
    assert page.trace("difference", "margin")["y"] == [-0.02, -0.02]


def test_shares_of_traffic_and_deployments(versions: Client) -> None:
    page = versions.page(ADDRESS)
    assert set(page.trace("traffic", "v2")["y"]) == {ROWS // 2}
    assert page.charts["traffic"]["layout"]["barnorm"] == "percent"
    assert "v2 2024-05-01 08:00:01 by ci nightly <b>build</b>" in page.text
    assert "<b>build</b>" not in page.html
    assert page.row("v1")[1] == f"{CANARY * ROWS + SHARED * ROWS // 2:,}"


def test_windows_since_a_moment(versions: Client) -> None:
    fixed = versions.page(f"{ADDRESS}?since=2024-05-01T12:30:00Z")
    assert "Over 12 windows in which both serve, 2024-05-01 12:00 to" in fixed.text
    assert "as often as you like" in fixed.text
    sliding = versions.page(f"{ADDRESS}?since=6h")
    assert "Over 6 windows" in sliding.text
    assert "each look on its own may err 5 %" in sliding.text


def test_one_segment(versions: Client) -> None:
    page = versions.page(f"{ADDRESS}?segment=region%3Dnorth&metrics=error_rate")
    assert "v2 against v1 , region=north: worse" in page.text
    assert f"{SHARED * ROWS // 4:,} rows" in page.row("error_rate")[1]
    assert set(page.trace("traffic", "v2")["y"]) == {ROWS // 4}
    links = [held.get("href") or "" for tag, held in page.tags if tag == "a"]
    gate = next(link for link in links if "/gate" in link)
    wanted = "baseline=v1&candidate=v2&metrics=error_rate&segment=region%3Dnorth"
    assert gate == f"/v1/models/fraud/gate?{wanted}"
    assert versions.get(gate).json()["verdict"] == "worse"
    options = [
        held for tag, held in page.tags if tag == "option" and (held.get("value") or "").startswith("region")
    ]
    assert [(held["value"], "selected" in held) for held in options] == [
        ("region=north", True),
        ("region=south", False),
    ]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("baseline=v1&candidate=v9", "no window in which both v1 and v9 serve"),
        ("baseline=v1&candidate=v1", "both 'v1'; name two versions"),
        ("metrics=nope", "nope is no metric of a binary task; there are roc_auc"),
        ("margin=-1", "margin='-1' is no number from 0 on; write 0.01"),
        ("margin=mae=1", "margin names mae, which is not compared; name it in metrics"),
        ("segment=north", "segment='north' is no segment of fraud; there are region=VALUE"),
        ("since=now", "since='now' is no time; write ISO 8601"),
    ],
)
def test_what_cannot_be_compared_is_said(versions: Client, asked: str, told: str) -> None:
    page = versions.page(f"{ADDRESS}?{asked}")
    assert page.status == 200
    assert told in page.text


def test_the_baseline_is_the_version_with_most_traffic_before_the_newest_deployment() -> None:
    known = [Served("v3", 50, 0, 9, 9), Served("v2", 900, 10, 5, 9), Served("v1", 100, 100, 1, 9)]
    assert baseline_of(known, "v3") == "v1"
    assert baseline_of(known, "v1") == "v2"
    assert baseline_of([replace(one, rows_before=0) for one in known], "v3") == "v2"
    assert baseline_of(known[:1], "v3") is None


def test_the_tab_leads_to_it(versions: Client) -> None:
    page = versions.page(ADDRESS)
    assert ("a", {"href": ADDRESS, "aria-current": "page"}) in page.tags
    assert versions.page("/models/nope/versions").status == 404


def test_models_without_two_versions(client: Client) -> None:
    assert "young has no two versions with traffic, but: " in client.page("/models/young/versions").text
    assert "No predictions yet" in client.page("/models/idle/versions").text


def test_versions_that_took_turns_share_no_window(client: Client) -> None:
    page = client.page("/models/credit/versions")
    assert "There is no window in which both v1 and v3 serve" in page.text
    assert "difference" not in page.charts
    assert set(page.charts) == {"traffic"}
