"""Inference loggers: events as requests and responses of a model server, sent as CloudEvents over HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from collector.intake import Intake
from collector.sources.inference import Inference
from collector.sources.kserve import KServe
from collector.store.ledger import Ledger
from tests.collector.serving import served
from tests.sources.contract import MODEL, SCHEMAS, Case, Event, Place, at_time

KUBEFLOW = "org.kubeflow.serving.inference."
FEATURES = ("x", "c", "e0", "e1", "region")
LAYOUT: dict[str, Any] = {
    "service": "shop/fraud",
    "model": MODEL,
    "version": ["model_version", "endpoint"],
}
Pair = tuple[Any, Any]


def v1(event: Event) -> Pair:
    """V1 with objects."""
    row = event["features"] | event["tags"]
    return {"instances": [row]}, {"predictions": [event["score"]]}


def v1_lists(event: Event) -> Pair:
    """V1 with lists, and a probability for each class."""
    row = [event["features"]["x"], event["features"]["c"], *event["features"]["e"], event["tags"]["region"]]
    return {"instances": [row]}, {"predictions": [[1 - event["score"], event["score"]]]}


def v2(event: Event) -> Pair:
    """V2: a tensor for each feature, and an output that is no score."""
    given = event["features"]
    inputs = [
        {"name": "x", "shape": [1], "datatype": "FP64", "data": [given["x"]]},
        {"name": "c", "shape": [1, 1], "datatype": "BYTES", "data": [given["c"]]},
        {"name": "e", "shape": [1, 2], "datatype": "FP64", "data": [given["e"]]},
        {"name": "region", "shape": [1], "datatype": "BYTES", "data": [event["tags"]["region"]]},
        {"name": "mask", "shape": [1, 3], "datatype": "BOOL", "data": [True, False, True]},
    ]
    score = event["score"]
    outputs = [
        {"name": "label", "shape": [1], "datatype": "INT64", "data": [int(score >= 0.5)]},
        {"name": "probability", "shape": [1, 2], "datatype": "FP64", "data": [1 - score, score]},
    ]
    return {"inputs": inputs}, {"model_version": "v1", "outputs": outputs}


V2_OUTPUTS = [
    {"name": "probability", "gives": "score", "index": 1},
    {"name": "label", "gives": "prediction"},
]
BODIES: dict[str, tuple[Callable[[Event], Pair], dict[str, Any]]] = {
    "v1": (v1, {}),
    "v1 lists": (v1_lists, {"features": [*FEATURES]}),
    "v2": (v2, {"outputs": V2_OUTPUTS}),
}


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


class Logger(Case):
    """A logger of CloudEvents.

    Args:
        name: of the case.
        bodies: which of `BODIES` it sends.
        mode: `binary` or `structured`.
        seldon: whether it is Seldon's.
    """

    def __init__(self, name: str, bodies: str, mode: str = "binary", *, seldon: bool = False) -> None:
        self.name, self._mode, self._seldon = name, mode, seldon
        self._body, layout = BODIES[bodies]
        self.source = KServe.model_validate({"services": [LAYOUT | layout]})

    def halves(self, event: Event) -> list[dict[str, Any]]:
        """The request and the response, as attributes and data."""
        made = []
        times = (at_time(event), at_time(event) + event["latency_ms"] / 1e3)
        for part, body, when in zip(("request", "response"), self._body(event), times, strict=True):
            identity = {"id": event["id"], "type": f"{KUBEFLOW}{part}", "specversion": "1.0"}
            if self._seldon:
                identity = {"id": f"{event['id']}-{part}", "requestid": event["id"], "specversion": "0.3"}
                identity["type"] = f"io.seldon.serving.inference.{part}"
            attributes = {"source": "http://localhost:9081/", "namespace": "shop", "endpoint": "v1"}
            attributes |= identity | {"inferenceservicename": "fraud", "time": stamp(when)}
            made.append({"attributes": attributes, "data": body})
        return made

    def post(self, client: httpx.Client, half: dict[str, Any], **headers: str) -> httpx.Response:
        """Send one half."""
        if self._mode == "structured":
            data = base64.b64encode(json.dumps(half["data"]).encode()).decode()
            encoded = {"data_base64": data} if hash(data) % 2 else {"data": half["data"]}
            body = half["attributes"] | encoded
            kind = {"Content-Type": "application/cloudevents+json"}
            return client.post("/v1/kserve", content=json.dumps(body), headers=kind | headers)
        named = {f"Ce-{name.capitalize()}": value for name, value in half["attributes"].items()}
        kind = {"Content-Type": "application/json"}
        return client.post("/v1/kserve", content=json.dumps(half["data"]), headers=named | kind | headers)

    @contextmanager
    def serving(self, place: Place) -> Iterator[httpx.Client]:
        """A client of a server with the route."""
        app, intake = FastAPI(), Intake(Ledger(place.database, SCHEMAS))
        app.include_router(self.source.router(intake, place.database, SCHEMAS))
        try:
            with served(app) as address, httpx.Client(base_url=address, timeout=30) as client:
                yield client
        finally:
            intake.close()

    def pair(self, place: Place, later: float = 0.0) -> int:
        """Settle what waits; how many halves that were."""
        pairing, settled = self.source.pairing(place.database, SCHEMAS), 0
        while step := pairing.pair(int((time.time() + later) * 1e6)):
            settled += step
        return settled

    def send(self, place: Place, events: list[Event]) -> None:
        with self.serving(place) as client:
            for event in events:
                for half in self.halves(event):
                    assert self.post(client, half).status_code == 200
        self.pair(place)


class Posted(Case):
    """Requests with their responses, posted together."""

    def __init__(self, name: str, bodies: str, *, lines: bool = False) -> None:
        self.name, self._lines = name, lines
        self._body, layout = BODIES[bodies]
        self._source = Inference.model_validate({"models": {MODEL: layout}})

    def row(self, event: Event) -> dict[str, Any]:
        """The row of one event."""
        request, response = self._body(event)
        given = {name: event[name] for name in ("id", "timestamp", "latency_ms", "status", "version")}
        return given | {"model": MODEL, "request": request, "response": response}

    def post(self, place: Place, rows: list[Any], key: str) -> httpx.Response:
        """Post rows."""
        intake, app = Intake(Ledger(place.database, SCHEMAS)), FastAPI()
        app.include_router(self._source.router(intake, place.database, SCHEMAS))
        kind = "application/x-ndjson" if self._lines else "application/json"
        body = "\n".join(map(json.dumps, rows)) if self._lines else json.dumps(rows)
        try:
            with served(app) as address:
                headers = {"Content-Type": kind, "Idempotency-Key": key}
                return httpx.post(f"{address}/v1/inference", content=body, headers=headers, timeout=30)
        finally:
            intake.close()

    def send(self, place: Place, events: list[Event]) -> None:
        answer = self.post(place, [self.row(event) for event in events], str(time.time_ns()))
        assert answer.status_code == 200, answer.text


LOGGERS = [
    Logger("kserve v1", "v1"),
    Logger("kserve v1 lists", "v1 lists"),
    Logger("kserve v2", "v2"),
    Logger("kserve structured", "v2", "structured"),
    Logger("seldon", "v2", seldon=True),
]
POSTED = [Posted("pairs v1", "v1"), Posted("pairs v2", "v2", lines=True)]
