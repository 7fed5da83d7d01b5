"""The dispatcher: messages arrive at least once, and one that cannot be sent holds up no other."""

from __future__ import annotations

import threading
import time

import pytest

from alerts import tables
from tests.alerts.conftest import Make
from tests.alerts.hooks import Hook, hooked
from tests.alerts.test_rollback import section
from tests.alerts.troubles import Trouble


def paged(make: Make, hook: Hook, **more: object) -> Trouble:
    notifiers = {"pager": {"kind": "webhook", "url": hook.url}, **more}
    return make(notifiers=notifiers)


def states(trouble: Trouble) -> list[tuple[str, str]]:
    return [(row.notifier, row.state) for row in trouble.rows(tables.notifications)]


def test_a_message_says_what_when_where_and_on_which_evidence(make: Make, hook: Hook) -> None:
    trouble = paged(make, hook)
    trouble.judge(drift="b")
    trouble.hurry()
    (asked,) = hook.asked
    body = asked["body"]
    assert asked["headers"]["Idempotency-Key"] == body["id"]
    assert (body["kind"], body["model"], body["severity"]) == ("opened", "m", "warning")
    assert body["url"] == "http://pages/incidents/1"
    assert body["at"] == "1970-04-12T00:00:00Z"
    assert "drift.univariate of x" in body["text"]
    assert body["evidence"][0]["subject"] == "x"
    trouble.hurry()
    assert len(hook.asked) == 1


def test_a_message_is_repeated_with_the_same_id_until_it_arrives(make: Make, hook: Hook) -> None:
    trouble = paged(make, hook)
    trouble.judge(drift="b")
    hook.status = 500
    for _ in range(3):
        trouble.hurry()
    hook.status = 200
    trouble.hurry()
    assert len(hook.asked) == 4
    assert len(set(hook.keys)) == 1
    assert states(trouble) == [("pager", "sent")]


def test_a_message_is_given_up_at_last(make: Make, hook: Hook) -> None:
    trouble = paged(make, hook)
    trouble.judge(drift="b")
    hook.status = 500
    for _ in range(25):
        trouble.hurry()
    assert states(trouble) == [("pager", "failed")]
    assert len(hook.asked) == 20
    assert "500" in trouble.rows(tables.notifications)[0].error


def test_the_waits_grow(make: Make, hook: Hook) -> None:
    trouble = paged(make, hook)
    trouble.judge(drift="b")
    hook.status = 500
    for attempt in range(12):
        wait = min(0.5 * 2**attempt, 300)
        began = time.time()
        trouble.hurry()
        until = trouble.rows(tables.notifications)[0].next_try / 1e6
        assert began + wait - 0.01 <= until <= time.time() + wait


def test_a_message_that_cannot_be_sent_holds_up_no_other(make: Make, hook: Hook) -> None:
    """A stored payload that nobody understands, a notifier that is gone, a host that is not allowed."""
    elsewhere = {"kind": "webhook", "url": "http://10.255.255.1/"}
    trouble = paged(make, hook, elsewhere=elsewhere)
    trouble.judge(drift="b")
    with trouble.database.write() as connection:
        values = {"incident": 1, "model": "m", "kind": "opened", "at": 0, "state": "pending", "attempts": 0}
        values |= {"next_try": 0, "payload": {"what": "is this"}}
        table = tables.notifications
        connection.execute(table.insert(), [values | {"notifier": name} for name in ("pager", "gone")])
        connection.execute(table.update().where(table.c.notifier == "pager", table.c.at > 0).values(id=99))
    trouble.hurry()
    assert dict(states(trouble)) == {"elsewhere": "pending", "gone": "pending", "pager": "sent"}
    assert [row.error for row in trouble.rows(tables.notifications) if row.notifier == "elsewhere"] == [
        "10.255.255.1 is not on the allow-list; start with --allow-host 10.255.255.1"
    ]
    assert len(hook.asked) == 1


def test_a_rollback_does_not_wait_for_messages(make: Make, hook: Hook) -> None:
    with hooked() as undo:
        notifiers = {"pager": {"kind": "webhook", "url": hook.url}}
        trouble = make(**section(undo) | {"notifiers": notifiers})
        trouble.deploy("v1")
        trouble.days(5, drift="o")
        trouble.deploy("v2")
        trouble.judge(drift="b")
        order: list[str] = []
        hook.asked, undo.asked = Logged(order, "pager"), Logged(order, "undo")
        trouble.hurry()
        assert order == ["undo", "pager"]


class Logged(list[dict[str, object]]):
    """A list that notes in another when something is added."""

    def __init__(self, order: list[str], name: str) -> None:
        super().__init__()
        self._order, self._name = order, name

    def append(self, item: dict[str, object]) -> None:
        super().append(item)
        self._order.append(self._name)


def test_the_console_prints_what_no_markup_may_change(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    trouble = make()
    trouble.judge(late=0, **{"[/red]": "b"})
    trouble.hurry()
    printed = capsys.readouterr().err
    assert "OPENED" in printed
    assert "[/red]" in printed
    assert states(trouble) == [("console", "sent")]


def test_it_works_until_it_is_stopped(make: Make, hook: Hook) -> None:
    trouble = paged(make, hook)
    thread = threading.Thread(target=trouble.dispatcher.run, args=(0.01,))
    thread.start()
    trouble.judge(drift="b")
    for _ in range(500):
        if hook.asked:
            break
        time.sleep(0.01)
    trouble.dispatcher.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert len(hook.asked) == 1
