"""Brokers that want to know who asks."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from collector.store.database import Database
from tests.collector.collecting import book, prediction
from tests.kafka.cluster import Cluster
from tests.kafka.working import until, working


def security(mechanism: str) -> dict[str, Any]:
    return {
        "protocol": "SASL_PLAINTEXT",
        "mechanism": mechanism,
        "username": "mw",
        "password": "KAFKA_WORD",
    }


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_the_right_password_opens(
    cluster: Cluster, database: Database, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    if mechanism != "PLAIN":
        user = UserScramCredentialUpsertion("mw", ScramMechanism.SCRAM_SHA_256, "hush")
        cluster.admin().alter_user_scram_credentials([user])
    cluster.needed()
    monkeypatch.setenv("KAFKA_WORD", "hush")
    topic = cluster.topic()
    cluster.send(topic, [prediction(n) for n in range(20)])
    given = {"bootstrap": [cluster.guarded], "security": security(mechanism)}
    with working(cluster.source({"topic": topic, "event": "prediction"}, **given), database) as worker:
        worker.reach({f"{topic}/0": 20})
    assert book(database) == (20, 20, 0, 0)


def test_a_wrong_password_is_told_and_never_shown(
    cluster: Cluster, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.needed()
    monkeypatch.setenv("KAFKA_WORD", "wr0ng-word")
    topic = cluster.topic()
    given = {"bootstrap": [cluster.guarded], "security": security("PLAIN")}
    with working(cluster.source({"topic": topic}, **given), database) as worker:
        until(lambda: (worker.metric("modelwatch_kafka_failures_total", of="kafka") or 0) >= 1)
        assert worker.positions() == {}
    told = [
        record.getMessage() for record in caplog.records if record.name == "collector.sources.kafka_worker"
    ]
    assert "security.username and the variable KAFKA_WORD" in told[0]
    assert "wr0ng-word" not in caplog.text
