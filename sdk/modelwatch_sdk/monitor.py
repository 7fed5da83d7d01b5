"""The `Monitor`: all that a serving app sees."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from modelwatch_sdk import lifecycle
from modelwatch_sdk.core import Core
from modelwatch_sdk.options import (
    BATCH_SIZE,
    ENDPOINT,
    FLUSH_INTERVAL,
    MAX_QUEUE,
    SPOOL_LIMIT,
    TIMEOUT,
    checked,
)
from modelwatch_sdk.report import Complaints
from modelwatch_sdk.stats import Stats
from modelwatch_sdk.wire import Deployment, Label, Prediction

_FLUSH_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 5.0
_MOST_TIMEOUT = 1e6


class Monitor:
    """Logs one model's predictions, labels and deployments.

    No method waits for the network (except `flush` and `close`, as long as they are told), and none raises:
    what cannot be logged is counted in `stats` and reported through `logging`, at most once a minute.
    All methods may be called from any thread, and after a fork.

    Args:
        model: The model's name, as in the collector's monitor file.
        version: The version that serves now; `deployment` changes it.
        endpoint: The collector's base URL.
        token: Bearer token; None reads the environment variable MODELWATCH_TOKEN.
        max_queue: How many events may wait in memory, beside the batch that is being sent.
        batch_size: The most events in a request.
        flush_interval: Seconds for which events gather before they are sent.
        timeout: Seconds for each step of a request (connect, send, answer).
        spool: A folder for what the queue has no room for in an outage; None: the newest events are dropped.
        spool_limit: The most bytes in that folder.

    >>> from modelwatch_sdk.testing import FakeCollector
    >>> with FakeCollector() as collector:
    ...     with Monitor("flights", version="v1", endpoint=collector.url) as monitor:
    ...         id = monitor.log({"distance": 733}, prediction=1, score=0.91, latency_ms=8.5)
    ...         monitor.label(id, 0)
    ...     [event["kind"] for event in collector.events]
    ['prediction', 'label']
    """

    def __init__(
        self,
        model: str,
        version: str | None = None,
        endpoint: str = ENDPOINT,
        *,
        token: str | None = None,
        max_queue: int = MAX_QUEUE,
        batch_size: int = BATCH_SIZE,
        flush_interval: float = FLUSH_INTERVAL,
        timeout: float = TIMEOUT,
        spool: str | Path | None = None,
        spool_limit: int = SPOOL_LIMIT,
    ) -> None:
        complaints = Complaints()
        given = {
            "endpoint": endpoint,
            "token": token,
            "max_queue": max_queue,
            "batch_size": batch_size,
            "flush_interval": flush_interval,
            "timeout": timeout,
            "spool": spool,
            "spool_limit": spool_limit,
        }
        self._options = checked(complaints, model, given)
        self._model = self._options.model
        self._version = version
        self._core = Core(self._options, complaints)
        lifecycle.opened(self)
        if self._options.spool is not None:
            self._core.start()  # an earlier process may have left something to send

    def log(  # noqa: PLR0917 - the wire's fields, in the order of their use
        self,
        features: Mapping[str, Any],
        prediction: Any = None,
        score: float | None = None,
        latency_ms: float | None = None,
        id: str | None = None,
        status: int | str | None = None,
        tags: Mapping[str, Any] | None = None,
        timestamp: float | datetime | None = None,
        version: str | None = None,
        scores: Mapping[Any, float] | None = None,
    ) -> str:
        """Logs one prediction, in a few microseconds.

        Args:
            features: The model's inputs by name. Copied, one level deep. NaN and infinities count as missing.
            prediction: What the model said; None where `score` or `scores` say it.
            score: Its score, if it has one.
            latency_ms: How long it took, in milliseconds.
            id: The prediction's id, for its label later; None makes one.
            status: An HTTP code, or "ok" or anything else.
            tags: Further columns, such as segments.
            timestamp: When it was served: epoch seconds or a datetime (without a zone: UTC); None: now.
            version: The version that served it, where that is not the current one.
            scores: The probability of each class, of a model with several: {"cat": 0.7, "dog": 0.3}.

        Returns:
            The prediction's id, even if the event could not be logged.

        >>> with Monitor("flights", endpoint="http://127.0.0.1:1") as monitor:
        ...     monitor.log("no mapping", None, id="42"), monitor.stats().dropped
        ('42', 1)
        """
        name = ""
        try:
            name = _new_id() if id is None else id if type(id) is str else str(id)
            self._core.put(
                Prediction(
                    self._model,
                    self._version if version is None else version,
                    name,
                    time.time() if timestamp is None else timestamp,
                    dict(features),
                    prediction,
                    score,
                    latency_ms,
                    status,
                    None if tags is None else dict(tags),
                    None if scores is None else dict(scores),
                )
            )
        except Exception as error:  # noqa: BLE001 - the promise
            self._refuse("log", error)
        return name or _new_id()

    def label(self, id: str, value: Any, timestamp: float | datetime | None = None) -> None:
        """Logs the truth about an earlier prediction.

        Args:
            id: What `log` returned.
            value: The label.
            timestamp: When it became known; as in `log`.
        """
        try:
            self._put(Label(self._model, _given(id, "id"), value, timestamp))
        except Exception as error:  # noqa: BLE001 - the promise
            self._refuse("label", error)

    def deployment(
        self,
        version: str,
        by: str | None = None,
        reason: str | None = None,
        timestamp: float | datetime | None = None,
    ) -> None:
        """Logs that a version serves from now on; later `log` calls carry it.

        Args:
            version: The version.
            by: Who deployed it.
            reason: Why.
            timestamp: When; as in `log`.

        >>> from modelwatch_sdk.testing import FakeCollector
        >>> with FakeCollector() as collector:
        ...     with Monitor("flights", version="v1", endpoint=collector.url) as monitor:
        ...         monitor.deployment("v2", by="ci")
        ...         _ = monitor.log({"distance": 733}, prediction=1)
        ...     [event["version"] for event in collector.events]
        ['v2', 'v2']
        """
        try:
            self._version = _given(version, "version")
            self._put(Deployment(self._model, self._version, by, reason, timestamp))
        except Exception as error:  # noqa: BLE001 - the promise
            self._refuse("deployment", error)

    def flush(self, timeout: float = _FLUSH_TIMEOUT) -> bool:
        """Waits until the collector has answered for all that was logged, and that earlier processes left.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether it has.
        """
        return self._core.flush(_seconds(timeout, _FLUSH_TIMEOUT))

    def close(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Flushes, and ends the monitor; later events are dropped and counted. Happens by itself at exit.

        What the collector has not answered for in time goes to the spool, which takes as long as the disk
        takes (about a second for 100,000 events); without a spool it is dropped and counted.

        Args:
            timeout: Seconds to wait at most for the collector.

        Returns:
            Whether the collector has answered for everything.
        """
        lifecycle.closed(self)
        return self._core.close(_seconds(timeout, _CLOSE_TIMEOUT))

    def stats(self) -> Stats:
        """What became of the events of this process so far."""
        return self._core.stats()

    def __enter__(self) -> Monitor:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Monitor({self._model!r}, version={self._version!r})"

    def restart_in_child(self) -> None:
        """Starts over in a forked child: queue, threads and connection are the parent's. Not for apps."""
        parents = self._core
        self._core = Core(self._options, Complaints())
        parents.discard()

    def _put(self, event: Label | Deployment) -> None:
        self._core.put(event if event.timestamp is not None else event._replace(timestamp=time.time()))

    def _refuse(self, method: str, error: Exception) -> None:
        try:
            why = f"{type(error).__name__}: {error}"
        except Exception:  # noqa: BLE001 - the app's own exceptions may fail even at this
            why = type(error).__name__
        self._core.refuse("argument", f"{method}() was called with something that it cannot log: {why}")


def _new_id() -> str:
    # What uuid.uuid4().hex gives, at little more than half the price.
    digits = os.urandom(16).hex()
    return f"{digits[:12]}4{digits[13:16]}{'89ab'[int(digits[16], 16) & 3]}{digits[17:]}"


def _given(value: Any, name: str) -> str:
    if value is None:
        raise TypeError(f"{name} is None")
    return str(value)


def _seconds(timeout: Any, default: float) -> float:
    if isinstance(timeout, (int, float)) and timeout >= 0:
        return min(float(timeout), _MOST_TIMEOUT)
    return default
