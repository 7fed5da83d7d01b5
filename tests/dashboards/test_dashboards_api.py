from __future__ import annotations

import json
from typing import Any

import pytest

from alerts import tables
from collector.delivery import Delivery
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from dashboards import assets
from dashboards.charts.figure import embedded
from tests.dashboards.page import Client
from tests.dashboards.world import BAD, DAY, DAYS, ROWS, SCHEMAS, START, lines, moment

KEYS = {
    "models": {"model", "watermark", "health", "shape", "versions", "rows", "judged_until", "task"},
    "books": {"source", "model", "received", "accepted", "duplicate", "rejected"},
    "incidents": {"id", "model", "rule", "severity", "status", "title", "opened_at", "resolved_at"}
    | {"resolution", "acknowledged_by", "suspect", "subjects"},
    "actions": {"id", "incident_id", "kind", "name", "state", "from_version", "to_version"}
    | {"proposed_at", "executed_at", "finished_at", "note"},
    "deployments": {"model", "version", "at", "by", "reason"},
    "notifications": {"incident_id", "notifier", "kind", "state", "attempts", "error"},
}


def test_status(client: Client) -> None:
    status: dict[str, Any] = client.get("/v1/status").json()
    assert set(status) == set(KEYS)
    for name, keys in KEYS.items():
        assert status[name], name
        assert keys <= set(status[name][0]), name
    credit = next(row for row in status["models"] if row["model"] == "credit")
    assert credit["watermark"] == "2024-04-09T19:50:00Z"
    assert credit["health"] == "breach"
    assert credit["versions"] == {"v3": ROWS}
    incident = status["incidents"][0]
    assert incident["opened_at"] == "2024-03-23T00:00:00Z"
    assert incident["suspect"] == {
        "version": "v2",
        "at": "2024-03-21T00:00:07Z",
        "by": "ci",
        "reason": "",
    }
    assert incident["subjects"] == ["drift.univariate|age|", "performance.roc_auc||"]
    assert [row["state"] for row in status["actions"]] == ["succeeded", "awaiting"]
    assert status["actions"][0]["incident_id"] == 1
    assert [row["version"] for row in status["deployments"]] == ["v1", "v2", "v1", "v3"]


def test_verdicts_are_lines(client: Client) -> None:
    address = "/v1/models/credit/verdicts?signal=drift.univariate&subject=age&segment="
    found = client.get(address).json()
    assert found["model"] == "credit"
    made = [line for day in range(DAYS) for line in lines(day)]
    mine = [line.public() for line in made if line.key == "drift.univariate|age|"]
    assert [row | {"alert": False} for row in found["verdicts"]] == mine
    assert [row["window_start"] for row in found["verdicts"] if row["alert"]] == [moment(BAD[0])]


def test_verdicts_since_a_moment_or_the_newest(client: Client) -> None:
    address = "/v1/models/credit/verdicts?signal=latency.p50"

    def starts(more: str) -> list[str]:
        return [row["window_start"] for row in client.get(f"{address}&{more}").json()["verdicts"]]

    assert starts(f"since={moment(30)}&limit=3") == [moment(30), moment(31), moment(32)]
    assert starts("limit=2") == [moment(DAYS - 2), moment(DAYS - 1)]
    assert starts("since=2024-04-09T02:00:00+02:00") == [moment(DAYS - 1)]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/models/nope/verdicts", 404),
        ("/v1/models/credit/verdicts?since=yesterday", 400),
        ("/v1/models/credit/verdicts?limit=0", 422),
        ("/v1/models/credit/verdicts?limit=99999999", 422),
    ],
)
def test_bad_questions(client: Client, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["reason"]


def test_every_answer_has_security_headers(client: Client) -> None:
    addresses = ["/", "/models/credit", "/models/nope", "/v1/status", "/v1/models/nope/verdicts", "/version"]
    for address in [*addresses, assets.address("page.js"), "/favicon.ico"]:
        headers = client.get(address).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_a_page_of_a_year_is_sent_compressed(client: Client) -> None:
    small = client.get("/models/credit", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/models/credit", headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert small.text == plain.text
    assert int(small.headers["content-length"]) < len(plain.content) / 3


def test_assets(client: Client) -> None:
    for name in assets.ASSETS:
        answer = client.get(assets.address(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert "immutable" not in client.get("/static/plotly.min.js").headers["cache-control"]
    assert len(client.get("/static/plotly.min.js").content) > 4_000_000
    for bad in ("/static/nope.js", "/static/..%2fapp.py", "/static/%2e%2e/web.py"):
        assert client.get(bad).status_code == 404


def test_the_version_changes_with_what_is_committed(client: Client, database: Database) -> None:
    def version() -> dict[str, str]:
        held: dict[str, str] = client.get("/version").json()
        return held

    first = version()
    assert version() == first
    event = {"kind": "prediction", "model": "credit", "id": "new", "score": 0.5, "features": {}}
    batch = Validator(SCHEMAS).batch([event | {"timestamp": START / 1e6 + 5}], None, None)
    Ledger(database, SCHEMAS).commit(Delivery("http", batch, "more"), START + DAYS * DAY)
    traffic = version()
    assert traffic["traffic"] != first["traffic"]
    assert traffic["judged"] == first["judged"]
    changes: list[Any] = [
        tables.notifications.update().filter_by(id=1).values(attempts=3),
        tables.notifications.update().filter_by(id=1).values(state="sent"),
        tables.progress.update().values(judged_until=1),
        tables.timeline.insert().values(incident=1, at=0, recorded=0, kind="joined", text=""),
        tables.verdicts.delete().filter_by(known_at=START + DAYS * DAY),
    ]
    seen = {traffic["judged"]}
    for change in changes:
        with database.write() as connection:
            connection.execute(change)
        assert version()["judged"] not in seen
        seen.add(version()["judged"])
    assert client.post("/v1/incidents/2/acknowledge", json={"by": "ada"}).status_code == 200
    assert version()["judged"] not in seen


def test_data_cannot_end_the_element_that_it_is_in() -> None:
    text = "</script><script>alert(1)</script>&\u2028"
    held = embedded({"text": text, "values": [float("nan"), 0.1 + 0.2, None]})
    assert not set(held) & set("<>&")
    assert json.loads(held) == {"text": text, "values": [None, 0.3, None]}
