from collections.abc import Iterator

import pytest

from modelwatch_sdk.testing import FakeCollector


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as fake:
        yield fake
