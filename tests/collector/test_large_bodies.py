"""Bodies of 100 MB: refused before they are parsed, and never held."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.collector.collecting import prediction

ROOT = Path(__file__).parents[2]
HUNDRED_MB = 100 * 1024 * 1024
CHUNK = b" " * (1 << 20)


@dataclass
class Process:
    """A collector in a process of its own."""

    pid: int
    url: str

    def peak_mb(self) -> float:
        """The most memory that it has held."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert match
        return int(match[1]) / 1024


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    port = free_port()
    folder = tmp_path_factory.mktemp("data")
    command = [sys.executable, "-m", "tests.collector.standalone", str(folder), str(port)]
    with subprocess.Popen(command, cwd=ROOT) as running:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx.post(f"{url}/v1/events", json=[prediction(1)])
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield Process(running.pid, url)
        running.terminate()


def chunks() -> Iterator[bytes]:
    """100 MB of white space in pieces, behind which JSON might still come."""
    for _ in range(HUNDRED_MB // len(CHUNK)):
        yield CHUNK


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to measure memory")
@pytest.mark.parametrize("path", ["predictions", "labels", "deployments", "events"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_100_mb_is_refused_in_flat_memory(process: Process, path: str, declared: bool) -> None:
    before = process.peak_mb()
    headers = {"Content-Type": "application/json"}
    headers |= {"Content-Length": str(HUNDRED_MB)} if declared else {}
    answer = httpx.post(f"{process.url}/v1/{path}", content=chunks(), headers=headers, timeout=60)
    assert answer.status_code == 413
    error = answer.json()["errors"][0]
    assert str(HUNDRED_MB if declared else 32 * 1024 * 1024) in error["reason"]
    assert "split the batch" in error["fix"]
    assert process.peak_mb() - before < 48


def test_a_declared_length_is_refused_before_the_body_comes(process: Process) -> None:
    host, port = process.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {HUNDRED_MB}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_very_many_tiny_events_are_refused(process: Process) -> None:
    body = b"[" + b"0," * 300_000 + b"0]"
    answer = httpx.post(
        f"{process.url}/v1/events", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert "300001 events" in answer.json()["errors"][0]["reason"]


def test_a_client_that_hangs_up_half_way_harms_nobody(process: Process) -> None:
    host, port = process.url.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            head = "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: 5000\r\n\r\n[".encode())
    answer = httpx.post(f"{process.url}/v1/events", json=[prediction(2)])
    assert answer.json()["accepted"] == 1
