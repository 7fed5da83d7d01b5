"""A full disk: what is not stored is not acknowledged, and there is more when there is room again."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import httpx
import pytest

from collector.store.database import Database
from tests.faults.clients import Clients
from tests.faults.filling import Filling, filled, limited, may_mount, small_disk
from tests.faults.finding import Undisturbed
from tests.faults.http_path import prepared, serving
from tests.faults.traffic import traffic
from tests.modelwatch.processes import ServiceProcess

LATER = {"503", "507"}


def through_a_full_disk(service: ServiceProcess, filling: Filling) -> None:
    """Send a third before the disk is full, see how much of the next gets in, then send all."""
    made = traffic(300, 40, seed=3)
    third = len(made.parcels) // 3
    clients = Clients([service.url], seed=3, number=2)
    clients.send(made.parcels[:third], again=0)
    with filling(), httpx.Client(timeout=60) as client:
        taken = [clients.attempt(client, parcel) for parcel in made.parcels[third : 2 * third]]
        pages = [client.get(f"{service.url}{path}").status_code for path in ("/healthz", "/metrics", "/")]
    assert not taken[-1], "the disk was not full"
    assert set(clients.seen) <= {"200", "422", "replayed"} | LATER, clients.seen
    assert pages == [200, 200, 200]
    acknowledged = [*made.parcels[:third]]
    acknowledged += [one for one, done in zip(made.parcels[third:], taken, strict=False) if done]
    undisturbed = Undisturbed.of(made.good)
    with contextlib.closing(Database(service.data / "modelwatch.db")) as database:
        assert undisturbed.found(database).received == sum(len(one.lines) for one in acknowledged)
        clients.send(made.parcels[third:])
        final = undisturbed.found(database)
    assert final.faults(len(made.good), made.bad) == []
    assert service.process is not None
    assert service.process.poll() is None
    assert service.stop() == 0


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepared(data / "modelwatch.db").close()
    with serving(data / "modelwatch.db", tmp_path) as (service,):
        assert service.process is not None
        process = service.process.pid
        through_a_full_disk(service, lambda: limited(process, data / "modelwatch.db-wal"))


@pytest.mark.slow
@pytest.mark.skipif(not may_mount(), reason="mounting needs root")
def test_a_disk_without_space(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with small_disk(data):
        prepared(data / "modelwatch.db").close()
        with serving(data / "modelwatch.db", tmp_path) as (service,):
            through_a_full_disk(service, lambda: filled(data))


@pytest.mark.slow
@pytest.mark.skipif(not may_mount(), reason="mounting needs root")
@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
def test_a_start_on_a_full_disk_takes_nothing_for_damage(tmp_path: Path, clean: bool) -> None:
    data = tmp_path / "data"
    made = traffic(300, 40, seed=4)
    with small_disk(data):
        prepared(data / "modelwatch.db").close()
        with serving(data / "modelwatch.db", tmp_path) as (service,):
            clients = Clients([service.url], seed=4, number=2)
            clients.send(made.parcels)
            service.stop() if clean else service.kill()
            with filled(data):
                service.start(wait=False)
                assert service.process is not None
                with contextlib.suppress(subprocess.TimeoutExpired):
                    service.process.wait(40)
                if service.process.poll() is None:
                    service.kill()
            service.start()
            clients.send(made.parcels[:5])
            assert service.stop() == 0
        assert not list(data.glob("*corrupt*")), service.log.read_text(encoding="utf-8")
        with contextlib.closing(Database(data / "modelwatch.db")) as database:
            assert Undisturbed.of(made.good).found(database).faults(len(made.good), made.bad) == []
