"""Files in the data folder that were truncated or scrambled: the service starts, says so, and goes on."""

from __future__ import annotations

import contextlib
import random
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.store.database import Database
from modelwatch.leader import FileLeader
from modelwatch.recovery import damage
from tests.faults.clients import Clients
from tests.faults.finding import Undisturbed
from tests.faults.http_path import prepared, serving
from tests.faults.traffic import Traffic, traffic
from tests.modelwatch.processes import ServiceProcess

DICE = random.Random(11)  # noqa: S311 - no secret
Harm = Callable[[Path], object]


def truncated(path: Path) -> None:
    """Cut it in the middle of a page."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 77)


def headless(path: Path) -> None:
    """Put noise over its beginning."""
    with path.open("r+b") as file:
        file.write(DICE.randbytes(4096))


def scrambled(path: Path) -> None:
    """Put noise over every third page but the first."""
    with path.open("r+b") as file:
        for at in range(4096, path.stat().st_size, 3 * 4096):
            file.seek(at)
            file.write(DICE.randbytes(4096))


def harmed(folder: Path, name: str, harm: Harm, *, clean: bool) -> tuple[Traffic, ServiceProcess, str]:
    """Send, end the service, harm a file, and start again; what the service then said."""
    made = traffic(200, 40, seed=12)
    data = folder / "data"
    prepared(data / "modelwatch.db").close()
    with serving(data / "modelwatch.db", folder) as (service,):
        Clients([service.url], seed=12).send(made.parcels, again=0)
        service.stop() if clean else service.kill()
        harm(data / name)
        said = len(service.log.read_bytes())
        service.start()
        return made, service, service.log.read_bytes()[said:].decode()


def completed(made: Traffic, service: ServiceProcess, folder: Path) -> None:
    """Everything that is sent again under other keys completes what is there."""
    database = service.data / "modelwatch.db"
    with serving(database, folder) as (again,):
        Clients([again.url], seed=13).send([*made.again().parcels], again=0)
        assert again.stop() == 0
    with contextlib.closing(Database(database)) as opened:
        found = Undisturbed.of(made.good).found(opened)
    assert (found.lost, found.twice, found.equal, found.balanced) == (0, 0, True, True)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [truncated, headless, scrambled])
def test_a_damaged_database_is_put_aside_and_told(tmp_path: Path, harm: Harm) -> None:
    _, service, said = harmed(tmp_path, "modelwatch.db", harm, clean=True)
    assert "is damaged" in said
    aside = [path for path in service.data.glob("modelwatch.db.corrupt-*") if path.suffix != ".log"]
    assert aside, "nothing was kept"
    assert "corrupt-" in said


@pytest.mark.slow
@pytest.mark.parametrize("harm", [truncated, headless, scrambled])
@pytest.mark.parametrize("name", ["modelwatch.db-wal", "modelwatch.db-shm"])
def test_a_damaged_journal_leaves_whole_transactions(tmp_path: Path, name: str, harm: Harm) -> None:
    made, service, _ = harmed(tmp_path, name, harm, clean=False)
    completed(made, service, tmp_path)


@pytest.mark.slow
def test_a_lock_file_that_is_noise_keeps_nobody_out(tmp_path: Path) -> None:
    made, service, _ = harmed(
        tmp_path, "owner.lock", lambda path: path.write_bytes(b"noise" * 999), clean=True
    )
    completed(made, service, tmp_path)


def test_who_finds_noise_in_the_lock_file_leads_and_keeps_others_out(tmp_path: Path) -> None:
    (tmp_path / "owner.lock").write_bytes(b"noise" * 999)
    one, other = FileLeader(tmp_path), FileLeader(tmp_path)
    assert one.lead()
    assert not other.lead()
    one.close()
    assert other.lead()
    other.close()


def test_a_healthy_file_on_a_disk_that_takes_nothing_is_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "modelwatch.db"
    prepared(path).close()
    free = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, free[1]))
    try:
        found = damage(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, free)
    assert found is None
    scrambled(path)
    assert damage(path) is not None
