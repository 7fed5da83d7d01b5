"""Outgoing requests go only where they are allowed to go."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from alerts.egress import Egress, EgressError
from tests.alerts.hooks import Hook, hooked


@contextmanager
def egress(*allowed: str) -> Iterator[Egress]:
    made = Egress(allowed)
    try:
        yield made
    finally:
        made.close()


ALLOWED = [
    ("hooks.example.com", "https://hooks.example.com/x"),
    ("hooks.example.com", "http://HOOKS.Example.com:8080/"),
    ("Hooks.Example.com", "https://hooks.example.com"),
    ("hooks.example.com:443", "https://hooks.example.com/"),
    ("hooks.example.com:80", "http://hooks.example.com/"),
    ("hooks.example.com:8080", "http://hooks.example.com:8080/"),
    ("127.0.0.1", "http://127.0.0.1:9/"),
    ("::1", "http://[::1]:9/"),
    ("[::1]:9", "http://[::1]:9/"),
]
REFUSED = [
    ("hooks.example.com", "https://evil.com/"),
    ("hooks.example.com", "https://hooks.example.com.evil.com/"),
    ("hooks.example.com", "https://evil.com/hooks.example.com"),
    ("hooks.example.com", "https://evil.com?hooks.example.com"),
    ("hooks.example.com", "https://evil.com#@hooks.example.com"),
    ("hooks.example.com", "https://hooks.example.com@evil.com/"),
    ("hooks.example.com", "https://evil.com@hooks.example.com/"),
    ("hooks.example.com", "https://user:pass@hooks.example.com/"),
    ("hooks.example.com", "https://evil.com\\@hooks.example.com/"),
    ("hooks.example.com", "https://hooks.example.com\\.evil.com/"),
    ("hooks.example.com", "https://hooks.example.com%2eevil.com/"),
    ("hooks.example.com", "https://sub.hooks.example.com/"),
    ("hooks.example.com:443", "http://hooks.example.com/"),
    ("hooks.example.com:443", "https://hooks.example.com:8443/"),
    ("hooks.example.com", "ftp://hooks.example.com/"),
    ("hooks.example.com", "file://hooks.example.com/etc/passwd"),
    ("hooks.example.com", "//hooks.example.com/"),
    ("hooks.example.com", "hooks.example.com"),
    ("hooks.example.com", "https://"),
    ("hooks.example.com", ""),
    ("hooks.example.com", "https://hooks.example.com:port/"),
    ("hooks.example.com", "https://hooks.example.com:99999999/"),
    ("hooks.example.com", "https://hooks.example.com/\r\nX: y"),
    ("hooks.example.com", "https://[::1"),
    ("127.0.0.1", "http://2130706433/"),
    ("127.0.0.1", "http://0x7f000001/"),
    ("127.0.0.1", "http://0177.0.0.1/"),
    ("127.0.0.1", "http://127.1/"),
    ("127.0.0.1", "http://localhost/"),
    ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
    ("127.0.0.1", "http://127.0.0.1.nip.io/"),
    ("10.0.0.1", "http://167772161/"),
    ("::1", "http://[::2]/"),
    ("[::1]:9", "http://[::1]:10/"),
    ("", "https:///path"),
]


@pytest.mark.parametrize(("entry", "url"), ALLOWED)
def test_what_is_on_the_list_is_allowed(entry: str, url: str) -> None:
    with egress(entry) as out:
        out.check(url)


@pytest.mark.parametrize(("entry", "url"), REFUSED)
def test_what_is_not_is_refused(entry: str, url: str) -> None:
    with egress(entry) as out, pytest.raises(EgressError):
        out.check(url)
    with egress(entry) as out, pytest.raises(EgressError):
        out.post(url, {}, {})


def test_nothing_is_allowed_by_default() -> None:
    with egress() as out, pytest.raises(EgressError, match=r"--allow-host 127\.0\.0\.1"):
        out.post("http://127.0.0.1:1/", {}, {})


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    with hooked() as elsewhere, egress("127.0.0.1") as out:
        hook.status, hook.headers = 302, {"Location": elsewhere.url}
        with pytest.raises(EgressError, match="answered 302"):
            out.post(hook.url, {}, {})
        assert elsewhere.asked == []


def test_proxies_of_the_environment_are_not_used(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with egress("127.0.0.1") as out:
        assert out.post(hook.url, {"a": 1}, {"X-Test": "yes"}) == "done"
    assert hook.asked[0]["body"] == {"a": 1}
    assert hook.asked[0]["headers"]["X-Test"] == "yes"


def test_a_closed_port_is_an_error() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with egress("127.0.0.1") as out, pytest.raises(EgressError, match="ConnectError"):
        out.post(f"http://127.0.0.1:{port}/", {}, {})


@contextmanager
def raw(answer: bytes, pause: float = 0.0, times: int = 1) -> Iterator[int]:
    """A server that answers with bytes, so many times, with pauses."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                try:
                    for _ in range(times):
                        connection.sendall(answer)
                        time.sleep(pause)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with raw(head + b"x" * 1_000_000, times=50) as port, egress("127.0.0.1") as out:
        assert out.post(f"http://127.0.0.1:{port}/", {}, {}) == "x" * 500


def test_a_slow_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.egress.TIMEOUT", 0.3)
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10
    with raw(answer, pause=0.1, times=20) as port, egress("127.0.0.1") as out:
        began = time.monotonic()
        with pytest.raises(EgressError, match="took longer"):
            out.post(f"http://127.0.0.1:{port}/", {}, {})
        assert time.monotonic() - began < 2


def test_an_answer_that_is_no_http_is_an_error() -> None:
    with raw(b"hello\r\n\r\n") as port, egress("127.0.0.1") as out, pytest.raises(EgressError):
        out.post(f"http://127.0.0.1:{port}/", {}, {})
