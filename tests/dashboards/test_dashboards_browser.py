"""The pages in a real browser: charts are drawn and follow the data, and nothing is reported as an error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from alerts import tables
from collector.store.database import Database
from tests.dashboards.page import served
from tests.dashboards.world import DAY, DAYS, START, line

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
PAGES = (
    "/",
    "/models/credit",
    "/models/credit/performance?slice=worst",
    "/models/credit/requests",
    "/models/credit/versions",
    "/models/idle",
    "/incidents",
    "/incidents/2",
    "/audit",
    "/rejected",
)
PATIENCE = 15.0
FEATURES = ("age", "city", "vector", "score", "a%2Fb%20%3Ci%3E")


@dataclass
class Visit:
    """A browser's page, and what it complained about."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("networkidle")

    def until(self, expression: str) -> None:
        """Wait until something is true. (Playwright's own waiting needs eval, which the pages forbid.)"""
        deadline = time.monotonic() + PATIENCE
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"never: {expression}"
            time.sleep(0.05)

    def drawn(self) -> int:
        """How many charts have been drawn."""
        marks = ".cartesianlayer .trace path, .cartesianlayer .heatmaplayer image"
        count: int = self.page.locator("figure.chart").filter(has=self.page.locator(marks)).count()
        return count


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def address(application: FastAPI) -> Iterator[str]:
    with served(application) as found:
        yield found


@pytest.fixture(params=[(1440, 1000, "light"), (400, 800, "dark")], ids=["wide", "narrow-dark"])
def visit(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    visited = Visit(context.new_page(), address)

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visited.complaints.append(f"{visited.page.url}: {message.text}")

    visited.page.on("console", complain)
    visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
    yield visited
    context.close()


def test_every_page_is_drawn_without_a_complaint(visit: Visit) -> None:
    for path in [*PAGES, *(f"/models/credit/features/{name}" for name in FEATURES)]:
        visit.open(path)
        charts = visit.page.locator("figure.chart").count()
        assert visit.drawn() == charts, path
        assert charts or not path.startswith("/models/credit"), path
        wide = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} pixels too wide"
    assert visit.complaints == []


def test_an_open_page_follows_what_happens(visit: Visit, database: Database) -> None:
    visit.open("/models/credit")
    latency = "document.querySelector('#latency .plot')"
    before = visit.page.evaluate(f"{latency}.data[0].x.length")
    visit.page.evaluate("window.scrollTo(0, 300)")
    top = "document.querySelector('#drift').getBoundingClientRect().top"
    seen = visit.page.evaluate(top)
    _judge_another_day(database)
    visit.until(f"{latency}.data[0].x.length === {before + 1}")
    assert visit.page.evaluate(top) == pytest.approx(seen, abs=2), "what is looked at stays where it is"
    assert visit.complaints == []


def test_zooming_into_one_chart_zooms_into_all_and_stays(visit: Visit, database: Database) -> None:
    visit.open("/models/credit")
    plots = "['traffic', 'latency', 'drift'].map((id) => document.querySelector(`#${id} .plot`))"
    ranges = f"{plots}.map((plot) => plot.layout.xaxis.range.map(String).join())"
    near = "['2024-03-20', '2024-03-25']"
    visit.page.evaluate(f"Plotly.relayout({plots}[0], {{'xaxis.range': {near}}}).then(() => null)")
    visit.until(f"new Set({ranges}).size === 1")
    assert visit.page.evaluate(ranges)[2].startswith("2024-03-20")
    _judge_another_day(database)
    latency = "document.querySelector('#latency .plot')"
    visit.until(f"{latency}.data[0].x.length === {DAYS + 1}")
    assert visit.page.evaluate(ranges)[2].startswith("2024-03-20")


def _judge_another_day(database: Database) -> None:
    made = line(DAYS, "latency.p50", "", 14.0, 20.0, bad=False)
    with database.write() as connection:
        connection.execute(tables.verdicts.insert(), [{"model": "credit", **made.row()}])
        connection.execute(tables.progress.update().values(judged_until=START + (DAYS + 1) * DAY))


def test_a_person_acknowledges_and_approves(visit: Visit, database: Database) -> None:
    visit.open("/incidents/2")
    for button in ("Acknowledge", "Approve"):
        form = visit.page.locator("form", has_text=button)
        form.get_by_label("Your name").fill("ada")
        form.get_by_role("button", name=button).click()
        form.wait_for(state="detached")
    assert "acknowledged by ada" in visit.page.inner_text("main")
    assert visit.page.locator("[aria-current=step]").inner_text() == "proposed"
    with database.read() as connection:
        states = connection.execute(tables.actions.select()).all()
    assert [row.state for row in states] == ["succeeded", "proposed"]
    assert visit.complaints == []


def test_a_select_shows_other_windows_and_a_cell_leads_to_its_feature(visit: Visit) -> None:
    visit.open("/models/credit/features/age")
    visit.page.get_by_label("Windows from").select_option(label="2024-03-25")
    visit.page.wait_for_url("**from=2024-03-25*")
    assert "16 windows of 1 d" in visit.page.inner_text("aside")
    visit.open("/models/credit")
    found: Any = visit.page.evaluate(
        """() => { const plot = document.querySelector('#drift .plot');
        plot.emit('plotly_click', {points: [{pointIndex: [2, 5]}]}); }"""
    )
    assert found is None
    visit.page.wait_for_url("**/features/city")


def test_keys_reach_everything(visit: Visit) -> None:
    visit.open("/incidents/2")
    reached = set()
    for _ in range(30):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate("document.activeElement.innerText || document.activeElement.name"))
    assert {"Skip to the content", "Models", "Acknowledge", "Approve", "by"} <= reached


def test_a_page_says_when_it_has_lost_the_service(visit: Visit) -> None:
    visit.open("/")
    visit.until("document.querySelector('#live').textContent.startsWith('live')")
    visit.page.context.set_offline(True)
    visit.until("document.querySelector('#live').textContent.includes('no connection')")
