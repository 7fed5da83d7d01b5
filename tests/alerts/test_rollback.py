"""The rollback: a state machine over a real HTTP hook."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from alerts import tables
from alerts.audit import first_broken
from alerts.remediation import approve
from tests.alerts.conftest import Make
from tests.alerts.hooks import Hook
from tests.alerts.troubles import DAY, Trouble


def section(hook: Hook, **action: Any) -> dict[str, Any]:
    undo = {"kind": "rollback_webhook", "url": hook.url, "verify": {"windows": 2, "within": "7d"}}
    return {
        "rules": [{"name": "release", "after_deployment": "3d", "actions": ["undo"]}],
        "actions": {"undo": undo | action},
    }


@pytest.fixture
def trouble(make: Make, hook: Hook) -> Trouble:
    """v1, then v2, which is bad."""
    made = make(**section(hook))
    return released(made)


def released(made: Trouble) -> Trouble:
    made.deploy("v1")
    made.days(5, drift="o")
    made.deploy("v2")
    made.judge(drift="b", latency="b")
    return made


def test_a_rollback_that_helps(trouble: Trouble, hook: Hook) -> None:
    action = trouble.action()
    assert (action.state, action.from_version, action.to_version) == ("proposed", "v2", "v1")
    assert hook.asked == []
    trouble.hurry()
    assert trouble.action().state == "verifying"
    (asked,) = hook.asked
    assert asked["headers"]["Idempotency-Key"] == action.id
    assert asked["body"] == {
        "action": "rollback",
        "id": action.id,
        "model": "m",
        "from_version": "v2",
        "to_version": "v1",
        "incident": 1,
        "reason": "incident 1: drift.univariate of x, latency.p99",
    }
    trouble.deploy("v1", by="modelwatch", at=trouble.day + 0.5)
    trouble.judge(drift="b", latency="b")  # still half of it was v2
    trouble.judge(drift="o", latency="o")
    assert trouble.action().state == "verifying"
    trouble.judge(drift="o", latency="o")
    assert trouble.action().state == "succeeded"
    assert trouble.incidents() == [("release", "resolved")]
    (incident,) = trouble.rows(tables.incidents)
    assert incident.resolution.startswith("Rolled back v2 to v1, verified")
    assert trouble.told() == ["opened", "resolved"]
    kinds = [row.kind for row in trouble.rows(tables.timeline)]
    assert kinds == ["opened", "proposed", "executed", "succeeded", "resolved"]
    trouble.hurry()
    assert len(hook.asked) == 1


def test_recovery_before_the_rollback_served_does_not_count(trouble: Trouble) -> None:
    trouble.hurry()
    trouble.deploy("v1", by="modelwatch", at=trouble.day + 3)
    trouble.days(3, drift="o", latency="o")
    assert trouble.action().state == "verifying"
    trouble.days(2, drift="o", latency="o")
    assert trouble.action().state == "succeeded"


def test_an_incident_waits_for_its_action(trouble: Trouble) -> None:
    trouble.days(4, drift="o", latency="o")
    assert trouble.action().state == "proposed"
    assert trouble.incidents() == [("release", "open")]


def test_a_rollback_that_does_not_help_escalates_at_the_deadline(trouble: Trouble) -> None:
    trouble.hurry()
    trouble.deploy("v1", by="modelwatch")
    trouble.days(7, drift="o", latency="b")
    assert trouble.action().state == "verifying"
    trouble.judge(drift="o", latency="b")
    action = trouble.action()
    assert action.state == "escalated"
    assert "latency.p99" in action.note
    assert "drift" not in action.note
    assert trouble.told() == ["opened", "escalated"]
    assert trouble.incidents() == [("release", "open")]
    trouble.days(2, drift="o", latency="o")
    assert trouble.incidents() == [("release", "resolved")]
    (incident,) = trouble.rows(tables.incidents)
    assert "verified" not in incident.resolution


def test_no_verdicts_at_all_after_it_escalate_too(trouble: Trouble) -> None:
    trouble.hurry()
    trouble.days(9, drift="i", latency="i")
    assert trouble.action().state == "escalated"


def test_a_hook_that_is_down_is_tried_again_with_the_same_id_then_people_are_told(
    trouble: Trouble, hook: Hook
) -> None:
    hook.status, hook.body = 503, b"not now"
    waits = []
    for _ in range(20):
        trouble.hurry()
        waits.append(trouble.action().next_try)
    action = trouble.action()
    assert action.state == "failed"
    assert len(hook.asked) == action.attempts == 8
    assert set(hook.keys) == {action.id}
    assert "503" in action.note
    assert trouble.told() == ["opened", "escalated"]
    assert "failed" in trouble.rows(tables.notifications)[-1].payload["text"]
    trouble.days(2, drift="o", latency="o")
    assert trouble.incidents() == [("release", "resolved")]


def test_a_hook_that_comes_back_is_used(trouble: Trouble, hook: Hook) -> None:
    hook.status = 500
    trouble.hurry()
    trouble.hurry()
    trouble.dispatcher.once()  # not due yet
    assert len(hook.asked) == 2
    hook.status = 200
    trouble.hurry()
    assert trouble.action().state == "verifying"
    assert len(set(hook.keys)) == 1


def test_a_crash_between_the_side_effect_and_its_record_repeats_the_same_id(
    trouble: Trouble, hook: Hook, make: Make
) -> None:

    def crash(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("UPDATE actions") and "verifying" in str(values):
            raise RuntimeError("crash")

    sa.event.listen(trouble.database.engine, "before_cursor_execute", crash)
    with pytest.raises(RuntimeError, match="crash"):
        trouble.hurry()
    assert trouble.action().state == "executing"
    sa.event.remove(trouble.database.engine, "before_cursor_execute", crash)
    again = make(**section(hook))
    again.hurry()
    assert again.action().state == "verifying"
    assert hook.keys == [again.action().id] * 2


def test_the_deadline_counts_from_the_execution(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, approval=True)))
    trouble.days(9, drift="b", latency="b")
    with trouble.database.write() as connection:
        assert approve(connection, trouble.action().id, "ann")
    trouble.hurry()
    trouble.deploy("v1", by="modelwatch")
    trouble.days(2, drift="o", latency="o")
    assert trouble.action().state == "succeeded"
    assert trouble.action().deadline == trouble.action().executed_at + 7 * DAY


def test_every_step_is_in_the_audit_log(trouble: Trouble) -> None:
    trouble.hurry()
    trouble.deploy("v1", by="modelwatch")
    trouble.days(2, drift="o", latency="o")
    steps = [(row.actor, row.action) for row in trouble.rows(tables.audit)]
    wanted = ["open", "proposed", "execute", "executed", "succeeded", "resolve"]
    assert steps == [("modelwatch", step) for step in wanted]
    with trouble.database.read() as connection:
        assert first_broken(connection) is None
