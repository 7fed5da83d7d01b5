"""The page of versions in a real browser: drawn, without complaints, at any width, and its form works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import ViewportSize, sync_playwright

from collector.store.database import Database
from dashboards.app import router
from tests.dashboards.page import served
from tests.dashboards.versions_world import SCHEMA, build

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    database = Database(tmp_path / "modelwatch.db")
    build(database)
    application = FastAPI()
    application.include_router(router(database, {"fraud": SCHEMA}))
    with served(application) as found:
        yield found
    database.close()


@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_is_drawn_and_asks_again(address: str, width: int) -> None:
    complaints: list[str] = []
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        size: ViewportSize = {"width": width, "height": 900}
        page = browser.new_page(viewport=size, color_scheme="light" if width > 1000 else "dark")
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/models/fraud/versions")
        page.wait_for_load_state("networkidle")
        assert page.locator("figure.chart .main-svg").count() >= 2
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.locator("td .compared.worse").count() >= 4
        with page.expect_navigation():
            page.locator("select[name=chart]").select_option("error_rate")
        page.wait_for_load_state("networkidle")
        assert "Difference: error_rate" in page.locator("#difference h2").inner_text()
        browser.close()
    assert not complaints
