"""The performance page and its JSON: figures against the rows, in words, and in a real browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from alerts import tables
from collector.store.database import Database
from dashboards.queries import performance
from tests.dashboards.page import Client
from tests.dashboards.world import (
    BAD,
    DAYS,
    NORTH,
    ROWS,
    _predictions,
    line,
    moment,
    version,
)

PAGE, DATA = "/models/credit/performance", "/v1/models/credit/performance"
CAVEAT = "It cannot see concept drift"
LABELLED = DAYS - 1  # the last day has no labels yet


def raw(days: range = range(LABELLED), region: str = "", served: str = "") -> tuple[Any, Any]:
    """Scores and labels of the rows of the world."""
    scores, labels = [], []
    for day in days:
        for row, event in enumerate(_predictions(day)):
            if (region and event["tags"]["region"] != region) or (served and version(day) != served):
                continue
            scores.append(event["score"])
            labels.append(int(row % 3 == 0))
    return np.array(scores), np.array(labels)


def add(database: Database, **signals: tuple[float, bool]) -> None:
    """Verdicts of the newest day: by signal its value, and whether it is a breach."""
    made = [
        line(DAYS - 1, name.replace("__", "."), "region" if "fairness" in name else "", value, 0.1, bad=bad,
             lower=value / 2, upper=2 * value, diagnosis="north 40 % (60 rows)")
        for name, (value, bad) in signals.items()
    ]  # fmt: skip
    with database.write() as connection:
        connection.execute(tables.verdicts.insert(), [{"model": "credit", **one.row()} for one in made])


def test_the_figures_are_those_of_the_rows(client: Client) -> None:
    found = client.get(DATA).json()
    scores, labels = raw()
    assert (found["labels"], found["predictions"]) == (labels.size, DAYS * ROWS)
    assert found["coverage"] == pytest.approx(LABELLED / DAYS)
    held = found["metrics"]
    assert held["roc_auc"]["value"] == pytest.approx(metrics.roc_auc_score(labels, scores), abs=2e-3)
    assert held["accuracy"]["value"] == pytest.approx(((scores >= 0.5) == labels).mean())
    assert held["accuracy"]["lower"] < held["accuracy"]["value"] < held["accuracy"]["upper"]
    assert {one["version"] for one in found["versions"]} == {"v1", "v2", "v3"}
    for one in found["versions"]:
        scores, labels = raw(served=one["version"])
        assert one["labels"] == labels.size
        assert one["metrics"]["brier"]["value"] == pytest.approx(np.square(scores - labels).mean(), abs=1e-3)
    assert [one["segment"] for one in found["segments"]] == [NORTH, "region=south"]
    for one in found["segments"]:
        scores, labels = raw(region=one["segment"].removeprefix("region="))
        assert one["metrics"]["accuracy"]["value"] == pytest.approx(((scores >= 0.5) == labels).mean())
    table = np.array(found["confusion"]["counts"])
    scores, labels = raw()
    assert table.tolist() == metrics.confusion_matrix(labels, scores >= 0.5).tolist()


def test_segment_version_and_time_can_be_chosen(client: Client) -> None:
    found = client.get(f"{DATA}?segment={NORTH}&version=v2&since={moment(22)}").json()
    scores, labels = raw(range(22, 28), "north")
    assert found["labels"] == labels.size
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(((scores >= 0.5) == labels).mean())
    assert found["segments"] == []
    for wrong in ("segment=region%3Dwest", "version=v9"):
        answer = client.get(f"{DATA}?{wrong}")
        assert answer.status_code == 404
        assert "has no" in answer.json()["reason"]
    assert client.get(f"{DATA}?since=yesterday").status_code == 400
    assert client.get("/v1/models/nobody/performance").status_code == 404


def test_calibration_is_of_the_rows(client: Client) -> None:
    found = client.get(DATA).json()["calibration"]
    scores, labels = raw()
    assert sum(one["rows"] for one in found) == labels.size
    one = next(one for one in found if one["low"] == 0.3)
    inside = (scores > 0.302) & (scores < 0.398)  # scores are at the middle of their bins
    assert abs(one["rows"] - inside.sum()) < 0.1 * one["rows"]
    assert one["share"] == pytest.approx(labels[inside].mean(), abs=0.03)
    assert one["lower"] < one["share"] < one["upper"]


def test_the_page_tells_what_the_labels_say(client: Client) -> None:
    page = client.page(PAGE)
    assert page.status == 200
    assert page.row("Metric") == ["Metric", "All versions", "v3", "v1", "v2"]
    assert page.row("roc_auc")[1].startswith("0.4964")
    assert page.row(NORTH)[-2:] == [f"{LABELLED * ROWS // 2:,}", "97.5 %"]
    assert CAVEAT not in page.text
    assert {"performance-roc_auc", "reliability", "coverage"} <= page.charts.keys()
    assert page.trace("performance-roc_auc", "measured")["y"].count(0.71) == len(BAD)
    links = {held.get("href"): held for tag, held in page.tags if tag == "a"}
    assert links[PAGE].get("aria-current") == "page"


def test_estimates_come_with_what_they_cannot_see_and_how_far_they_were_off(
    client: Client, database: Database
) -> None:
    add(
        database,
        performance__estimated__roc_auc=(0.8, False),
        performance__estimation_error__roc_auc=(0.01, False),
    )
    page = client.page(PAGE)
    assert CAVEAT in page.text
    assert "cannot be trusted" not in page.text
    assert page.trace("performance-roc_auc", "estimated")["y"] == [0.8]
    assert "error-roc_auc" in page.charts
    add(database, performance__estimation_error__log_loss=(0.5, True))
    page = client.page(PAGE)
    assert "The estimates cannot be trusted now" in page.text
    assert any("bad" in str(held.get("class")) for tag, held in page.tags if tag == "p")


def test_what_labels_said_of_the_estimates_holds_until_there_are_enough_again(
    client: Client, database: Database
) -> None:
    signal = "performance.estimation_error.f1"
    told, few, well = (
        line(DAYS - 3 + at, signal, "", value, 0.1, bad=not at) for at, value in enumerate((0.5, -1.0, 0.05))
    )
    for lines, warned in (((told, few), True), ((well,), False)):
        with database.write() as connection:
            rows = [{"model": "credit", **one.row()} for one in lines]
            connection.execute(tables.verdicts.insert(), rows)
        assert ("cannot be trusted" in client.page(PAGE).text) is warned


def test_gaps_between_groups_are_told(client: Client, database: Database) -> None:
    assert "Between groups" not in client.page(PAGE).text
    add(database, fairness__demographic_parity=(0.2, True))
    page = client.page(PAGE)
    assert page.row("demographic_parity") == [
        "demographic_parity",
        "region",
        "0.2",
        "0.1 to 0.4",
        "0.1",
        "breach",
    ]
    assert "north 40 % (60 rows)" in page.text
    (gap,) = client.get(DATA).json()["gaps"]
    assert (gap["signal"], gap["subject"], gap["verdict"]) == (
        "fairness.demographic_parity",
        "region",
        "breach",
    )
    assert "Between groups" not in client.page(f"{PAGE}?segment={NORTH}").text


def test_small_groups_have_no_figures(client: Client) -> None:
    page = client.page(f"{PAGE}?last=50&version=v3")
    assert page.row(NORTH)[1] != "few labels"
    found = client.get(f"{DATA}?version=v3&since={moment(DAYS - 1)}").json()
    assert (found["labels"], found["metrics"], found["confusion"]) == (0, {}, None)


def test_the_worst_slice_is_searched_on_request(client: Client) -> None:
    assert "worst_slice" not in client.get(DATA).json()
    page = client.page(PAGE)
    assert "?slice=worst&last=400" in {held.get("href") for tag, held in page.tags if tag == "a"}
    found = client.get(f"{DATA}?slice=worst").json()["worst_slice"]
    assert found is None or (not found["clear"] and found["lower"] <= found["loss"] <= found["upper"])
    text = client.page(f"{PAGE}?slice=worst").text
    assert "No slice is clearly worse" in text or "Too few sampled rows" in text


@pytest.mark.parametrize("model", ["young", "idle"])
def test_models_without_labels_have_a_page(client: Client, model: str) -> None:
    page = client.page(f"/models/{model}/performance")
    assert page.status == 200
    assert "roc_auc" not in page.text
    found = client.get(f"/v1/models/{model}/performance").json()
    assert (found["labels"], found["metrics"]) == (0, {})


def test_of_more_profiles_than_can_be_read_at_once_the_newest_count(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = LABELLED - 20
    expected = client.get(f"{DATA}?since={moment(first)}").json()
    newest = client.get(f"{DATA}?since={moment(LABELLED - 10)}").json()
    monkeypatch.setattr(performance, "MOST", 20)  # a day has one profile of labels, and one in each region
    found = client.get(DATA).json()
    assert (found["since"], found["segments_since"]) == (moment(first), moment(LABELLED - 10))
    assert found["metrics"] == expected["metrics"]
    assert found["predictions"] == expected["predictions"]
    assert found["versions"] == expected["versions"]
    assert found["segments"] == newest["segments"]
    assert "before that are too many to read at once" in client.page(PAGE).text
