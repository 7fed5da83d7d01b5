from __future__ import annotations

import numpy as np
import pytest

from collector.schema import Schema
from collector.store.database import Database
from collector.store.read import Reader
from dashboards.queries.feature import FileWindows, Referenced, reference_of
from tests.dashboards.page import Client, Page
from tests.dashboards.world import BAD, CREDIT, DAY, DAYS, ROWS, START, ages, moment


def shown(page: Page, name: str) -> tuple[list[float], list[float]]:
    """The edges and the counts of a histogram."""
    cells = page.trace("distribution", name)["customdata"]
    return [cells[0][0], *(cell[1] for cell in cells)], [cell[2] for cell in cells]


def test_the_histogram_holds_the_window_and_the_reference(client: Client) -> None:
    day = BAD[0]
    page = client.page(f"/models/credit/features/age?from={moment(day)}&to={moment(day)}")
    for name, values in (
        ("shown windows", ages(day)),
        ("reference", np.concatenate([ages(one) for one in range(14)])),
    ):
        edges, shares = shown(page, name)
        expected = np.histogram(values, edges)[0] / len(values)
        assert shares == pytest.approx(expected.tolist(), abs=1e-6)
    assert page.row("rows") == ["rows", f"{14 * ROWS:,}", str(ROWS)]
    assert page.row("smallest")[2] == f"{ages(day).min():g}"


def test_a_range_of_windows_adds_up(client: Client) -> None:
    page = client.page(f"/models/credit/features/age?from={moment(3)}&to={moment(9)}")
    assert page.row("rows")[2] == str(7 * ROWS)
    assert "7 windows of 1 d, 2024-03-04 to 2024-03-10" in page.text
    backwards = client.page(f"/models/credit/features/age?from={moment(9)}&to={moment(3)}")
    assert backwards.row("rows")[2] == str(ROWS)


def test_the_newest_judged_window_is_the_default(client: Client) -> None:
    page = client.page("/models/credit/features/age?from=nonsense")
    assert "1 window of 1 d, 2024-04-09" in page.text


def test_categories_by_share(client: Client) -> None:
    page = client.page("/models/credit/features/city")
    now = page.trace("distribution", "shown windows")["x"]
    assert sum(now) == pytest.approx(1)
    assert page.trace("distribution", "reference")["x"] == sorted(
        page.trace("distribution", "reference")["x"], reverse=True
    )


def test_missing_values_and_their_verdicts(client: Client) -> None:
    page = client.page("/models/credit/features/income")
    assert page.row("missing") == ["missing", "0 %", "33.3 %"]
    assert page.trace("quality.missing", "breach")["y"] == pytest.approx([0.333] * 3)
    row = page.row("2024-04-09")
    assert row == ["2024-04-09", "drift.univariate", row[2], "0.2", "ok", ""]


def test_an_embedding_has_no_picture_but_a_distance(client: Client) -> None:
    page = client.page("/models/credit/features/vector")
    assert "An embedding has no picture" in page.text
    assert set(page.charts) == {"drift.multivariate"}


def test_what_the_model_says_is_a_column_too(client: Client) -> None:
    score = client.page("/models/credit/features/score")
    assert set(score.charts) == {"distribution", "drift.prediction"}
    prediction = client.page("/models/credit/features/prediction")
    assert sum(prediction.trace("distribution", "shown windows")["x"]) == pytest.approx(1)


def test_a_name_with_a_slash(client: Client) -> None:
    page = client.page("/models/credit/features/a%2Fb%20%3Ci%3E")
    assert page.status == 200
    assert "a/b <i>" in page.text


def test_a_segment(client: Client) -> None:
    page = client.page("/models/credit/features/age?segment=region%3Dnorth")
    assert page.row("rows")[2] == str(ROWS // 2)
    assert page.trace("drift.univariate", "threshold")["y"][0] == 0.5


def test_no_such_feature(client: Client) -> None:
    page = client.page("/models/credit/features/shoe%3Cb%3E")
    assert page.status == 404
    assert "has no feature 'shoe<b>'" in page.text
    assert "age, income" in page.text


def test_before_there_is_a_reference(client: Client) -> None:
    page = client.page("/models/young/features/x")
    assert "Reference: none yet" in page.text
    assert client.page("/models/idle/features/x").status == 200


class Trailing:
    """A reference that follows, as a monitor file may ask for."""

    def choose(
        self, reader: Reader, window: int, past: list[tuple[int, bool]], past_outcomes: object
    ) -> FileWindows | None:
        del reader, past_outcomes
        good = tuple(start for start, breach in past if not breach and start < window)
        return FileWindows(good[-5:], "production") if len(good) >= 5 else None


class Monitor(Schema):
    @property
    def reference(self) -> Trailing:
        return Trailing()


def test_the_reference_is_the_one_that_the_monitor_chooses(database: Database) -> None:
    monitor = Monitor(**CREDIT.model_dump())
    assert isinstance(monitor, Referenced)
    with database.read() as connection:
        reader = Reader(connection, "credit")
        chosen = reference_of(connection, reader, monitor, START + 30 * DAY)
        assert chosen is not None
        assert [(start - START) // DAY for start in chosen.starts] == [18, 19, 20, 28, 29]
        assert reference_of(connection, reader, monitor, START + 3 * DAY) is None
        assert reference_of(connection, reader, CREDIT, START) == FileWindows(
            tuple(START + day * DAY for day in range(14))
        )
    assert DAYS == 40
