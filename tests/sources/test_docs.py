"""The examples of docs/sources.md do what they say."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import yaml
from fastapi import FastAPI

from collector.intake import Intake
from collector.schema import Schema
from collector.sources.catalog import load_source
from collector.sources.inference import Inference
from collector.sources.kserve import KServe
from collector.sources.layout import load_layout
from collector.store.ledger import Ledger
from tests.collector.collecting import book, counted, open_database
from tests.collector.serving import served

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(PAIR,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def block(start: str) -> str:
    """The one YAML block that holds a text."""
    (found,) = [one for one in YAML if start in one]
    return str(found)


def test_the_examples(tmp_path: Path) -> None:
    schema = Schema.model_validate(yaml.safe_load(block("# fraud.yaml")))
    (tmp_path / "kserve.yaml").write_text(block("# kserve.yaml"))
    (tmp_path / "inference.yaml").write_text(block("kind: inference"))
    (tmp_path / "layout.yaml").write_text(block("# layout.yaml"))
    assert load_layout(tmp_path / "layout.yaml").outputs[0].index == 1
    kserve, inference = load_source(tmp_path / "kserve.yaml"), load_source(tmp_path / "inference.yaml")
    assert isinstance(kserve, KServe)
    assert isinstance(inference, Inference)
    schemas, database = {schema.model: schema}, open_database(tmp_path / "modelwatch.db")
    intake, app = Intake(Ledger(database, schemas)), FastAPI()
    for source in (kserve, inference):
        app.include_router(source.router(intake, database, schemas))
    with served(app) as address, httpx.Client(base_url=address) as client:
        answer = client.post("/v1/inference", json=json.loads(PAIR)).json()
        assert (answer["accepted"], answer["rejected"]) == (2, 0)
        bodies: dict[str, Any] = {
            part: json.loads(body) for part, body in re.findall(r"(request|response):'(.*?)'", PAGE)
        }
        headers = dict(re.findall(r'-H "(Ce-[A-Za-z]+): ([^$"]+)"', PAGE))
        for part in ("request", "response"):
            kind = {"Ce-Type": f"org.kubeflow.serving.inference.{part}"}
            assert client.post("/v1/kserve", json=bodies[part], headers=headers | kind).status_code == 200
    intake.close()
    assert kserve.pairing(database, schemas).pair(time.time_ns() // 1000) == 2
    assert book(database, "fraud") == (3, 3, 0, 0)
    assert {key.version for key in counted(database, "fraud")} == {"7", "unknown"}
    database.close()
