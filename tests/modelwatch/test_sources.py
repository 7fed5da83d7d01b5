"""`modelwatch serve --source`: what the service takes from loggers, as users run it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.modelwatch.flows import Workplace, events_of, traffic
from tests.modelwatch.processes import PATIENCE, ServiceProcess, command

TOKEN = "t0ken"
SOURCE: dict[str, Any] = {
    "kind": "kserve",
    "services": [{"service": "shop/fraud", "model": "m", "version": ["endpoint"]}],
}


@pytest.fixture
def service(workplace: Workplace) -> Iterator[ServiceProcess]:
    workplace.monitor()
    path = workplace.folder / "kserve.yaml"
    path.write_text(yaml.safe_dump(SOURCE))
    arguments = ("--source", str(path))
    started = ServiceProcess(
        workplace.folder / "monitor.yaml",
        workplace.folder / "data",
        arguments,
        environment={"MODELWATCH_TOKEN": TOKEN},
    )
    started.start()
    yield started
    if started.process is not None and started.process.poll() is None:
        started.stop()


def bodies(event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    row = event["features"] | event["tags"]
    return {"instances": [row]}, {"predictions": [event["score"]]}


def log(service: ServiceProcess, event: dict[str, Any]) -> None:
    """Send both halves, as KServe's agent does: the token is the password in the URL."""
    url = service.url.replace("//", f"//logger:{TOKEN}@") + "/v1/kserve"
    for part, body in zip(("request", "response"), bodies(event), strict=True):
        headers = {
            "Ce-Specversion": "1.0",
            "Ce-Id": event["id"],
            "Ce-Type": f"org.kubeflow.serving.inference.{part}",
            "Ce-Source": "http://localhost:9081/",
            "Ce-Time": f"2024-01-01T00:00:0{part == 'response':d}.123456789Z",
            "Ce-Inferenceservicename": "fraud",
            "Ce-Namespace": "shop",
            "Ce-Endpoint": "default",
            "Content-Type": "application/json",
        }
        assert httpx.post(url, content=json.dumps(body), headers=headers).status_code == 200


def accepted(service: ServiceProcess, source: str) -> int:
    query = f"SELECT coalesce(sum(accepted), 0) FROM books WHERE source = '{source}'"  # noqa: S608 - ours
    return int(service.rows(query)[0][0])


def until(service: ServiceProcess, source: str, wanted: int) -> None:
    limit = time.monotonic() + PATIENCE
    while accepted(service, source) < wanted:
        assert time.monotonic() < limit, service.log.read_text(encoding="utf-8")
        time.sleep(0.05)


def test_a_logger_and_pairs_beside_the_sdk(service: ServiceProcess) -> None:
    events = [event for event in events_of(traffic(1, 20)) if event["kind"] == "prediction"]
    for event in events[:10]:
        log(service, event)
    service.kill()
    service.start()
    for event in events[10:]:
        log(service, event)
    until(service, "kserve", 20)
    auth = {"Authorization": f"Bearer {TOKEN}"}
    request, response = bodies(events[0])
    row = {"model": "m", "id": "pair", "timestamp": events[0]["timestamp"], "request": request}
    answer = httpx.post(f"{service.url}/v1/inference", json=row | {"response": response}, headers=auth)
    assert answer.json()["accepted"] == 1
    assert httpx.post(f"{service.url}/v1/kserve", content=b"").status_code == 401
    metrics = httpx.get(f"{service.url}/metrics", headers=auth).text
    assert 'modelwatch_waiting_halves{source="kserve"} 0.0' in metrics
    assert service.stop() == 0
    assert "Traceback" not in service.log.read_text(encoding="utf-8")
    assert service.rows("SELECT sum(received) - sum(accepted) FROM books") == [(0,)]


def test_wrong_source_files_end_the_command(workplace: Workplace) -> None:
    workplace.monitor()
    monitor, path = workplace.folder / "monitor.yaml", Path(workplace.folder / "source.yaml")
    for content, reason in (
        ({"kind": "pigeon"}, "'pigeon' is no kind of source"),
        (SOURCE | {"services": [{"service": "fraud"}]}, "services.0.model: Field required"),
        (SOURCE | {"path": "kserve"}, "path: String should match pattern"),
    ):
        path.write_text(yaml.safe_dump(content))
        told = command("serve", "--monitor", monitor, "--source", path, "--data", workplace.folder, code=2)
        assert reason in " ".join(told.split())
    path.write_text(yaml.safe_dump(SOURCE))
    sources = ("--source", path, "--source", path)
    told = command("serve", "--monitor", monitor, *sources, "--data", workplace.folder, code=2)
    assert "two source files have this name" in told
    told = command("collect", "--monitor", monitor, "--source", path, "--data", workplace.folder, code=2)
    assert "run it with `modelwatch serve --source`" in told
