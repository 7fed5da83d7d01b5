"""A window's report: made from the stored samples by evidently, framed apart from the site, and cached."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from playwright.sync_api import sync_playwright

from collector.store.database import Database
from collector.store.tables import samples
from dashboards import evidently
from dashboards.app import router
from tests.dashboards.page import Client, served
from tests.dashboards.world import DAY, SCHEMAS, START, build, moment

CHROMIUM = Path("/usr/bin/chromium")
BAD_DAY = f"/models/credit/windows/{moment(24)}/report"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """The world of the other pages, with the samples of its reference too."""
    opened = Database(None)
    build(opened)
    copied = [sa.literal("reference") if column.name == "role" else column for column in samples.c]
    query = sa.select(*copied).where(samples.c.model == "credit", samples.c.start < START + 14 * DAY)
    with opened.write() as connection:
        names = [column.name for column in samples.c]
        connection.execute(samples.insert().from_select(names, query))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def application(database: Database) -> FastAPI:
    app = FastAPI()
    app.include_router(router(database, SCHEMAS))
    return app


@pytest.fixture(scope="module")
def client(application: FastAPI) -> Client:
    return Client(application)


def test_the_page_frames_the_report_and_offers_it_as_a_file(client: Client) -> None:
    answer, page = client.get(BAD_DAY), client.page(BAD_DAY)
    frame = next(held for tag, held in page.tags if tag == "iframe")
    assert frame["src"] == BAD_DAY.replace(":", "%3A") + ".html"
    assert "allow-same-origin" not in (frame["sandbox"] or "")
    assert "frame-src 'self'" in answer.headers["content-security-policy"]
    assert any(
        tag == "a" and held.get("href") == frame["src"] and "download" in held for tag, held in page.tags
    )
    assert "2024-03-25" in page.text


def test_the_report_says_what_changed_and_loads_nothing(client: Client) -> None:
    answer = client.get(BAD_DAY + ".html")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-scripts" in policy
    assert "connect-src" not in policy
    text = answer.text
    assert "A classifier tells this window from its reference with AUC" in text
    assert "mostly by age" in text
    assert re.search(r"The slice that has changed most is [^<]*age[^<]* % of the rows \(before", text)
    assert "120 sampled rows of the window against 1,000 of its reference: 14 windows" in text
    assert "Drift is detected" in text or "Drift is NOT detected" in text or "DriftedColumns" in text
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", text)
    assert "<img src=x" not in text, "a category is no part of the page"


def test_a_report_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def numbered(*given: Any) -> str:
        made.append(given)
        return f"<p>{len(made)}</p>"

    monkeypatch.setattr(evidently, "report_page", numbered)
    days = [f"/models/credit/windows/{moment(day)}/report.html" for day in (30, 31, 32, 33, 34)]
    for _ in range(2):
        assert client.get(days[0]).text == "<p>1</p>"
    assert [client.get(day).text for day in days[1:]] == [f"<p>{n}</p>" for n in (2, 3, 4, 5)]
    assert client.get(days[0]).text == "<p>6</p>", "only the newest are kept"
    packed = client.get(days[0], headers={"accept-encoding": "identity"})
    assert packed.text == "<p>6</p>"
    assert "content-encoding" not in packed.headers


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/models/credit/windows/yesterday/report", 404, "is no window"),
        ("/models/credit/windows/yesterday/report.html", 404, "is no window"),
        ("/models/nobody/windows/2024-03-01T00:00:00Z/report", 404, "No model"),
        ("/models/credit/windows/2023-03-01T00:00:00Z/report", 200, "No sample of this window"),
        ("/models/credit/windows/2023-03-01T00:00:00Z/report.html", 404, "0 sampled rows"),
        (f"/models/young/windows/{moment(0)}/report", 200, "There is no reference"),
    ],
)
def test_what_there_is_no_report_of_is_told(client: Client, path: str, status: int, says: str) -> None:
    page = client.page(path)
    assert page.status == status
    assert says in page.text
    assert not [tag for tag, _ in page.tags if tag == "iframe"]


@pytest.mark.parametrize("path", ["/models/credit", "/models/credit/features/age", "/incidents/1"])
def test_the_pages_lead_to_it(client: Client, path: str) -> None:
    links = [held["href"] or "" for tag, held in client.page(path).tags if tag == "a" and "href" in held]
    found = [link for link in links if link.endswith("/report")]
    assert found
    assert client.page(found[0]).status == 200


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
def test_a_browser_draws_it_without_a_complaint(application: FastAPI) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    with served(application) as address, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        page: Any = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + BAD_DAY)
        deadline, text = time.monotonic() + 90, ""
        while "columns" not in text.lower() or "Drift" not in text:
            assert time.monotonic() < deadline, (complaints, text[:500])
            time.sleep(0.3)
            frames = [one for one in page.frames if one.url.endswith(".html")]
            text = frames[0].locator("body").inner_text() if frames else ""
        assert "A classifier tells this window from its reference" in text
        browser.close()
    assert complaints == []
    assert all(url.startswith((address, "data:", "blob:")) for url in asked), asked
