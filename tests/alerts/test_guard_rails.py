"""The guard-rails: what must not be rolled back is not, and it is said why."""

from __future__ import annotations

import pytest

from alerts import tables
from alerts.remediation import approve
from collector.store.tables import profiles
from tests.alerts.conftest import Make
from tests.alerts.hooks import Hook
from tests.alerts.test_rollback import released, section
from tests.alerts.troubles import DAY, Trouble


@pytest.fixture
def plain(make: Make, hook: Hook) -> Trouble:
    return make(**section(hook))


def refused(trouble: Trouble, hook: Hook) -> str:
    """Why the last action was refused."""
    trouble.hurry()
    assert hook.asked == []
    action = trouble.rows(tables.actions)[-1]
    assert (action.state, action.finished_at) == ("refused", action.proposed_at)
    assert action.note in trouble.rows(tables.timeline)[-1].text
    return str(action.note)


def test_a_dry_run_decides_and_does_nothing(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, dry_run=True)))
    trouble.hurry()
    assert (trouble.action().state, hook.asked) == ("dry-run", [])
    assert "roll back v2 to v1" in trouble.rows(tables.timeline)[-1].text
    trouble.days(2, drift="o", latency="o")
    assert trouble.incidents() == [("release", "resolved")]


def test_approval_is_waited_for(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, approval=True)))
    trouble.hurry()
    assert (trouble.action().state, hook.asked) == ("awaiting", [])
    with trouble.database.write() as connection:
        assert not approve(connection, "nothing", "ann")
        assert approve(connection, trouble.action().id, "ann")
        assert not approve(connection, trouble.action().id, "ann")
    trouble.hurry()
    assert (trouble.action().state, len(hook.asked)) == ("verifying", 1)
    assert "ann" in {row.actor for row in trouble.rows(tables.audit)}


def test_what_recovered_before_the_approval_is_not_rolled_back(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, approval=True)))
    trouble.days(2, drift="o", latency="o")
    assert trouble.incidents() == [("release", "resolved")]
    with trouble.database.write() as connection:
        assert not approve(connection, trouble.action().id, "ann")
    trouble.hurry()
    assert (trouble.action().state, hook.asked) == ("refused", [])


def test_a_rollback_is_not_rolled_back(plain: Trouble, hook: Hook) -> None:
    plain.deploy("v1")
    plain.judge(drift="o")
    plain.deploy("v2")
    plain.judge(drift="o")
    plain.deploy("v1", by="modelwatch")
    plain.judge(drift="b")
    plain.hurry()
    assert plain.rows(tables.actions) == []
    assert hook.asked == []


def test_without_an_earlier_version_there_is_nothing_to_go_back_to(plain: Trouble, hook: Hook) -> None:
    plain.deploy("v1")
    plain.judge(drift="b")
    assert refused(plain, hook) == "no good version is known from before v1"


def test_without_a_deployment_there_is_nothing_to_roll_back(make: Make, hook: Hook) -> None:
    trouble = make(**section(hook) | {"rules": [{"name": "any", "actions": ["undo"]}]})
    trouble.judge(drift="b")
    assert refused(trouble, hook) == "no deployment to roll back"


def test_the_version_before_is_known_from_traffic_too(plain: Trouble) -> None:
    with plain.database.write() as connection:
        row = {"model": "m", "role": "production", "known": 0, "segment": "", "shape": "s", "rows": 1}
        row |= {"profile": b""}
        connection.execute(profiles.insert(), [row | {"shard": 1, "start": 90 * DAY, "version": "v0"}])
    plain.deploy("v1")
    plain.judge(drift="b")
    assert plain.action().to_version == "v0"


def test_cooldown(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, cooldown="10d")))
    trouble.hurry()
    trouble.deploy("v1", by="modelwatch")
    trouble.days(3, drift="o", latency="o")
    trouble.deploy("v3")
    trouble.judge(drift="b")
    second = trouble.rows(tables.actions)[-1]
    assert (second.from_version, second.state) == ("v3", "refused")
    assert "less than 10 days ago" in second.note
    trouble.days(10, drift="o", latency="o")
    trouble.deploy("v4")
    trouble.judge(drift="b")
    third = trouble.rows(tables.actions)[-1]
    assert (third.from_version, third.to_version, third.state) == ("v4", "v3", "proposed")


def test_a_version_that_was_rolled_back_is_no_target(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, cooldown="1d")))
    trouble.hurry()  # v2 to v1, and the app does not report it
    trouble.days(3, drift="o", latency="o")
    trouble.deploy("v3")
    trouble.judge(drift="b")
    second = trouble.rows(tables.actions)[-1]
    assert (second.from_version, second.to_version) == ("v3", "v1")


def test_a_version_that_was_deployed_anew_is_a_target_again(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook, cooldown="1d")))
    trouble.hurry()
    trouble.deploy("v1", by="modelwatch")
    trouble.days(3, drift="o", latency="o")
    trouble.deploy("v2")  # repaired, under the same name
    trouble.days(5, drift="o", latency="o")
    trouble.deploy("v3")
    trouble.judge(drift="b")
    assert trouble.rows(tables.actions)[-1].to_version == "v2"


def test_what_no_longer_serves_is_not_rolled_back(plain: Trouble, hook: Hook) -> None:
    """A late verdict, or an evaluation that catches up, must not undo what a person has already done."""
    plain.deploy("v1")
    plain.days(3, drift="o")
    plain.deploy("v2")
    plain.judge(drift="o")
    plain.deploy("v3", at=plain.day + 30)
    plain.judge(drift="b")
    assert refused(plain, hook) == "v2 no longer serves: v3 was deployed since"


def test_an_action_that_is_no_longer_configured_fails_and_is_told(make: Make, hook: Hook) -> None:
    released(make(**section(hook)))
    changed = make()
    for _ in range(10):
        changed.hurry()
    assert changed.action().state == "failed"
    assert "no longer configured" in changed.action().note
    assert changed.told() == ["opened", "escalated"]


def test_verifying_an_action_that_is_no_longer_configured_escalates(make: Make, hook: Hook) -> None:
    trouble = released(make(**section(hook)))
    trouble.hurry()
    changed = make()
    changed.day = trouble.day
    changed.judge(drift="b")
    assert changed.action().state == "escalated"
