"""Predictions with 20 numeric and 5 categorical features, and a collector to send them to."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from collector.schema import Schema

NUMERIC, CATEGORICAL = 20, 5
WORDS = np.array(list("abcdefgh"))
START, HOURS = 1_714_521_600, 24
ARROW, JSON = "application/vnd.apache.arrow.stream", "application/json"
FEATURES = {f"x{i}": "numeric" for i in range(NUMERIC)} | {f"c{i}": "categorical" for i in range(CATEGORICAL)}
SCHEMA = Schema.model_validate({"model": "bench", "task": "binary", "features": FEATURES, "window": "1h"})
PATIENCE = 60.0


def batch(rows: int, number: int, of: int = 1) -> Any:
    """Batch `number` of `of` that fill a day, as an Arrow record batch; all ids differ."""
    draw = np.random.default_rng(number)
    length = HOURS * 3600 / of
    moments = START + (number % of) * length + np.sort(draw.random(rows)) * length
    columns: dict[str, Any] = {
        "id": pa.array([f"{number:06d}-{row:010d}" for row in range(rows)]),
        "timestamp": pa.array((moments * 1e6).astype("datetime64[us]")),
        "version": pa.array(["v1"]).take(pa.array(np.zeros(rows, np.int64))).dictionary_encode(),
        "score": draw.random(rows),
        "latency_ms": draw.lognormal(3, 0.5, rows),
        "status": np.full(rows, 200),
    }
    columns |= {f"x{i}": draw.normal(i, 1 + i, rows) for i in range(NUMERIC)}
    for i in range(CATEGORICAL):
        codes = pa.array(draw.integers(0, WORDS.size, rows).astype(np.int32))
        columns[f"c{i}"] = pa.DictionaryArray.from_arrays(codes, pa.array(WORDS.tolist()))
    return pa.RecordBatch.from_pydict(columns)


def stream(record: Any) -> bytes:
    """A record batch as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, record.schema.with_metadata({"model": SCHEMA.model})) as writer:
        writer.write_batch(record)
    return bytes(sink.getvalue())


def events(record: Any) -> list[dict[str, Any]]:
    """The rows of a record batch as events on the wire."""
    made = []
    for row in record.to_pylist():
        features = {name: row.pop(name) for name in FEATURES}
        when = row.pop("timestamp").timestamp()
        made.append(
            {"kind": "prediction", "model": SCHEMA.model, **row, "timestamp": when, "features": features}
        )
    return made


def array(record: Any) -> bytes:
    """A record batch as a JSON array of events."""
    return json.dumps(events(record)).encode()


def cpu_of(process: int) -> float:
    """The CPU seconds, user and system, of a process (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Process:
    """A `modelwatch` process, and a client of it."""

    process: subprocess.Popen[bytes]
    client: httpx.Client

    def cpu(self) -> float:
        """The CPU seconds that the process has used."""
        return cpu_of(self.process.pid)

    def peak(self) -> float:
        """The largest resident memory so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def post(self, body: bytes, kind: str) -> int:
        """Send a batch of predictions; returns how many were accepted, once they are durable."""
        answer = self.client.post("/v1/predictions", content=body, headers={"Content-Type": kind})
        answer.raise_for_status()
        return int(answer.json()["accepted"])


@contextmanager
def running(command: str, folder: Path, **settings: Any) -> Iterator[Process]:
    """Run `serve` or `evaluate` with the monitor of this traffic; settings are the monitor's."""
    monitor = folder / "monitor.yaml"
    said = {"model": SCHEMA.model, "task": "binary", "features": FEATURES, "window": "1h", **settings}
    monitor.write_text(json.dumps(said), encoding="utf-8")  # JSON is YAML
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "modelwatch", command, "--monitor", str(monitor)]
    words += ["--data", str(folder / "data"), "--port", str(port)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
                _wait(process, client, leads=command == "evaluate")
                yield Process(process, client)
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], client: httpx.Client, *, leads: bool) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if "modelwatch_leader 1.0" in client.get("/metrics").text or not leads:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the process did not start")


def machine() -> str:
    """The CPU's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
