"""Secrets come from the environment, and go nowhere but into the request."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from alerts import tables
from alerts.secret import SecretError, bearer, secret
from tests.alerts.conftest import Make
from tests.alerts.hooks import Hook
from tests.alerts.test_rollback import released, section
from tests.alerts.troubles import Trouble

TOKEN = "tok-5f2a9c"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOOK_TOKEN", "HOOK_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_from_the_environment_or_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n", encoding="utf-8")
    monkeypatch.setenv("HOOK_TOKEN_FILE", str(path))
    assert bearer("HOOK_TOKEN") == {"Authorization": f"Bearer {TOKEN}"}
    monkeypatch.setenv("HOOK_TOKEN", "other")
    assert secret("HOOK_TOKEN") == "other"
    assert bearer(None) == {}


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\x00b".replace("\x00", "\x01"), "tökén"])
def test_what_is_no_token_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HOOK_TOKEN", value)
    with pytest.raises(SecretError, match="HOOK_TOKEN") as caught:
        secret("HOOK_TOKEN")
    assert not value.strip() or value not in str(caught.value)


def test_what_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="HOOK_TOKEN is not set"):
        secret("HOOK_TOKEN")
    monkeypatch.setenv("HOOK_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(SecretError, match="cannot be read"):
        secret("HOOK_TOKEN")
    (tmp_path / "empty").touch()
    monkeypatch.setenv("HOOK_TOKEN_FILE", str(tmp_path / "empty"))
    with pytest.raises(SecretError, match="is empty"):
        secret("HOOK_TOKEN")


def everything(trouble: Trouble) -> str:
    """All that is stored, as text."""
    names = (tables.audit, tables.notifications, tables.timeline, tables.incidents, tables.actions)
    return repr([trouble.rows(table) for table in names])


@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_token_is_sent_and_never_repeated(
    make: Make, hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HOOK_TOKEN", TOKEN)
    hook.status, hook.body = status, f'{{"you sent": "Bearer {TOKEN}"}}'.encode()
    pager = {"pager": {"kind": "webhook", "url": f"{hook.url}/hush-hush", "token_env": "HOOK_TOKEN"}}
    trouble = released(make(**section(hook, token_env="HOOK_TOKEN") | {"notifiers": pager}))
    for _ in range(10):
        trouble.hurry()
    assert {one["headers"]["Authorization"] for one in hook.asked} == {f"Bearer {TOKEN}"}
    assert {one["path"] for one in hook.asked} == {"/hook", "/hook/hush-hush"}
    assert TOKEN not in caplog.text
    assert TOKEN not in everything(trouble)
    assert "hush-hush" not in everything(trouble)  # of many services the path is the secret
    assert TOKEN not in repr([one["body"] for one in hook.asked])


def test_a_missing_token_is_a_failure_that_says_so(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, token_env="HOOK_TOKEN")))
    for _ in range(10):
        trouble.hurry()
    assert hook.asked == []
    assert trouble.action().state == "failed"
    assert "HOOK_TOKEN is not set" in trouble.action().note
