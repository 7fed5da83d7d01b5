"""A canary compared by the command, and by the delivery tools' files of the docs, with a real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from collector.store.database import Database
from modelwatch.monitor import load_monitor
from modelwatch.service import Service, Settings
from tests.collector.serving import served
from tests.dashboards.versions_world import SCHEMA, build
from tests.modelwatch.processes import command

TOKEN = "s3cret-token"
DOCS = Path(__file__).parents[2] / "docs"
HOST, NAME = "http://modelwatch.monitoring:8700", "modelwatch:TOKEN@"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    database = Database(folder / "modelwatch.db")
    build(database)
    database.close()
    monitor = SCHEMA.model_dump(mode="json", include={"model", "task", "segments"}) | {
        "features": {"x": "numeric"},
        "sample": {"rows": 0},
    }
    (folder / "fraud.yaml").write_text(yaml.safe_dump(monitor | {"log": "none"}))
    return folder


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    settings = Settings(data, "http://pages", token=TOKEN)
    with served(Service(settings, [load_monitor(data / "fraud.yaml")]).app) as address:
        yield address


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWATCH_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "200")


def of_database(data: Path, *more: str, code: int) -> str:
    return command("compare", "fraud", "--data", data, "--monitor", data / "fraud.yaml", *more, code=code)


def test_a_database_is_compared(data: Path) -> None:
    told = of_database(data, "--metric", "roc_auc", "--metric", "error_rate", code=1)
    assert "fail: worse, from 16 windows, 2024-05-01T08:00:00Z to 2024-05-01T23:00:00Z" in told
    found = json.loads(of_database(data, "--format", "json", "--metric", "error_rate", code=1))
    assert found["metrics"][0]["difference"] == pytest.approx(0.1)


def test_the_exit_code_is_the_result(data: Path) -> None:
    swapped = ("--baseline", "v2", "--candidate", "v1", "--metric", "error_rate")
    assert "pass: better" in of_database(data, *swapped, code=0)
    assert "wait: no difference yet" in of_database(data, "--metric", "latency_p50", code=2)
    told = of_database(data, "--baseline", "v1", "--candidate", "v3", code=2)
    assert "no window in which both v1 and v3 serve" in told


@pytest.mark.usefixtures("token")
def test_a_service_says_the_same(data: Path, url: str) -> None:
    question = ("--metric", "error_rate", "--margin", "0.01", "--format", "json")
    of_service = command("compare", "fraud", "--url", url, *question, code=1)
    assert json.loads(of_service) == json.loads(of_database(data, *question, code=1))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--metric", "nope"), "nope is no metric of a binary task"),
        (("--margin", "x"), "margin='x' is no number from 0 on"),
        (("--format", "xml"), "--format xml is neither table nor json"),
        (("--baseline", "v1", "--candidate", "v1"), "name two versions"),
    ],
)
def test_a_wrong_question_is_told(data: Path, given: tuple[str, ...], told: str) -> None:
    assert told in of_database(data, *given, code=2)


@pytest.mark.usefixtures("token")
def test_what_cannot_be_asked_is_told(data: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "name it with --monitor" in command("compare", "fraud", "--data", data, code=2)
    other = command("compare", "other", "--data", data, "--monitor", data / "fraud.yaml", code=2)
    assert "no model 'other' in these monitors; there are fraud" in other
    assert "404" in command("compare", "nope", "--url", url, code=2)
    assert "error" in command("compare", "fraud", "--url", "http://127.0.0.1:9", code=2)
    monkeypatch.setenv("MODELWATCH_TOKEN", "wrong")
    assert "401" in command("compare", "fraud", "--url", url, code=2)


def rollout() -> tuple[dict[str, Any], dict[str, str]]:
    """The metric of the docs' AnalysisTemplate, and what it is given: its own values, and the rollout's."""
    template, deployed = yaml.safe_load_all((DOCS / "argo-rollouts.yaml").read_text(encoding="utf-8"))
    given = {one["name"]: one["value"] for one in template["spec"]["args"] if "value" in one}
    step = next(
        one["analysis"] for one in deployed["spec"]["strategy"]["canary"]["steps"] if "analysis" in one
    )
    given |= {one["name"]: one["value"] for one in step["args"]} | {"token": TOKEN}
    metric: dict[str, Any] = template["spec"]["metrics"][0]
    return metric, given | {"baseline": "v1", "candidate": "v2"}


def filled(text: str, given: dict[str, str]) -> str:
    """A template filled in as Argo Rollouts does."""
    for name, value in given.items():
        text = text.replace("{{args." + name + "}}", value)
    assert "{{" not in text
    return text


def test_argo_rollouts_is_told_to_fail(url: str) -> None:
    metric, given = rollout()
    web = metric["provider"]["web"]
    headers = {one["key"]: filled(one["value"], given) for one in web["headers"]}
    answer = httpx.get(filled(web["url"], given).replace(HOST, url), headers=headers)
    assert answer.status_code == 200
    assert web["jsonPath"] == "{$.result}"
    assert metric["failureCondition"] == f'result == "{answer.json()["result"]}"'
    assert httpx.get(filled(web["url"], given).replace(HOST, url)).status_code == 401


def test_flagger_is_halted_and_told_to_roll_back(url: str) -> None:
    canary = yaml.safe_load((DOCS / "flagger.yaml").read_text(encoding="utf-8"))
    found = {}
    for hook in canary["spec"]["analysis"]["webhooks"]:
        address = hook["url"].replace(
            HOST.replace("//", f"//{NAME}"), url.replace("//", f"//modelwatch:{TOKEN}@")
        )
        metadata = hook["metadata"] | {"baseline": "v1", "candidate": "v2"}
        sent = {"name": "fraud", "namespace": "prod", "phase": "Progressing", "metadata": metadata}
        answer = httpx.post(address, json=sent)
        found[hook["type"]] = answer.status_code
        assert len(answer.text) < 1024
        assert answer.json()["reason"].startswith("v2 against v1: roc_auc worse")
        assert answer.json()["windows"]["count"] == 16
    assert found == {"rollout": 412, "confirm-promotion": 412, "rollback": 200}
