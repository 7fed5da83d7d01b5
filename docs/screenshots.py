"""Takes the pictures of the documentation from a demo that runs: `make screenshots`, with `make demo` up."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PAGES = {"model": "/models/flights", "feature": "/models/flights/features/temp", "incident": "/incidents"}
SIZE = (1440, 1100)
SETTLE_MS = 2500


def main() -> None:
    """Write one PNG a page beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8700", help="where the pages are")
    address = parser.parse_args().address.rstrip("/")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium: install the package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        for name, path in PAGES.items():
            page.goto(address + path)
            if name == "incident":
                page.get_by_role("link", name="bad-release").first.click()
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=Path(__file__).parent / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
