"""The page of requests and its JSON: what came, how fast, how it failed, and what changed with what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from collector.delivery import Delivery
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.store.read import Reader
from collector.store.requests import RequestReader, newest_windows
from collector.validation.validate import Validator
from collector.window import iso
from dashboards.queries.requests import Tally
from dashboards.request_changes import Account, Deployed
from dashboards.request_figures import UNCLASSIFIED, Figures, failures
from detectors.diagnosis.origin import RequestSeries
from detectors.diagnosis.request_measures import ErrorShare, LatencyLevel
from profiles import LatencyGrid, LatencySummary, Status
from tests.dashboards.page import Client
from tests.dashboards.world import BAD, DAY, DAYS, RELEASE, ROLLBACK, ROWS, SCHEMAS, START
from tests.detectors.request_worlds import FROM, HOUR, Cell, alone, canary, moved, replaced, series

MEASURES = (LatencyLevel(50), LatencyLevel(99), ErrorShare())
DEPLOYED = (Deployed(FROM * HOUR - 180_000_000, "v8"),)
LONG_AGO = (Deployed((FROM - 30) * HOUR, "v8"),)


def test_the_tables_have_versions_and_segments(client: Client) -> None:
    page = client.page("/models/credit/requests")
    assert page.status == 200
    whole = page.row("all versions")
    assert whole[1] == f"{DAYS * ROWS:,}"
    assert whole[3:8] == ["13 ms", "16.1 ms", "16.1 ms", "16.1 ms", "16.1 ms"]
    assert whole[-1] == f"server error {len(BAD)}"
    assert page.row("v1")[-1] == "-"
    assert page.row("v2")[1] == f"{(ROLLBACK - RELEASE) * ROWS:,}"
    assert page.row("region=south")[-1] == f"server error {len(BAD)}"
    assert page.row("region=north")[-1] == "-"


def test_the_charts_follow_the_windows_and_mark_deployments(client: Client) -> None:
    page = client.page("/models/credit/requests")
    assert set(page.charts) == {"throughput", "latency", "errors"}
    v2 = page.trace("throughput", "v2")
    assert v2["y"] == pytest.approx([ROWS / 86400] * (ROLLBACK - RELEASE))
    errors = page.trace("errors", "server error")["y"]
    assert [day for day, share in enumerate(errors) if share] == list(BAD)
    assert page.charts["latency"]["layout"]["yaxis"]["type"] == "log"
    labels = [one["text"] for one in page.charts["latency"]["layout"]["annotations"]]
    assert labels == ["v1", "v2", "v1", "v3"]


def test_the_page_shows_one_segment_or_version(client: Client) -> None:
    north = client.page("/models/credit/requests?segment=region%3Dnorth")
    assert north.row("all versions")[1] == f"{DAYS * ROWS // 2:,}"
    assert north.row("all versions")[-1] == "-"
    v2 = client.page("/models/credit/requests?version=v2")
    assert v2.row("v2")[1] == f"{(ROLLBACK - RELEASE) * ROWS:,}"
    assert v2.row("region=north")[1] == f"{(ROLLBACK - RELEASE) * ROWS // 2:,}"


def test_what_is_not_there_is_told(client: Client) -> None:
    assert client.get("/models/credit/requests?segment=city%3DOslo").status_code == 404
    answer = client.get("/v1/models/credit/requests?segment=nothing")
    assert (answer.status_code, answer.json()["fix"]) == (404, "Its segments are by: region.")
    assert client.get("/v1/models/credit/requests?since=yesterday").status_code == 400
    assert "No predictions yet" in client.page("/models/idle/requests").text
    assert client.get("/v1/models/idle/requests").json()["windows"] == []


def test_the_json_has_what_the_page_has(client: Client) -> None:
    found = client.get("/v1/models/credit/requests").json()
    assert [one["start"] for one in found["windows"]] == [iso(START + day * DAY) for day in range(DAYS)]
    bad = found["windows"][BAD.start]
    assert bad["errors"] == {"server error": 1}
    assert bad["error_rate"]["lower"] < bad["error_rate"]["value"] == 1 / ROWS < bad["error_rate"]["upper"]
    assert bad["latency_ms"]["p50"] == pytest.approx(13, rel=0.004)
    assert bad["latency_ms"]["p99.9"] is None  # too few requests to know it
    assert {one["version"]: one["requests"] for one in found["versions"]}["v2"] == (ROLLBACK - RELEASE) * ROWS
    assert [one["segment"] for one in found["segments"]] == ["region=north", "region=south"]
    since = client.get(f"/v1/models/credit/requests?since={iso(START + 30 * DAY)}&version=v3").json()
    assert len(since["windows"]) == DAYS - 37


def commit(database: Database, key: str, events: list[dict[str, Any]]) -> None:
    batch = Validator(SCHEMAS).batch(events, None, None)
    Ledger(database, SCHEMAS).commit(Delivery("http", batch, key), START + DAYS * DAY)


def test_rows_that_come_later_are_seen(client: Client, database: Database) -> None:
    before = client.get("/v1/models/credit/requests").json()["windows"][3]
    event = {"kind": "prediction", "model": "credit", "id": "late", "version": "v1", "score": 0.5}
    event |= {
        "features": {},
        "timestamp": (START + 3 * DAY) / 1e6 + 5,
        "latency_ms": 900,
        "status": "timeout",
    }
    commit(database, "late", [event])
    after = client.get("/v1/models/credit/requests").json()["windows"][3]
    assert (before["errors"], after["errors"]) == ({}, {"timeout": 1})
    assert after["requests"] == before["requests"] + 1
    assert after["latency_ms"]["max"] == pytest.approx(900, rel=0.004)


def test_the_reader_remembers_no_more_than_it_may(database: Database) -> None:
    little, much = RequestReader(most=3), RequestReader()
    with database.read() as connection:
        shape = Reader(connection, "credit").shape
        starts = newest_windows(connection, "credit", shape, 10)
        first = much.read(connection, "credit", shape, starts)
        for reader in (little, much):
            again = reader.read(connection, "credit", shape, starts)
            assert [one[:4] for one in again] == [one[:4] for one in first]
            assert all(one.summary == other.summary for one, other in zip(again, first, strict=True))
        assert len(first) == 10 * 3
        assert little.read(connection, "credit", shape, starts[:1], [""])[0].summary == first[0].summary
        assert not little.read(connection, "credit", shape, [])
        assert not little.read(connection, "credit", None, starts)


def test_failures_from_before_classes_are_unclassified() -> None:
    new = LatencyGrid().summarize(None, np.array([0.0, Status.TIMEOUT]))
    both = new + LatencySummary(LatencyGrid(), LatencyGrid().zero().counts, 5, 3)
    assert failures(both) == {"timeout": 1, UNCLASSIFIED: 3}
    nothing = Figures.of(Tally(4, LatencyGrid().zero()), 2_000_000)
    assert (nothing.rate, nothing.error_rate, nothing.slowest) == (2.0, None, None)


def sentences(found: RequestSeries, deployed: tuple[Deployed, ...] = ()) -> list[str]:
    return Account(deployed, HOUR).told(found.changes(MEASURES))


def beside(cell: Cell) -> bool:
    return cell.version == "v8"


def late(cell: Cell) -> bool:
    return cell.late


def test_a_release_is_told_with_its_deployment_and_what_did_not_change() -> None:
    (said,) = sentences(series(canary, beside), DEPLOYED)
    assert said.startswith("p50 rose from ")
    assert " and p99 from " in said
    assert "at 1970-01-03T12:00:00Z, with the deployment of v8 (3 min before); v7 did not change (" in said
    (said,) = sentences(series(canary, beside), LONG_AGO)
    assert "deployment" not in said
    assert "as version v8 (p50 " in said
    assert "grew from 0 % to 30 % of requests" in said


def test_what_versions_share_is_not_put_down_to_the_release() -> None:
    (said,) = sentences(series(canary, late), DEPLOYED)
    assert (
        "in all versions and segments alike, with the deployment of v8 (3 min before), but v7 changed" in said
    )
    assert "look at the stack" in said
    (said,) = sentences(series(canary, late))
    assert "in all versions and segments alike: look at the stack" in said
    assert said.endswith("no deployment is near")


def test_a_segment_that_holds_a_change_alone_is_named() -> None:
    found = series(canary, lambda cell: cell.late and cell.environment == "eu")
    (said,) = sentences(found, DEPLOYED)
    assert "only in environment=eu (p50 " in said
    assert "environment=us did not change" in said
    (said,) = sentences(series(moved, lambda cell: cell.environment == "us"))
    assert "as environment=us (p50 " in said
    assert "of requests" in said


def test_a_version_that_took_over_cannot_be_told_from_the_stack() -> None:
    (said,) = sentences(series(replaced, late), DEPLOYED)
    assert "with the deployment of v8 (3 min before), which took over from v7: a change of the stack" in said
    (said,) = sentences(series(alone, late), (Deployed(FROM * HOUR + 5, "v7"),))
    assert "with the deployment of v7 (in that window)" in said
    assert "no other version to compare with" in said
