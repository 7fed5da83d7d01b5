"""Who may talk to the service."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from modelwatch.service import Service, Settings
from tests.collector.serving import served
from tests.modelwatch.flows import Workplace
from tests.modelwatch.processes import command

TOKEN = "s3cret-token"
PATHS = ["/", "/metrics", "/v1/events", "/nothing", "/docs", "/openapi.json", "//healthz", "/healthz/x"]


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = Workplace(tmp_path_factory.mktemp("access"))
    settings = Settings(place.folder / "data", "http://pages", token=TOKEN)
    with served(Service(settings, [place.monitor()]).app) as address:
        yield address


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer  {TOKEN}",
        f"Token {TOKEN}",
        TOKEN,
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(TOKEN.encode()).decode(),
        basic(TOKEN, ""),
        basic("anyone", "wrong"),
        basic("anyone", TOKEN) + "=",
    ],
    ids=range(15),
)
def test_without_the_token_nothing_is_answered(url: str, path: str, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    answer = httpx.post(url + path, json=[], headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert TOKEN not in answer.text
    assert httpx.get(url + path, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "given", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic("anyone", TOKEN), basic("", TOKEN)]
)
def test_with_the_token_everything_is(url: str, given: str) -> None:
    headers = {"Authorization": given}
    assert httpx.post(f"{url}/v1/events", json=[], headers=headers).status_code == 200
    assert httpx.get(f"{url}/metrics", headers=headers).status_code == 200
    assert httpx.get(f"{url}/", headers=headers, follow_redirects=True).status_code == 200


def test_health_needs_no_token_and_tells_nothing(url: str) -> None:
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])  # noqa: S104 - refused
def test_an_open_host_needs_a_token(workplace: Workplace, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODELWATCH_TOKEN", "MODELWATCH_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    workplace.monitor()
    arguments = [
        "--monitor",
        str(workplace.folder / "monitor.yaml"),
        "--data",
        str(workplace.folder / "data"),
    ]
    assert "set MODELWATCH_TOKEN" in command("serve", *arguments, "--host", host, code=2)
    assert not (workplace.folder / "data").exists()


@pytest.mark.parametrize(
    "environment",
    [{"MODELWATCH_TOKEN": ""}, {"MODELWATCH_TOKEN_FILE": "/nowhere"}, {"MODELWATCH_TOKEN_FILE": "/dev/null"}],
    ids=["empty", "no file", "empty file"],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - refused
def test_a_token_that_is_meant_but_missing_is_an_error(
    workplace: Workplace, environment: dict[str, str], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.monitor()
    arguments = [
        "--monitor",
        str(workplace.folder / "monitor.yaml"),
        "--data",
        str(workplace.folder / "data"),
    ]
    for name in ("MODELWATCH_TOKEN", "MODELWATCH_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "MODELWATCH_TOKEN" in command("serve", *arguments, "--host", host, code=2)


def test_a_token_from_a_file_is_asked_for(tmp_path: Path, workplace: Workplace) -> None:
    settings = Settings(tmp_path / "other", "http://pages", token="ü")
    with served(Service(settings, [workplace.monitor()]).app) as address:
        assert httpx.post(f"{address}/v1/events", json=[]).status_code == 401
