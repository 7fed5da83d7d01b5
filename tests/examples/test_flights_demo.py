from __future__ import annotations

import io
import signal
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from rich.console import Console

from examples.flights.children import STOPPING, Children, DemoError, free_port
from examples.flights.pager import Pager
from examples.flights.summary import Result, show
from examples.flights.workplace import CONFIGURATION, PORTS, Workplace

RELEASE = datetime(2013, 9, 3, 10, tzinfo=UTC)
QUIET = Console(file=io.StringIO(), width=200)
BOOKS = {"source": "http", "model": "flights", "received": 10, "accepted": 8, "duplicate": 1, "rejected": 1}
INCIDENT = {
    "id": 3,
    "model": "flights",
    "rule": "bad-release",
    "severity": "critical",
    "status": "resolved",
    "opened_at": "2013-09-05T00:00:00Z",
    "resolved_at": "2013-09-10T00:00:00Z",
    "resolution": "Rolled back v2 to v1, verified",
    "subjects": [],
}
BEFORE = INCIDENT | {"id": 1, "rule": "other", "opened_at": "2013-06-01T00:00:00Z"}
ACTION = {"id": "a", "incident_id": 3, "kind": "rollback_webhook", "state": "succeeded", "target": "v1"}
BACK = {"model": "flights", "version": "v1", "at": "2013-09-06T03:00:00Z", "by": "modelwatch", "reason": ""}
PAGE = {"id": "p", "incident": 3, "kind": "opened"}
CHECKS = [
    "books balance",
    "incident opened after the release",
    "notification sent",
    "rollback executed",
    "app serves v1 again",
    "recovery verified",
    "incident resolved",
]


def _result(**changed: Any) -> Result:
    status = {
        "models": [],
        "books": [BOOKS],
        "incidents": [INCIDENT, BEFORE],
        "actions": [ACTION],
        "deployments": [BACK],
    }
    app = {"version": changed.pop("version", "v1"), "sdk": {"queued": 0, "dropped": 0}}
    pages = changed.pop("pages", [PAGE])
    return Result(status | changed, pages, app, RELEASE)


def test_when_everything_happened_every_check_passes() -> None:
    result = _result()
    assert [check.name for check in result.checks() if check.passed] == CHECKS
    assert result.settled()
    console = Console(file=io.StringIO(), width=200)
    assert show(result, console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1 d 14 h" in printed
    assert "2 d 17 h" in printed


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"books": [BOOKS | {"accepted": 7}]}, {"books balance"}),
        ({"books": []}, {"books balance"}),
        ({"pages": [PAGE | {"incident": 1}]}, {"notification sent"}),
        ({"version": "v2"}, {"app serves v1 again"}),
        ({"actions": [ACTION | {"state": "verifying"}]}, {"recovery verified"}),
        ({"actions": [ACTION | {"state": "refused"}]}, {"rollback executed", "recovery verified"}),
        ({"actions": []}, {"rollback executed", "recovery verified"}),
        ({"deployments": [BACK | {"by": "release pipeline"}]}, {"rollback executed"}),
        ({"incidents": [INCIDENT | {"status": "open", "resolved_at": None}]}, {"incident resolved"}),
        ({"incidents": [BEFORE]}, set(CHECKS) - {"books balance", "app serves v1 again"}),
    ],
)
def test_what_did_not_happen_is_named(changed: dict[str, Any], missing: set[str]) -> None:
    result = _result(**changed)
    assert {check.name for check in result.checks() if not check.passed} == missing
    assert not result.settled()
    assert not show(result, QUIET)


def test_the_pager_keeps_each_message_once() -> None:
    port = free_port(0)
    message = {
        "id": "m1",
        "kind": "opened",
        "incident": 1,
        "severity": "critical",
        "title": "flights: [wind_speed]",
        "at": "now",
        "text": "",
    }
    with Pager(port, QUIET) as pager:
        for _ in range(2):
            assert httpx.post(f"http://127.0.0.1:{port}/", json=message).is_success
        assert httpx.post(f"http://127.0.0.1:{port}/", content=b"{").status_code == 400
    assert pager.messages == [message]


@pytest.fixture
def _signals() -> Any:
    kept = {name: signal.getsignal(name) for name in STOPPING}
    yield
    for name, handler in kept.items():
        signal.signal(name, handler)


@pytest.mark.usefixtures("_signals")
def test_children_are_stopped_together_and_their_end_is_explained(tmp_path: Path) -> None:
    with Children(tmp_path, {}) as children:
        server = children.start("web server", "http.server", str(port := free_port(0)), "--bind", "127.0.0.1")
        children.ready(server, f"http://127.0.0.1:{port}/")
        broken = children.start("broken one", "no_such_module")
        with pytest.raises(DemoError, match=r"(?s)broken one stopped with exit code 1.*No module named"):
            children.ready(broken, f"http://127.0.0.1:{free_port(0)}/")
        with pytest.raises(DemoError):
            children.check()
    assert server.process.poll() is not None


@pytest.mark.usefixtures("_signals")
def test_a_child_that_ends_well_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text("import time\nprint('one step', flush=True)\ntime.sleep(0.3)\n")
    said: list[str] = []
    with Children(tmp_path, {"PYTHONPATH": str(tmp_path)}) as children:
        children.finished(children.start("steps", "step"), said.append)
        children.check()
    assert set(said) == {"one step"}


@pytest.mark.usefixtures("_signals")
def test_a_child_that_does_not_listen_is_not_waited_for_forever(tmp_path: Path) -> None:
    (tmp_path / "idle.py").write_text("import time\ntime.sleep(60)\n")
    with Children(tmp_path, {"PYTHONPATH": str(tmp_path)}) as children:
        idle = children.start("idle", "idle")
        with pytest.raises(DemoError, match="idle does not answer"):
            children.ready(idle, f"http://127.0.0.1:{free_port(0)}/", seconds=0.3)
        start = time.monotonic()
    assert time.monotonic() - start < 5
    assert idle.process.poll() == -signal.SIGTERM


def test_a_port_that_is_taken_is_not_chosen() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert free_port(taken) != taken
    assert free_port(taken) == taken


def test_the_folder_is_emptied_except_for_the_cache_and_used_once(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    (folder / "cache").mkdir(parents=True)
    (folder / "cache" / "kept").touch()
    (folder / "data").mkdir()
    (folder / "old.log").touch()
    with Workplace(folder) as work:
        assert list(folder.iterdir()) == [work.cache]
        with pytest.raises(DemoError, match="another demo"):
            Workplace(folder).__enter__()
    with Workplace(folder):
        assert (folder / "cache" / "kept").exists()


def test_the_monitor_file_gets_the_ports_and_the_reference(tmp_path: Path) -> None:
    ports = {"modelwatch": 1, "app": 2, "pager": 3}
    with Workplace(tmp_path / "demo") as work:
        text = work.configure(ports).read_text()
        content = yaml.safe_load(text)
        assert content["reference"]["path"] == str(work.models / "reference.parquet")
    assert "127.0.0.1:2/rollback" in text
    assert not any(str(port) in text for port in PORTS.values())
    original = yaml.safe_load(CONFIGURATION.read_text())
    assert list(content) == list(original)
