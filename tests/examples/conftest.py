from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from examples.flights import data, train

Raw = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="session")
def raw() -> Raw:
    flights, weather, airports = data.raw()
    return flights[(flights["month"] == 1) & (flights["day"] <= 14)], weather, airports


@pytest.fixture(scope="session")
def table(raw: Raw) -> pd.DataFrame:
    return data.build(*raw)


@pytest.fixture(scope="session")
def models(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    known = train.known_by(table, pd.Timestamp("2013-01-10", tz="UTC"))
    train.fit(known, train.forest(trees=5), folder, "v1")
    train.fit(train.sample(known, 3000), train.boosting(members=2, trees=10), folder, "v2")
    return folder
