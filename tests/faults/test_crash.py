"""kill -9 at random moments, over every path: nothing is lost, nothing is counted twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import KINDS
from tests.faults.http_path import crash_http
from tests.faults.kafka_path import crash_kafka
from tests.kafka.cluster import Cluster


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_services_on_one_database_are_killed(tmp_path: Path) -> None:
    result = crash_http("postgres", tmp_path, kills=2, size=400, replicas=2)
    assert not result.faults
    assert result.kills == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_services_are_killed_again_and_again(tmp_path: Path, kind: str) -> None:
    replicas = 1 if kind == "sqlite" else 2
    result = crash_http(kind, tmp_path, kills=10, size=3000, seed=2, replicas=replicas)
    assert not result.faults
    assert result.seen["cut off"] > 0, "no kill hit a request"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # kafka-python leaves them
@pytest.mark.parametrize("kind", KINDS)
def test_workers_and_the_broker_are_killed_again_and_again(tmp_path: Path, own: Cluster, kind: str) -> None:
    result = crash_kafka(kind, tmp_path / "run", own, kills=10, size=3000, seed=2)
    assert not result.faults
    assert result.seen["broker restarts"] == 1
