"""`modelwatch report`: a window of the database, or a file, against its reference, with real evidently."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.modelwatch.flows import HOUR, START, Workplace, traffic
from tests.modelwatch.processes import command

WINDOW = "2024-01-01T10:20Z"  # in the hour in which everything is worse


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("report"))
    made.file("good", traffic(8, seed=1, first=START - 100 * HOUR))
    made.file("new", traffic(11, seed=2, bad_from=10))
    made.monitor(reference={"kind": "file", "path": "good.parquet"}, sample={"rows": 1000})
    command("backfill", made.folder / "monitor.yaml", made.folder / "new.parquet", "--data", made.folder)
    return made


def complete(page: Path) -> str:
    """The page, which must load nothing."""
    text = page.read_text()
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", text)
    assert "DriftedColumnsCount" in text or "Drifted Columns" in text
    return text


def test_a_window_against_its_reference(place: Workplace, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    monitor = place.folder / "monitor.yaml"
    told = command("report", monitor, "--data", place.folder, "--window", WINDOW, "--output", page)
    assert "wrote" in told
    text = complete(page)
    assert "m, 2024-01-01T10:00:00Z to 2024-01-01T11:00:00Z" in text
    assert re.search(r"1\d\d sampled rows of the window against 960 of its reference: 8 windows", text)
    assert "mostly by x" in text


def test_a_file_against_its_reference(place: Workplace, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    files = "--production", place.folder / "new.parquet", "--reference", place.folder / "good.parquet"
    command("report", place.folder / "monitor.yaml", *files, "--page", page)
    text = complete(page)
    assert "1,320 rows of new.parquet against 960 of good.parquet." in text
    assert "A classifier" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--window", "yesterday"], "--window yesterday is no moment"),
        (["--window", "2020-01-01T00:00Z"], "0 sampled rows of the window"),
        ([], "write either --window"),
        (["--window", WINDOW, "--production", "new.parquet"], "write either --window"),
        (["--production", "new.parquet"], "write either --window"),
        (["--production", "none.parquet", "--reference", "none.parquet"], "none.parquet"),
        (["--window", WINDOW, "--output", "no/such/folder.html"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_said(
    place: Workplace, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    told = command("report", "monitor.yaml", "--data", ".", *arguments, code=2)
    assert says in " ".join(told.split())
