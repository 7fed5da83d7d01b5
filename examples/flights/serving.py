"""What the serving app does: scores flights one by one, logs them to Modelwatch, switches versions."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from datetime import datetime

from fastapi import HTTPException
from modelwatch_sdk import Monitor

from examples.flights.features import PREPARE
from examples.flights.model import Model
from examples.flights.wire import Flight, Rollback

NAME = "flights"
FULL = 20_000  # events that wait in the SDK: a fifth of its queue
PATIENCE = 2.0
KEYS_KEPT = 1000


class Serving:
    """The models, which of them serves, and the event time.

    Everything here runs in the event loop, so nothing needs a lock.

    Args:
        models: by version.
        monitor: where predictions go.
        version: the version that serves first.
    """

    def __init__(self, models: dict[str, Model], monitor: Monitor, version: str) -> None:
        self.models, self.monitor, self.version = models, monitor, version
        self.now: datetime | None = None
        self._answers: OrderedDict[str, dict[str, str]] = OrderedDict()

    def predict(self, flight: Flight) -> float:
        """Scores one flight, and logs the features as they were really fed to the model."""
        raw = dict(flight)
        identity, when = raw.pop("prediction_id"), raw.pop("ts")
        served = self.models[self.version]
        start = time.perf_counter()
        features = PREPARE[self.version](raw)
        score = served.score(features)
        taken = (time.perf_counter() - start) * 1000
        late = int(score >= served.threshold)
        self.monitor.log(
            features, late, score=score, latency_ms=taken, status=200, id=identity, timestamp=when
        )
        self.now = when if self.now is None else max(self.now, when)
        return score

    def switch(self, version: str, by: str, reason: str, at: datetime | None) -> dict[str, str]:
        """Serves another version from now on."""
        if version not in self.models:
            raise HTTPException(404, f"there is no version {version!r}; there are {sorted(self.models)}")
        self.version = version
        self.monitor.deployment(version, by=by, reason=reason, timestamp=at)
        return {"version": version}

    def roll_back(self, order: Rollback, key: str) -> dict[str, str]:
        """Does what an order says, once: the same key again gets the same answer."""
        if key in self._answers:
            return self._answers[key]
        if order.model != NAME:
            raise HTTPException(404, f"there is no model {order.model!r}; this app serves {NAME!r}")
        if self.version not in {order.from_version, order.to_version}:
            # Somebody released something else meanwhile: the order is about a version that no longer serves.
            raise HTTPException(409, f"{self.version} serves, not {order.from_version}")
        if self.version == order.to_version:
            answer = {"version": self.version}  # somebody was faster; it was logged then
        else:
            answer = self.switch(order.to_version, "modelwatch", order.reason, self.now)
        self._answers[key] = answer
        if len(self._answers) > KEYS_KEPT:
            self._answers.popitem(last=False)
        return answer

    async def has_room(self) -> bool:
        """Waits a moment for the SDK's queue, so that nothing of a fast replay is dropped."""
        deadline = time.monotonic() + PATIENCE
        while self.monitor.stats().queued > FULL:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True
