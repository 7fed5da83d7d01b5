from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.modelwatch.flows import HOUR, START, Workplace, traffic
from tests.modelwatch.loops import Loop


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.fixture(scope="session")
def reference() -> pd.DataFrame:
    """Thirty good hours before everything else."""
    return traffic(30, seed=1, first=START - 100 * HOUR)


@pytest.fixture(scope="session")
def production() -> pd.DataFrame:
    """A day, of which the last eight hours are bad."""
    return traffic(24, seed=2, bad_from=16)


@pytest.fixture(scope="session")
def good() -> pd.DataFrame:
    return traffic(16, seed=1, first=START - 100 * HOUR)


@pytest.fixture
def loop(workplace: Workplace, good: pd.DataFrame) -> Loop:
    return Loop(workplace, good)
